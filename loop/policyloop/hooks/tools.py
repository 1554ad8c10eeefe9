"""Before a tool runs: what an agent may do that a session holds, and who decides about the rest.

A subagent has the session id of the one that started it, and is held to the same.
"""

import os
import re
from typing import Any

from policyloop.hooks.verdict import Fault, Verdict, deny, standing, text_of
from policyloop.session import home

EDITS = {"Edit": "file_path", "Write": "file_path", "MultiEdit": "file_path", "NotebookEdit": "notebook_path"}
"""Tool -> the input that names the file."""
SPEC_NAME = "policyloop.spec.yaml"
CONFIG_NAME = "policyloop.yaml"


def before_tool(
    session: str, question: dict[str, Any], commands: tuple[str, ...], *, hardened: bool = False
) -> Verdict | None:
    """What becomes of one tool call; None for no decision. Raises `Fault`.

    `hardened`: also without a session only tools that are known pass.
    """
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
        if hardened and verdict is None:
            from policyloop.hooks.named import while_hardened

            verdict = while_hardened(tool, given)
    else:
        verdict = _while_held(tool, given, question, entry, commands)
    if verdict is None:
        return None
    # In that mode no question reaches a person.
    if verdict.decision == "ask" and question.get("permission_mode") == "auto":
        return deny(f"{verdict.reason} No person is asked in the mode auto: they do it in a terminal of their own.")
    return verdict._replace(updated={**given, **verdict.updated}) if verdict.updated else verdict


def _while_held(
    tool: str, given: dict[str, Any], question: dict[str, Any], entry: home.Entry, commands: tuple[str, ...]
) -> Verdict | None:
    """What becomes of a tool call while session `entry` holds the agent: what is not named is denied."""
    if tool == "Bash":
        from policyloop.hooks.bash import while_open

        return while_open(given, question, entry, commands)
    from policyloop.hooks.named import EDITING, READING, other_tool, unknown_input

    if tool in EDITS:
        from policyloop.hooks.edits import edit

        if wrong := unknown_input(tool, given, EDITING[tool]):
            return deny(f"{standing(entry)}: {wrong}")
        return edit(tool, text_of(given, EDITS[tool]), given, text_of(question, "cwd"), entry)
    verdict = other_tool(tool, given, entry)
    if verdict is None and tool in READING:
        from policyloop.hooks.readable import read_tool

        return read_tool(tool, given, question, entry)
    return verdict


def _without_session(
    session: str, tool: str, given: dict[str, Any], question: dict[str, Any], commands: tuple[str, ...]
) -> Verdict | None:
    """Only what would open a session unseen, or stand in for a person's word, is looked at."""
    if tool == "Bash":
        command = given.get("command")
        if isinstance(command, str) and _may_be_policyloop(command):
            from policyloop.hooks.bash import while_none

            return while_none(command, session, commands)
    # Without a session other tools are the client's own affair; these two can write what later counts as a person's
    # word.
    elif tool in EDITS:
        path = given.get(EDITS[tool])
        if isinstance(path, str) and _kept_for_a_person(path, question):
            return Verdict("ask", f"{path} is where policyloop keeps what a person decided.")
        if isinstance(path, str) and f"/{path.casefold()}".endswith(f"/{CONFIG_NAME}"):
            return Verdict("ask", f"{path} sets the budgets and the compiler of a session: a person decides.")
        if isinstance(path, str) and path.casefold().endswith(SPEC_NAME):
            from policyloop.hooks.edits import edit_of_spec

            return edit_of_spec(tool, path, given, text_of(question, "cwd"))
    return None


def _may_be_policyloop(command: str) -> bool:
    """Whether a line may call policyloop. No reading of a line can be sure: what decides is the command itself."""
    # A shell takes quotes and backslashes out of a name, and some file systems do not mind its case.
    bare = re.sub(r"[\"'\\]", "", command).casefold()
    put_together = any(char in bare for char in "$`{*?[") and "confirm" in bare
    return "policyloop" in bare or put_together


def _kept_for_a_person(path: str, question: dict[str, Any]) -> bool:
    """Whether a file lies where sessions, tools that a person listed, the compiler and the like are kept."""
    from policyloop import outside
    from policyloop.hooks.named import listing

    # Links followed, capitals folded: the same folder has many names, and one of them is enough.
    real = os.path.realpath(os.path.join(str(question.get("cwd") or "/"), os.path.expanduser(path))).casefold()
    cache = os.path.join(outside.base("XDG_CACHE_HOME", ".cache"), "policyloop")
    places = (home.home(), os.path.dirname(listing()), cache)
    return any(real.startswith(os.path.realpath(place).casefold() + os.sep) for place in places)
