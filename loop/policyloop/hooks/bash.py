"""Before a Bash command runs: policyloop, and commands that only read, each alone on its line.

Nothing here tries to understand a shell. A line that holds anything but plain words, quoted texts and harmless patterns
is refused, and so is an option that is not known to be harmless. What gets past this all the same is met by `step`,
which compares the directory with its own snapshot.
"""

import re
from typing import NamedTuple

from policyloop.hooks.line import NotPlain, tokens
from policyloop.hooks.verdict import Verdict, deny, standing
from policyloop.session.home import Entry, home

_PLAIN = re.compile(r"[A-Za-z0-9_-]+\Z")
INSTEAD = (
    "Use Read, Grep and Glob to look, Edit and Write to change policies, and policyloop session step for a verdict."
)


class _Options(NamedTuple):
    """The options of a command that only reads: letters that may be combined, and whole words."""

    letters: str = ""
    words: frozenset[str] = frozenset()


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_READERS = {
    "cat": _Options("nbAEsTv"),
    "head": _Options("ncqv0123456789"),
    "tail": _Options("ncqv0123456789"),
    "wc": _Options("lwcmL"),
    "ls": _Options("laAhrtR1FdSGpiu", _words("--all --human-readable --recursive --color=never")),
    "pwd": _Options("LP"),
    "cd": _Options(),
    "echo": _Options("ne"),
    "true": _Options(),
    "stat": _Options("L"),
    "du": _Options("shacd0123456789"),
    "basename": _Options(),
    "dirname": _Options(),
    "realpath": _Options("em"),
    "readlink": _Options("fem"),
    "sha256sum": _Options(),
    "cmp": _Options("sl"),
    "diff": _Options("uUbBwqrNyiac0123456789", _words("--unified --brief --recursive --color=never")),
    "grep": _Options(
        "abcEFGHhiLlnomqrRsvwxABCe0123456789",
        _words("--color=never --include --exclude --exclude-dir --recursive --ignore-case --line-number --count"),
    ),
    "rg": _Options(
        "abcFHIilLnNosSvwxegtTABCmU0123456789",
        _words("--files --glob --type --hidden --count --no-heading --line-number --ignore-case --fixed-strings")
        | _words("--files-with-matches --context --max-count --color=never"),
    ),
    "find": _Options(
        "",
        _words(
            "-name -iname -path -ipath -type -maxdepth -mindepth -print -size -newer -mtime -mmin -not -o -a -and -or"
        )
        | _words("-empty -prune -regex -iregex"),
    ),
}
_DIFF = _words(
    "--stat --shortstat --numstat --name-only --name-status --cached --staged --no-color --color=never --no-ext-diff "
    "--no-textconv --word-diff --patch --no-patch --summary --ignore-all-space"
)
_LOG = _DIFF | _words(
    "--oneline --graph --all --decorate --follow --format --pretty --since --until --author --reverse"
)
_GIT = {
    "status": _Options("sbu", _words("--short --branch --porcelain --porcelain=v1 --porcelain=v2 --ignored --long")),
    "diff": _Options("pwubUM0123456789", _DIFF),
    "log": _Options("pnwSGiU0123456789", _LOG),
    "show": _Options("psqwU0123456789", _LOG),
    "blame": _Options("LwsC0123456789,", _words("--porcelain")),
    "ls-files": _Options("comsdt", _words("--others --cached --modified --exclude-standard")),
    "rev-parse": _Options("", _words("--show-toplevel --abbrev-ref --short --verify --is-inside-work-tree --git-dir")),
}

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
_SAYS_FOR_A_PERSON = re.compile(r"confirm|harden|session\s+end|--(?:anew|tests-as|unguarded|yes|release|assume)")
_SAYS_SESSION = re.compile(
    r"session\s+(?:start|step|status|restore)|--claude-session|CLAUDE_CODE_SESSION_ID|XDG_STATE_HOME"
)


def while_open(line: str, session: str, entry: Entry, commands: tuple[str, ...]) -> Verdict | None:
    """What becomes of a command while session `entry` is open, or stopped; None lets the usual permissions decide."""
    about = standing(entry)
    try:
        words = tokens(line)
    except NotPlain as why:
        return deny(f"{about}: one plain command alone on its line, please; this one has {why}. {INSTEAD}")
    if not words:
        return deny(f"{about}: an empty command. {INSTEAD}")
    name, rest = words[0], words[1:]
    if _is_policyloop(name, commands):
        return _policyloop_while_open(line, rest, session, about)
    wrong = _not_reading(name, rest)
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
        return Verdict("ask", _for_a_person(line)) if _SAYS_FOR_A_PERSON.search(line) else None
    rest = words[1:]
    if _command(rest) in _BOUND:
        return _bound(line, rest, session)
    personal = _command(rest) in {("spec", "confirm"), ("session", "end")} or rest[:1] == ["harden"]
    if personal or _FOR_A_PERSON & {word.partition("=")[0] for word in rest}:
        return Verdict("ask", _for_a_person(line))
    return None


def _policyloop_while_open(line: str, rest: list[str], session: str, about: str) -> Verdict | None:
    # After another option the last word could be its value, such as a name that confirms.
    helped = rest[-1:] in (["--help"], ["-h"]) and not any(word.startswith("-") for word in rest[:-1])
    if rest == ["--version"] or (helped and rest[0] != "hook"):
        return None
    command = _command(rest)
    if command == ("hook",):
        return deny(f"{about}: the hooks are not run by hand.")
    known = _AGENT.get(command)
    options = {word.partition("=")[0] for word in rest[len(command) :] if word.startswith("-") and word != "--"}
    if known is None and command == ("session", "start") and not options & _FOR_A_PERSON:
        return deny(f"{about}: go on with policyloop session step; a person ends it, or starts anew with --anew.")
    if known is None or not options <= known:
        what = f"policyloop {' '.join(command)}".strip()
        odd = f" with {sorted(options - known)[0]}" if known else ""
        return Verdict("ask", f"{about}, and {what}{odd} is for a person to decide.", _with_id(line, rest, session))
    return _bound(line, rest, session) if command in _BOUND else None


def _bound(line: str, rest: list[str], session: str) -> Verdict | None:
    """The command with the id of the Claude Code session that it belongs to."""
    # Another spec than the one beside the policies could be one that no person ever saw.
    personal = (_FOR_A_PERSON | {"--spec"}) & {word.partition("=")[0] for word in rest}
    given = [rest[n + 1 : n + 2] for n, word in enumerate(rest) if word == "--claude-session"]
    given += [[word.partition("=")[2]] for word in rest if word.startswith("--claude-session=")]
    if any(one != [session] for one in given):
        return deny("leave --claude-session out: the hook says which session this is.")
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


def _not_reading(name: str, rest: list[str]) -> str | None:
    """Why a command is not one of those that only read."""
    if name == "git":
        command = rest[0] if rest else ""
        if command not in _GIT:
            return f"git {command[:40]} is not one of git {', '.join(_GIT)}."
        return _odd_option(f"git {command}", _GIT[command], rest[1:])
    if name not in _READERS:
        return f"{name[:80]} is not one of {', '.join(_READERS)}, git and policyloop."
    return _odd_option(name, _READERS[name], rest)


def _odd_option(name: str, known: _Options, rest: list[str]) -> str | None:
    for word in rest:
        if word == "--" and name != "find":
            return None
        if word.startswith("-") and word != "-" and not _known_option(word, known):
            return f"{name} is not run with {word[:80]}."
    return None


def _known_option(word: str, known: _Options) -> bool:
    if word in known.words or word.partition("=")[0] in known.words:
        return True
    return not word.startswith("--") and bool(known.letters) and set(word[1:]) <= set(known.letters)


def _for_a_person(line: str) -> str:
    return f"this is for a person to decide: {' '.join(line.split())[:300]}"
