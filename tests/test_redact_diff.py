"""A diff that is shown tells no secret whose name stands above the hunk, where no line of the diff shows it."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from command import DOCS, FIXED, lay, policyloop, speaker
from policyloop.bundle import Bundle
from policyloop.diff import file_diff
from policyloop.redact import MARK, redact
from test_redact_drawn import ALNUM, run

NAMES = ("api_key", "password", "clientSecret", "MYSQL_PWD", "npmAuth")
WORDS = ("all of it", "- actions: [read]", "name: x", "", "plain", "R.attr.owner == P.id")


@st.composite
def changes(draw: st.DrawFn) -> tuple[str, str, str]:
    """A file with a secret in a block below its name, the same file with another line near it, and the secret."""
    secret = "k7x92" + run(random.Random(draw(st.integers(0, 9999))), ALNUM, 27)
    lines = draw(st.lists(st.sampled_from(WORDS[:1]), min_size=8, max_size=20))
    at = draw(st.integers(4, len(lines) - 2))
    lines[at] = secret
    changed = list(lines)
    other = draw(st.integers(max(4, at - 3), min(len(lines) - 1, at + 3)))
    changed[other] = f"{lines[other]}{draw(st.sampled_from(['x7', '9y']))}"
    head = f"a: 1\n{draw(st.sampled_from(NAMES))}: {draw(st.sampled_from(['|', '>', '|-']))}\n"
    tail = "".join(f"{word}\n" for word in draw(st.lists(st.sampled_from(["z: 1", "y: [2]"]), max_size=5)))
    before, after = (head + "".join(f"    {line}\n" for line in body) + tail for body in (lines, changed))
    return before, after, secret


@given(changes())
@settings(max_examples=150, deadline=None)
def test_no_hunk_shows_what_its_file_would_hide(drawn: tuple[str, str, str]) -> None:
    before, after, secret = drawn
    assert secret in file_diff("a.yaml", before, after)
    shown = file_diff("a.yaml", before, after, redact)
    assert secret not in shown
    assert MARK in shown
    assert secret not in redact(shown)


@given(changes(), st.text(max_size=80))
@settings(max_examples=80, deadline=None)
def test_the_lines_are_the_same_ones(drawn: tuple[str, str, str], other: str) -> None:
    """What changed is still told line by line: a changed secret as a changed line."""
    before, after, _ = drawn
    plain, shown = (Bundle({"a": before}).diff(Bundle({"a": after + other}), clean=c) for c in (None, redact))
    assert [line[:1] for line in plain.split("\n")] == [line[:1] for line in shown.split("\n")]


@pytest.mark.compiler
def test_no_ledger_page_or_screen_of_a_run_shows_it(tmp_path: Path) -> None:
    secret = "k7" + run(random.Random(5), ALNUM, 30)
    lines = ("a b", "c d", "e f", secret, "g h", "i j")
    block = "metadata:\n  annotations:\n    api_key: |\n" + "".join(f"      {line}\n" for line in lines)
    policy = DOCS["doc.yaml"].replace("resourcePolicy:", f"{block}resourcePolicy:")
    mended = FIXED.replace("resourcePolicy:", f"{block.replace('i j', 'j k')}resourcePolicy:")
    policies = lay({**DOCS, "doc.yaml": policy}, tmp_path / "project" / "policies")
    rules = [text[text.rindex("    - actions") :] for text in (policy, FIXED)]
    edits = [("      i j", "      j k"), tuple(rules)]
    model = speaker([{"edits": [{"path": "doc.yaml", "old": o, "new": n} for o, n in edits], "note": "n"}], tmp_path)
    page = tmp_path / "page.html"
    done = policyloop("run", "--policies", policies, "--model-command", model, "--runner", "native")
    assert done.code == 0, done
    assert (policies / "doc.yaml").read_text() == mended
    state = tmp_path / "project" / ".policyloop"
    said = [policyloop("show", "--state", state, "--html", page), policyloop("show", "--state", state)]
    said.append(policyloop("report", "--state", state, "--no-measure", "--policies", policies))
    ledger = "".join(path.read_text() for path in state.rglob("*.jsonl"))
    told = ledger + page.read_text() + "".join(one.out + one.err for one in (done, *said))
    assert f"+      {MARK}" in ledger
    assert secret not in told
