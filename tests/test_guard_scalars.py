"""What a plain scalar is: our reading against the compiler's."""

import random

import pytest

from guard_oracle import attributes, same
from policyloop.cerbos.run import Runner
from policyloop.yaml_text.scalars import Plain, resolve

TEXT = (
    *("on", "yes", "n", "nUll", "tRue", "2026-01-31", "2026-01-31T08:00:00Z", "12:30", "1e3", "1E3", "-2e+05", "1e400"),
    *(
        "08",
        "0o8",
        "0b2",
        "0X1F",
        "0xG",
        "0x",
        "1.2.3",
        "1,000",
        "1 000",
        "_1",
        "+.inf",
        "-.nan",
        "inf",
        "NaN",
        "Infinity",
    ),
    *(
        "--1",
        "++1",
        "1.0e400",
        "0x1p4",
        "0x1.8",
        "-9223372036854775809",
        "18446744073709551616",
        "=",
        ".",
        "..",
        "-.",
        "٣",
    ),
)
VALUES: dict[str, object] = {
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "FALSE": False,
    "1": 1,
    "-1": -1,
    "+1": 1,
    "+-1": 1,
    "-0": 0,
    "1_000": 1000,
    "1__0": 10,
    "1_": 1,
    "0b11": 3,
    "0b1_1": 3,
    "017": 15,
    "0_7": 7,
    "-017": -15,
    "0o17": 15,
    "00": 0,
    "0x1F": 31,
    "-0x1F": -31,
    "0x_1F": 31,
    ".5": 0.5,
    "5.": 5,
    "1.5e-3": 0.0015,
    "1.e3": 1000,
    "+0.5": 0.5,
    "-.5": -0.5,
    "++1.5": 1.5,
    "+--1.5": -1.5,
    "1_0.5": 10.5,
    "1.0": 1,
    "18446744073709551615": 18446744073709551615,
    "-9223372036854775808": -9223372036854775808,
    "1.0e-400": 0.0,
    "100000000000000000000.5": 1e20,
}
UNUSABLE = (".inf", "-.Inf", ".INF", ".nan", ".NaN", ".NAN")


def ours(text: str) -> object:
    found = resolve(text)
    if not isinstance(found, Plain):
        return found
    return found.value if found.usable else ...


def test_the_table() -> None:
    assert {text: ours(text) for text in TEXT} == {text: text for text in TEXT}
    assert all(same(ours(text), value) for text, value in VALUES.items())
    assert {ours(text) for text in UNUSABLE} == {...}


def test_the_compiler_agrees_with_the_table(cerbos: Runner) -> None:
    texts = [*TEXT, *VALUES, *UNUSABLE]
    seen = attributes(cerbos, [f"      v: {text}" for text in texts])
    theirs = [one if one is ... else one["v"] for one in seen]
    assert [text for text, value in zip(texts, theirs, strict=True) if not _agree(text, value)] == []


@pytest.mark.parametrize("seed", range(2))
def test_the_compiler_agrees_on_scraps_of_numbers(cerbos: Runner, seed: int) -> None:
    rng = random.Random(seed)
    scraps = ("0", "1", "7", "9", ".", "e", "E", "+", "-", "_", "x", "o", "b", "A", "0x", "0o", "0b", "12", ".5", "inf")
    texts = sorted({"".join(rng.choices(scraps, k=rng.randint(1, 6))) for _ in range(400)} - {"-"})
    texts = [text for text in texts if not text.startswith(("---", "..."))]
    seen = attributes(cerbos, [f"      v: {text}" for text in texts])
    theirs = [one if one is ... else one["v"] for one in seen]
    assert [text for text, value in zip(texts, theirs, strict=True) if not _agree(text, value)] == []


def _agree(text: str, theirs: object) -> bool:
    return ours(text) is theirs or same(ours(text), theirs)


def test_numbers_of_any_length_are_read() -> None:
    assert resolve("9" * 10_000) == "9" * 10_000
    assert resolve("0" * 10_000 + "7") == Plain("0" * 10_000 + "7", 7)
    assert resolve("0b" + "1" * 64) == Plain("0b" + "1" * 64, 2**64 - 1)
