"""Which names a pattern could stand for. A pattern of nothing but `*` says nothing, and is told as it is."""

import re
from functools import lru_cache

from policyloop.shell.marks import ANY_MARK, CLOSE_SET, HOLE, OPEN_SET, QUEST, STAR

_WIDE = re.compile(f"(?=.*{STAR})(?:[{STAR}{QUEST}]|{OPEN_SET}[!^][^{CLOSE_SET}/]*{CLOSE_SET})+")
_EVERYTHING = {STAR, HOLE, STAR + STAR, ""}


def matching(pattern: str, names: tuple[str, ...]) -> list[str]:
    """Each of the names (absolute, or the last parts of a path) that some expansion of the pattern is."""
    if not ANY_MARK.search(pattern):
        return []
    parts = pattern.split("/")
    found: list[str] = []
    for name in names:
        tail = name.split("/")
        if name.startswith(("/", "~")):
            fits = len(tail) == len(parts) and _all_fit(parts, tail)
            candidate = name
        else:
            fits = len(parts) > len(tail) and _all_fit(parts[-len(tail) :], tail)
            candidate = "/".join([*parts[: -len(tail)], name])
        if fits and candidate not in found:
            found.append(candidate)
    return found


def _all_fit(parts: list[str], names: list[str]) -> bool:
    """Whether each part fits. `*` says nothing by itself; in a directory that is named (`.aws/*`) it is all that is
    there, and so it is beside a part that says something (`.a?s/*`).
    """
    marked = says = False
    for part, name in zip(parts, names, strict=True):
        if part == name:
            says = says or part != ""
            continue
        marked = True
        if part in _EVERYTHING:
            if HOLE in part or not fits(STAR, name):
                return False
            continue
        if not fits(part, name):
            return False
        says = True
    return marked and says


def all_within(pattern: str) -> str:
    """`dir/*` for a pattern that comes to as much (`dir/**`, `dir/*/*`, `dir/?*`, `dir/[!x]*`); empty for any other."""
    parts = pattern.split("/")
    count = len(parts)
    while count > 1 and _WIDE.fullmatch(parts[count - 1]):
        count -= 1
    if count == len(parts):
        return ""
    whole = "/".join([*parts[:count], STAR])
    return "" if whole == pattern else whole


def fits(part: str, name: str) -> bool:
    """Whether one part of a path could be this name. A leading dot is only met by a dot."""
    if name.startswith(".") and not part.startswith((".", HOLE)):
        return False
    return _compiled(part).fullmatch(name) is not None


@lru_cache(maxsize=1024)
def _compiled(part: str) -> re.Pattern[str]:
    pattern, index = "", 0
    while index < len(part):
        sign = part[index]
        end = part.find(CLOSE_SET, index + 1) if sign == OPEN_SET else -1
        if end > 0:
            pattern += _set(part[index + 1 : end])
            index = end
        elif sign in {STAR, HOLE}:
            pattern += ".*"
        elif sign == QUEST:
            pattern += "."
        else:
            pattern += re.escape(sign)
        index += 1
    return re.compile(pattern, re.IGNORECASE)


def _set(inner: str) -> str:
    """`[a-z]`; classes as `[:alpha:]` and what does not compile stand for any character."""
    text = ANY_MARK.sub("", inner)
    negated = text[:1] in {"!", "^"}
    body = text[1:] if negated else text
    if not body or "[" in body:
        return "."
    candidate = f"[{'^' if negated else ''}{body.replace(chr(92), chr(92) * 2)}]"
    try:
        re.compile(candidate)
    except re.error:
        return "."
    return candidate
