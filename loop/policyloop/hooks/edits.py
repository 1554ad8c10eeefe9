"""Before a file is edited: inside the policy directory or the spec, and no locked test any weaker."""

import os
from typing import Any

from policyloop.hooks.verdict import Fault, Verdict, deny, standing
from policyloop.layout import Kind, kind
from policyloop.session.home import GREEN, STOPPED, Entry

NEVER = frozenset({".policyloop", ".claude", ".git", ".policyloop-writeback"})
"""Names that no edit gets at, in whatever case they are written."""
FORGED = "only a person confirms a spec; this edit may write the mark of it by hand."
MAX_NAMED = 5
"""How many weakened assertions are named."""


def edit(tool: str, path: str, given: dict[str, Any], cwd: str, entry: Entry) -> Verdict | None:
    """What becomes of an edit of `path` while a session is open, or stopped. Raises `Fault`."""
    about = standing(entry)
    place = _place(path, cwd)
    if place is None:
        return deny(f"{about}: {path[:200]!r} is no plain path; give the absolute path of a file.")
    if entry.phase == GREEN:
        return deny(
            f"{about}: nothing is edited any more. Report to the person; what they ask for next is theirs, and then "
            "the hooks let go."
        )
    # It lies beside the policy directory, so the walls below would deny it.
    if entry.spec and place == entry.spec:
        return _confirming(tool, place, given)
    # With the separator: `policies-old` begins with `policies` too.
    inside = place.startswith(entry.policies + os.sep)
    names = place[len(entry.policies) :] if inside else place
    # In any capitals: on a disk that does not tell them apart `.GIT` is `.git`.
    if any(name.casefold() in NEVER for name in names.split(os.sep)):
        return deny(f"{about}: nothing is written into .policyloop, .claude or .git.")
    if not inside:
        return deny(
            f"{about}: {place} lies outside of it; only policies there and the spec are edited until it is green, "
            "or a person ends it: policyloop session end."
        )
    if entry.phase == STOPPED:
        return deny(
            f"session {entry.run} over {entry.policies} has stopped, so nothing there is edited any more. Report to "
            "the person; only they end it (policyloop session end) or start anew."
        )
    below = place[len(entry.policies) + 1 :].replace(os.sep, "/")
    what = kind(below)
    if what is None or tool == "NotebookEdit":
        return deny(f"{about}: {below} is nothing that Cerbos reads; leave it, or write it after the session.")
    if not os.path.lexists(place) and (wrong := _bad_new_name(entry.policies, below)):
        return deny(f"{about}: {wrong}.")
    if what in {Kind.SUITE, Kind.FIXTURE}:
        return _of_a_test(tool, place, below, given, entry)
    return None


def edit_of_spec(tool: str, path: str, given: dict[str, Any], cwd: str) -> Verdict | None:
    """What becomes of an edit of a spec while no session is open. Raises `Fault`."""
    place = _place(path, cwd)
    return _confirming(tool, place, given) if place else Verdict("ask", FORGED)


def _confirming(tool: str, place: str, given: dict[str, Any]) -> Verdict | None:
    """A person is asked about an edit that writes the mark of a confirmed spec, or might: it is not signed."""
    after = _after(tool, place, given)
    if after is None or _marks(after) != _marks(_now(place)):
        return Verdict("ask", FORGED)
    return None


def _marks(text: str) -> list[str]:
    """The lines that say who confirmed, or could in disguise: an escape can spell any key, a flow hide it anywhere."""
    lines = [line for line in text.splitlines() if line.strip()]
    # Then the mark can stand anywhere on a line; the whole text is held against what it was.
    if lines and lines[0].startswith(("{", "%", "&", "!", "---", " ")):
        return lines
    found: list[str] = []
    within = False
    for line in lines:
        within = (within and line.startswith((" ", "\t"))) or "confirmed" in line or "\\" in line
        if within:
            found.append(line)
    return found


def _place(path: str, cwd: str) -> str | None:
    """The file that an edit gets at: `~` and what is relative resolved as the client does it, links followed.

    None where two readings of the path could lead to two files.
    """
    if not path.isprintable() or path != path.strip() or "\0" in path:
        return None
    if not os.path.isabs(cwd):
        raise Fault("The hook's input has a cwd that is no absolute path.")
    full = os.path.join(cwd, os.path.expanduser(path))
    # `a/../b` is `b` by name, and somewhere else when `a` is a link: which of the two an editor opens is its own
    # affair.
    by_name = os.path.realpath(os.path.normpath(full))
    return by_name if by_name == os.path.realpath(full) else None


def _bad_new_name(policies: str, below: str) -> str | None:
    from policyloop.bundle import Bundle, EditRejected, Write

    there = {}
    for folder, folders, names in os.walk(policies):
        folders[:] = [name for name in folders if name not in NEVER]
        for name in names:
            relative = os.path.relpath(os.path.join(folder, name), policies).replace(os.sep, "/")
            there[relative] = ""
    try:
        Bundle(there).apply([Write(below, "")])
    except EditRejected as error:
        return str(error)
    return None


def _of_a_test(tool: str, place: str, below: str, given: dict[str, Any], entry: Entry) -> Verdict | None:
    """An edit of a suite or fixture, held against the lock of the session."""
    from policyloop.bundle import Bundle
    from policyloop.errors import PolicyloopError
    from policyloop.session.loosened import loosened

    text = _after(tool, place, given)
    if text is None:
        return deny(
            f"session {entry.run} is open: the text to replace does not stand in {below} exactly once; "
            "read it again, or write the file whole."
        )
    try:
        names = loosened(entry, lambda now: Bundle({**now.files, below: text}))
    except PolicyloopError as error:
        return deny(f"{below} is a locked test, and it cannot be told whether this edit weakens it: {error}")
    if not names:
        return None
    more = f"; and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return deny(
        f"this edit would weaken locked tests: {'; '.join(names[:MAX_NAMED])}{more}. Change the policies instead. "
        "If a test contradicts a rule: policyloop session step --dispute WHY."
    )


def _after(tool: str, place: str, given: dict[str, Any]) -> str | None:
    """The file's text after the edit, None when the edit cannot be made as it stands. Raises `Fault`."""
    if tool == "Write":
        return _text(given, "content")
    now = _now(place)
    edits = given.get("edits") if tool == "MultiEdit" else [given]
    if not isinstance(edits, list) or not all(isinstance(one, dict) for one in edits):
        raise Fault("The hook's input has no edits.")
    for one in edits:
        old, new = _text(one, "old_string").replace("\r\n", "\n"), _text(one, "new_string")
        if not old:
            if now:
                return None
            now = new
        # The client refuses what does not stand there exactly once, and so a guess at another place would judge another
        # text.
        elif now.count(old) == 1 or (one.get("replace_all") and old in now):
            now = now.replace(old, new)
        else:
            return None
    return now


def _now(place: str) -> str:
    try:
        with open(place, encoding="utf-8", newline="") as file:
            return file.read().replace("\r\n", "\n")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise Fault(f"{place} cannot be read: {error}.") from None


def _text(given: dict[str, Any], key: str) -> str:
    value = given.get(key)
    if not isinstance(value, str):
        raise Fault(f"The hook's input has no {key}.")
    return value
