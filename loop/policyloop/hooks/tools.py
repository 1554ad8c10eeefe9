"""Before a tool runs: which tools can change something, and who decides about each.

Claude Code 2.1.329 has these tools that write or run something: Bash, PowerShell, Monitor (a shell command), Edit,
Write, NotebookEdit, EnterWorktree; earlier ones had MultiEdit. A subagent has the session id of the one that started
it, and is held to the same.
"""

import re
from typing import Any

from policyloop.hooks.verdict import Fault, Verdict, deny, text_of
from policyloop.session import home
from policyloop.session.home import Entry

EDITS = {"Edit": "file_path", "Write": "file_path", "MultiEdit": "file_path", "NotebookEdit": "notebook_path"}
"""Tool -> the input that names the file."""
SPEC_NAME = "policyloop.spec.yaml"
CONFIG_NAME = "policyloop.yaml"
_RUNS = ("command", "script", "code", "cmd", "argv", "args")
_NAMES_A_PLACE = ("path", "file", "dir", "folder", "uri", "source", "destination", "target", "root")


def before_tool(session: str, question: dict[str, Any], commands: tuple[str, ...]) -> Verdict | None:
    """What becomes of one tool call; None for no decision. Raises `Fault`."""
    tool = text_of(question, "tool_name")
    given = question.get("tool_input")
    if not isinstance(given, dict):
        raise Fault("The hook's input has no tool_input.")
    try:
        entry = home.guarding(session)
    except home.HomeError as error:
        raise Fault(f"{error}. A person sees to it, or removes that file if no session is open.") from None
    if entry is None:
        verdict = _without_session(session, tool, given, question, commands)
    elif tool == "Bash":
        from policyloop.hooks.bash import while_open

        verdict = while_open(text_of(given, "command"), session, entry, commands)
    elif tool in EDITS:
        from policyloop.hooks.edits import edit

        verdict = edit(tool, text_of(given, EDITS[tool]), given, text_of(question, "cwd"), entry)
    else:
        verdict = _other_tool(tool, given, entry)
    if verdict is None:
        return None
    if verdict.decision == "ask" and question.get("permission_mode") == "auto":
        return deny(f"{verdict.reason} No person is asked in the mode auto: they do it in a terminal of their own.")
    return verdict._replace(updated={**given, **verdict.updated}) if verdict.updated else verdict


def _without_session(
    session: str, tool: str, given: dict[str, Any], question: dict[str, Any], commands: tuple[str, ...]
) -> Verdict | None:
    """Only what would open a session unseen, or stand in for a person's word, is looked at."""
    if tool == "Bash":
        command = given.get("command")
        # A shell takes quotes and backslashes out of a name, and some file systems do not mind its case.
        if isinstance(command, str) and "policyloop" in re.sub(r"[\"'\\]", "", command).casefold():
            from policyloop.hooks.bash import while_none

            return while_none(command, session, commands)
    elif tool in EDITS:
        path = given.get(EDITS[tool])
        if isinstance(path, str) and f"/{path.casefold()}".endswith(f"/{CONFIG_NAME}"):
            return Verdict("ask", f"{path} sets the budgets and the compiler of a session: a person decides.")
        if isinstance(path, str) and path.casefold().endswith(SPEC_NAME):
            from policyloop.hooks.edits import edit_of_spec

            return edit_of_spec(tool, path, given, text_of(question, "cwd"))
    return None


def _other_tool(tool: str, given: dict[str, Any], entry: Entry) -> Verdict | None:
    """Tools of servers and tools that we do not know: none of them runs a command or gets a path meanwhile."""
    if tool in {"PowerShell", "Monitor", "EnterWorktree"}:
        return deny(f"session {entry.run} is open: {tool} is not used meanwhile. Use Read, Grep, Glob, Edit and Write.")
    if not tool.startswith("mcp__"):
        return None
    found = _acts_on(given, 0)
    if found:
        return deny(
            f"session {entry.run} is open, and {tool} has {found}: tools of servers do not touch files meanwhile. "
            "Use Read, Grep, Glob, Edit and Write."
        )
    return None


def _acts_on(value: object, depth: int, key: str = "") -> str | None:
    """What in a tool's input names a place or is a command, in words."""
    if depth > 20:
        return "an input that is nested too deep"
    if isinstance(value, dict):
        return next((found for k, v in value.items() if (found := _acts_on(v, depth + 1, str(k)))), None)
    if isinstance(value, list):
        return next((found for v in value if (found := _acts_on(v, depth + 1, key))), None)
    if not isinstance(value, str) or not value:
        return None
    name = key.casefold()
    if any(part in name for part in _RUNS):
        return f"a command ({key})"
    web = value.startswith(("http://", "https://"))
    if not web and (any(part in name for part in _NAMES_A_PLACE) or _like_a_path(value)):
        return f"a path ({key or value[:80]})"
    return None


def _like_a_path(value: str) -> bool:
    start = value.startswith(("/", "~", "./", "../", "file:", "\\")) or value[1:3] in {":\\", ":/"}
    return start or ("/" in value and not any(c.isspace() for c in value)) or value.endswith((".yaml", ".yml", ".json"))
