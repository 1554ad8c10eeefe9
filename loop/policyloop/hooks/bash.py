"""Before a Bash command runs: policyloop, and commands that only read, each alone on its line.

Nothing here tries to understand a shell. A line that holds anything but plain words, quoted texts and harmless patterns
is refused, and so is an option that is not known to be harmless. What gets past this all the same is met by `step`,
which compares the directory with its own snapshot.
"""

import os
import re
from typing import Any

from policyloop.hooks.line import NotPlain, tokens
from policyloop.hooks.named import BASH, unknown_input
from policyloop.hooks.readable import Readable
from policyloop.hooks.readers import not_reading
from policyloop.hooks.verdict import Verdict, deny, standing, text_of
from policyloop.session.home import GREEN, Entry, home

_PLAIN = re.compile(r"[A-Za-z0-9_-]+\Z")
INSTEAD = (
    "Use Read, Grep and Glob to look, Edit and Write to change policies, and policyloop session step for a verdict."
)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SESSION = _words("--policies --claude-session --format")
_AGENT = {
    ("session", "step"): _SESSION | {"--dispute"},
    ("session", "status"): _SESSION,
    ("session", "restore"): _SESSION,
    ("check",): _words("--baseline --format --runner"),
    ("guard",): _words("--format"),
    ("spec", "show"): _words("--policies --format"),
    ("spec", "check"): _words("--policies --format"),
    ("show",): _words("--format"),
    ("doctor",): _words("--format"),
    ("schema",): frozenset[str](),
}
"""What the agent may run, and with which options: none of these writes policies, grants anything or runs a program."""
_BOUND = {("session", name) for name in ("start", "step", "status", "restore")}
_FOR_A_PERSON = _words("--anew --tests-as-they-are --unguarded --yes --release --assume")
_SAYS_FOR_A_PERSON = re.compile(
    r"confirm|harden|\bagree\b|_AGREED|session\s+end|--(?:anew|tests-as|unguarded|yes|release|assume)|XDG_CONFIG_HOME"
    r"|(?:state|config|share|cache)/policyloop",
    re.IGNORECASE,
)
_SAYS_SESSION = re.compile(
    r"session\s+(?:start|step|status|restore)|--claude-session|CLAUDE_CODE_SESSION_|XDG_STATE_HOME"
)


def while_open(
    given: dict[str, Any], question: dict[str, Any], entry: Entry, commands: tuple[str, ...]
) -> Verdict | None:
    """What becomes of a command while session `entry` holds the agent; None lets the usual permissions decide.

    `given`: the tool's input; `question`: the hook's.
    """
    about = standing(entry)
    line = text_of(given, "command")
    if wrong := unknown_input("Bash", given, BASH):
        return deny(f"{about}: {wrong}")
    if given.get("run_in_background"):
        return deny(f"{about}: nothing is run in the background meanwhile; its end would speak in a person's place.")
    # A shell's grammar is larger than any reading of it. So whatever is not plain is not read, and not run.
    try:
        words = tokens(line)
    except NotPlain as why:
        return deny(f"{about}: one plain command alone on its line, please; this one has {why}. {INSTEAD}")
    if not words:
        return deny(f"{about}: an empty command. {INSTEAD}")
    name, rest = words[0], words[1:]
    if _is_policyloop(name, commands):
        return _policyloop_while_open(line, rest, question, entry)
    # policyloop itself may need to leave it, to reach an engine; what only reads never does.
    if given.get("dangerouslyDisableSandbox"):
        return deny(f"{about}: only policyloop is run outside of the sandbox meanwhile. {INSTEAD}")
    wrong = not_reading(name, rest, question, entry)
    if wrong:
        return deny(f"{about}: {wrong} {INSTEAD} A person ends the session: policyloop session end.")
    return None


def while_none(line: str, session: str, commands: tuple[str, ...]) -> Verdict | None:
    """What becomes of a command that names policyloop while no session is open."""
    try:
        words = tokens(line)
    except NotPlain as why:
        words, reason = [], str(why)
    else:
        reason = "something before it"
    if not words or not _is_policyloop(words[0], commands):
        if _SAYS_SESSION.search(line):
            return deny(
                f"run policyloop session alone on its line, so that it is bound to this session; here is {reason}."
            )
        # No session holds the agent, so its commands are the person's affair, but for those that would speak as the
        # person.
        return Verdict("ask", _for_a_person(line)) if _SAYS_FOR_A_PERSON.search(line) else None
    rest = words[1:]
    if _command(rest) in _BOUND:
        return _bound(line, rest, session)
    personal = _command(rest) in {("spec", "confirm"), ("session", "end")} or rest[:1] == ["harden"]
    if personal or _FOR_A_PERSON & {word.partition("=")[0] for word in rest}:
        return Verdict("ask", _for_a_person(line))
    return None


def _policyloop_while_open(line: str, rest: list[str], question: dict[str, Any], entry: Entry) -> Verdict | None:
    about, session = standing(entry), text_of(question, "session_id")
    # After another option the last word could be its value, such as a name that confirms.
    helped = rest[-1:] in (["--help"], ["-h"]) and not any(word.startswith("-") for word in rest[:-1])
    if rest == ["--version"] or (helped and rest[0] != "hook"):
        return None
    command = _command(rest)
    if command == ("hook",):
        return deny(f"{about}: the hooks are not run by hand.")
    # Options are named for each command: one that is new is for a person until somebody has thought about it.
    known = _AGENT.get(command)
    options = {word.partition("=")[0] for word in rest[len(command) :] if word.startswith("-") and word != "--"}
    if known is None and command == ("session", "start") and not options & _FOR_A_PERSON:
        if entry.phase == GREEN:
            return deny(f"{about}: report to the person; a new session begins once they have taken over.")
        return deny(f"{about}: go on with policyloop session step; a person ends it, or starts anew with --anew.")
    if known is None or not options <= known:
        what = f"policyloop {' '.join(command)}".strip()
        odd = f" with {sorted(options - known)[0]}" if known else ""
        return Verdict("ask", f"{about}, and {what}{odd} is for a person to decide.", _with_id(line, rest, session))
    if command[0] != "session" and (wrong := _elsewhere(rest[len(command) :], question, entry)):
        return deny(f"{about}: {wrong}.")
    return _bound(line, rest, session) if command in _BOUND else None


def _elsewhere(rest: list[str], question: dict[str, Any], entry: Entry) -> str | None:
    """Why a word names what is not read: what policyloop says about a file can quote it."""
    may, cwd = Readable(entry, question), text_of(question, "cwd")
    for word in rest:
        value = word.partition("=")[2] if word.startswith("-") else word
        # A word that names nothing that is there is no file: a rule's name, a digest, a request.
        there = value.startswith(("/", "~", "..")) or os.path.lexists(os.path.join(cwd, value))
        if value and there and (wrong := may.word(value)):
            return wrong
    return None


def _bound(line: str, rest: list[str], session: str) -> Verdict | None:
    """The command with the id of the Claude Code session that it belongs to."""
    # Another spec than the one beside the policies could be one that no person ever saw.
    personal = (_FOR_A_PERSON | {"--spec"}) & {word.partition("=")[0] for word in rest}
    ids = [rest[n + 1 : n + 2] for n, word in enumerate(rest) if word == "--claude-session"]
    ids += [[word.partition("=")[2]] for word in rest if word.startswith("--claude-session=")]
    # With another id the command would speak for another session, whose record it could end or loosen.
    if any(given != [session] for given in ids):
        return deny("leave --claude-session out: the hook says which session this is.")
    # Where hooks look for sessions is where a session would have to be hidden from them.
    if any(word.startswith("--hooks-home") for word in rest):
        return deny("leave --hooks-home out: the hook says where it looks for sessions.")
    if "--" in rest:
        return deny("leave the -- out: the hook adds an option to this command.")
    updated = _with_id(line, rest, session)
    if personal:
        return Verdict("ask", _for_a_person(line), updated)
    return Verdict(None, updated=updated) if updated else None


def _with_id(line: str, rest: list[str], session: str) -> dict[str, str] | None:
    added = []
    if _command(rest) in _BOUND and not any(word.startswith("--claude-session") for word in rest):
        added += ["--claude-session", _quoted(session)]
    if _command(rest) == ("session", "start"):
        added += ["--hooks-home", _quoted(home())]
    bare = re.sub(r"[ \t]+2>&1[ \t]*\Z", "", line.strip(" \t\n"))
    return {"command": " ".join([bare, *added])} if added else None


def _quoted(text: str) -> str:
    return text if _PLAIN.match(text) else "'" + text.replace("'", "'\\''") + "'"


def _command(rest: list[str]) -> tuple[str, ...]:
    """`session step`, `check`: the command, and the one below it."""
    return tuple(rest[:2]) if rest[:1] in (["session"], ["spec"]) else tuple(rest[:1])


def _is_policyloop(name: str, commands: tuple[str, ...]) -> bool:
    return name == "policyloop" or name in commands


def _for_a_person(line: str) -> str:
    return f"this is for a person to decide: {' '.join(line.split())[:300]}"
