"""Canonical JSON, the Merkle tree, and signed checkpoints: each against what others published or a naive recursion."""

import json
import struct
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyloop.audit.canonical import EXACT, NotCanonical, canonical, number, sound
from policyloop.audit.note import BadNote, Checkpoint, Signer, Verifier, read_signer, read_verifier
from policyloop.audit.tree import (
    EMPTY,
    Frontier,
    consistency_path,
    consistent,
    included,
    inclusion_path,
    leaf_hash,
    node_hash,
    root_of,
    subtree_of,
)

LEAVES = st.lists(st.binary(max_size=4).map(leaf_hash), max_size=70, unique=True)


# RFC 8785, appendix B: the bits of a double, and its text.
@pytest.mark.parametrize(
    ("bits", "text"),
    [
        ("0000000000000000", "0"),
        ("8000000000000000", "0"),
        ("0000000000000001", "5e-324"),
        ("8000000000000001", "-5e-324"),
        ("7fefffffffffffff", "1.7976931348623157e+308"),
        ("ffefffffffffffff", "-1.7976931348623157e+308"),
        ("4340000000000000", "9007199254740992"),
        ("c340000000000000", "-9007199254740992"),
        ("4430000000000000", "295147905179352830000"),
        ("44b52d02c7e14af5", "9.999999999999997e+22"),
        ("44b52d02c7e14af6", "1e+23"),
        ("44b52d02c7e14af7", "1.0000000000000001e+23"),
        ("444b1ae4d6e2ef4e", "999999999999999700000"),
        ("444b1ae4d6e2ef4f", "999999999999999900000"),
        ("444b1ae4d6e2ef50", "1e+21"),
        ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
        ("3eb0c6f7a0b5ed8d", "0.000001"),
        ("41b3de4355555553", "333333333.3333332"),
        ("41b3de4355555554", "333333333.33333325"),
        ("41b3de4355555555", "333333333.3333333"),
        ("41b3de4355555556", "333333333.3333334"),
        ("41b3de4355555557", "333333333.33333343"),
        ("becbf647612f3696", "-0.0000033333333333333333"),
        ("43143ff3c1cb0959", "1424953923781206.2"),
    ],
)
def test_numbers_are_written_as_the_rfc_writes_them(bits: str, text: str):
    (value,) = struct.unpack(">d", bytes.fromhex(bits))
    assert number(value) == text


def test_the_example_of_the_rfc():
    given_text = r"""{
       "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
       "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
       "literals": [null, true, false]
     }"""
    expected = (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )
    assert canonical(json.loads(given_text)) == expected.encode()


def test_keys_are_sorted_by_utf_16_units():
    # The example of section 3.2.3 of the RFC.
    given_keys = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    ordered = list(json.loads(canonical(dict.fromkeys(given_keys, 0))))
    assert ordered == ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-EXACT, EXACT)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner)
    ),
    max_leaves=12,
)


@given(JSON)
def test_canonical_json_reads_back_and_has_one_form(value):
    text = canonical(value)
    back = json.loads(text, parse_int=float)  # as a reader does whose numbers are all doubles
    assert back == value
    assert canonical(back) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_reads_back(value: float):
    assert float(number(value)) == value


@given(st.recursive(JSON | st.text() | st.integers() | st.floats() | st.binary(max_size=3), st.lists))
def test_whatever_comes_has_a_sound_form(value):
    canonical(sound(value))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**53, "\ud800", {1: 2}, b"x", {"\udfff": 1}])
def test_what_is_not_json_has_no_canonical_form(value):
    with pytest.raises(NotCanonical):
        canonical(value)


def naive_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962, as it is written there."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    left = 1
    while left * 2 < len(leaves):
        left *= 2
    return node_hash(naive_root(leaves[:left]), naive_root(leaves[left:]))


def test_the_tree_of_others_has_the_same_roots():
    # The leaves and roots with which Certificate Transparency's implementations are tested.
    inputs = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    leaves = [leaf_hash(bytes.fromhex(text)) for text in inputs]
    assert root_of(leaves[:1]).hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert root_of(leaves).hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
    assert EMPTY.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@given(LEAVES)
def test_the_root_is_that_of_the_naive_recursion(leaves: list[bytes]):
    assert root_of(leaves) == naive_root(leaves)


@given(LEAVES.filter(bool), st.data())
def test_inclusion_is_proved_and_nothing_else(leaves: list[bytes], data):
    size = len(leaves)
    index = data.draw(st.integers(0, size - 1))
    path = inclusion_path(index, size, subtree_of(leaves))
    root = naive_root(leaves)
    assert included(leaves[index], index, size, path, root)
    other = data.draw(st.integers(0, size - 1))
    assert included(leaves[index], other, size, path, root) == (other == index)
    assert not included(leaf_hash(b"something else"), index, size, path, root)
    assert not included(leaves[index], index, size, [*path, EMPTY], root)
    if path:
        assert not included(leaves[index], index, size, path[:-1], root)
        changed = data.draw(st.integers(0, len(path) - 1))
        assert not included(leaves[index], index, size, [*path[:changed], EMPTY, *path[changed + 1 :]], root)


@given(LEAVES.filter(bool), st.data())
def test_consistency_is_proved_and_nothing_else(leaves: list[bytes], data):
    size = len(leaves)
    older = data.draw(st.integers(1, size))
    path = consistency_path(older, size, subtree_of(leaves))
    before, root = naive_root(leaves[:older]), naive_root(leaves)
    assert consistent(older, before, size, root, path)
    assert not consistent(older, EMPTY, size, root, path)
    assert not consistent(older, before, size, EMPTY, path)
    assert not consistent(older, before, size, root, [*path, EMPTY])
    if path:
        assert not consistent(older, before, size, root, path[:-1])
    changed = list(leaves)
    changed[data.draw(st.integers(0, older - 1))] = leaf_hash(b"something else")
    assert not consistent(older, naive_root(changed[:older]), size, root, path)
    assert consistent(0, EMPTY, size, root, [])


@given(st.integers(0, 40), st.integers(0, 8))
def test_subtrees_that_are_whole_count_as_their_leaves(blocks: int, rest: int):
    leaves = [leaf_hash(bytes([number % 256])) for number in range(blocks * 4 + rest)]
    frontier = Frontier()
    for block in range(blocks):
        frontier.push_subtree(root_of(leaves[block * 4 : block * 4 + 4]), 4)
    for leaf in leaves[blocks * 4 :]:
        frontier.push(leaf)
    assert frontier.root() == naive_root(leaves)
    assert frontier.size == len(leaves)


def test_a_note_that_others_signed_is_read():
    # The published example of Go's package for signed notes.
    key = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    note = (
        "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
        "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    )
    with pytest.raises(BadNote, match="no checkpoint"):  # the signature holds; a checkpoint it is not
        read_verifier(key).opened(note)
    with pytest.raises(BadNote, match="does not hold"):
        read_verifier(key).opened(note.replace("answer", "Answer"))


SIGNER = Signer("example.org/log", bytes(range(32)))
CHECKPOINT = Checkpoint("example.org/log", 1000, sha256(b"x").digest())


def test_a_checkpoint_is_signed_and_checked_by_the_public_key_alone():
    note = SIGNER.sign(CHECKPOINT)
    verifier = read_verifier(SIGNER.verifier().line())
    assert verifier.opened(note) == CHECKPOINT
    assert read_signer(SIGNER.line()) == SIGNER
    assert note.split("\n")[:2] == ["example.org/log", "1000"]
    witnessed = note + Signer("witness", bytes(32)).sign(CHECKPOINT).rpartition("\n\n")[2]
    assert verifier.opened(witnessed) == CHECKPOINT


@given(st.data())
def test_no_change_of_a_note_goes_through(data):
    note = SIGNER.sign(CHECKPOINT)
    at = data.draw(st.integers(0, len(note) - 1))
    sign = data.draw(st.characters(codec="utf-8"))
    changed = note[:at] + sign + note[at + 1 :]
    if changed == note:
        return
    try:
        opened = SIGNER.verifier().opened(changed)
    except BadNote:
        return
    # Base64 has bits at its end that say nothing: then the note says what it said.
    assert opened == CHECKPOINT


@given(st.text())
def test_any_text_is_a_note_or_a_bad_one(text: str):
    for read in (SIGNER.verifier().opened, read_verifier, read_signer):
        with pytest.raises(BadNote):
            read(text)


def test_a_key_of_the_same_name_is_another_key():
    note = Signer("example.org/log", bytes(32)).sign(CHECKPOINT)
    with pytest.raises(BadNote, match="not signed by the key"):
        SIGNER.verifier().opened(note)
    assert isinstance(SIGNER.verifier(), Verifier)
