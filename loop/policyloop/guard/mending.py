"""What may become of a suite in which a test may stand of which nothing could be read.

It may be mended: signs and spaces as needed, and of its words a few that were misspelt, or missing, or there twice.
That is a bound and no proof; the rest of the lock holds what can be read, and what a mended suite demands joins it.
"""

import re
from collections import Counter

from policyloop.bundle import Bundle
from policyloop.guard.suite_demands import BundleDemands, SuiteDemands

MAX_WORDS = 12
"""How many words a mend may take out or put in: a line, and fewer than the 17 of the shortest test."""
MAX_MISSPELT = 2
"""How many words it may write otherwise, by one letter each."""

_COMMENT = re.compile(r"(?m)(?:^|\s)#.*$")
_WORD = re.compile(r"\w+")


def spoiled(reading: SuiteDemands, bundle: Bundle, readings: BundleDemands) -> str:
    """Why what `bundle` makes of the illegible suite `reading` is no mend, in a few words; empty when it may be one."""
    text, now = bundle.files.get(reading.file), readings.by_file.get(reading.file)
    if text is None or now is None:
        return f"{reading.file} is gone"
    before, after = _words(reading.texts[0] or ""), _words(text)
    if now.skipped and "skip" not in before:
        return "tests in it are skipped now"
    gone, new = before - after, after - before
    for word in list(gone.elements()):
        spelt = next((one for one in new if _misspelt(word, one)), None)
        if spelt is not None:
            gone -= Counter([word])
            new -= Counter([spelt])
    return _too_much(before, after, gone, new)


def _too_much(before: Counter[str], after: Counter[str], gone: Counter[str], new: Counter[str]) -> str:
    misspelt = (before - after).total() - gone.total()
    lost = [word for word in gone if not after[word]]
    if misspelt > MAX_MISSPELT or gone.total() + new.total() > MAX_WORDS:
        return f"{(before - after).total()} of its words are gone and {(after - before).total()} are new"
    if lost or (gone and new):
        return f"the word {(lost or list(gone))[0]!r} is gone"
    return ""


def _misspelt(one: str, other: str) -> bool:
    """Whether the two words differ by one letter, put in or left out."""
    short, long = sorted((one, other), key=len)
    return len(long) == len(short) + 1 and any(long[:n] + long[n + 1 :] == short for n in range(len(long)))


def _words(text: str) -> Counter[str]:
    return Counter(_WORD.findall(_COMMENT.sub("", text)))
