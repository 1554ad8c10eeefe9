"""Which tools pass while a session holds an agent, or in a hardened project: those named here or listed by a person.

The names are those that Claude Code 2.1.329 offers to a model, at a terminal and headless. Not named here, and so
denied, are those that run or schedule something (Monitor, PowerShell, Workflow, REPL, CronCreate, CronDelete,
ScheduleWakeup, RemoteTrigger), that move the work elsewhere (EnterWorktree, ExitWorktree, SendMessage), that load what
may run commands (Skill), that carry something out or in (WebFetch, WebSearch, Artifact, PushNotification,
SendUserFile), and every tool of a server.
"""

import os
import stat
from typing import Any

from policyloop import outside
from policyloop.hooks.verdict import Verdict, deny, standing
from policyloop.session.home import Entry

READING = {
    "Read": frozenset({"file_path", "offset", "limit", "pages", "allow_large"}),
    "Glob": frozenset({"pattern", "path"}),
    "Grep": frozenset(
        {"pattern", "path", "glob", "output_mode", "-A", "-B", "-C", "-n", "-i", "-o", "context", "type"}
        | {"head_limit", "offset", "multiline"}
    ),
}
"""Tools that read files, and the inputs that are known of each. Where they may read is for `readable` to say."""

EDITING = {
    "Edit": frozenset({"file_path", "old_string", "new_string", "replace_all"}),
    "Write": frozenset({"file_path", "content"}),
    "MultiEdit": frozenset({"file_path", "edits"}),
    "NotebookEdit": frozenset({"notebook_path", "cell_id", "new_source", "cell_type", "edit_mode"}),
}
"""Tools that edit files, and their inputs."""

BASH = frozenset({"command", "description", "timeout", "run_in_background", "dangerouslyDisableSandbox"})

_SUBAGENTS = frozenset({"general-purpose", "Explore", "Plan", "claude"})
_AGENT = frozenset({"description", "prompt", "subagent_type", "model", "effort", "run_in_background"})
_TASK = frozenset({"taskId", "status", "subject", "description", "activeForm", "addBlocks", "addBlockedBy"})

_HARMLESS: dict[str, frozenset[str] | None] = {
    "TodoWrite": None,  # the agent's own list of what it has to do
    "TaskCreate": _TASK,
    "TaskUpdate": _TASK,  # without `owner`, which would hand the work to another session
    "TaskGet": None,
    "TaskList": None,
    "TaskStop": None,  # ends what runs in the background
    "AskUserQuestion": None,  # a person answers
    "ExitPlanMode": None,  # a person is asked; the hooks hold in each mode
    "EnterPlanMode": None,  # less is allowed
    "ToolSearch": None,  # tells how tools are called
    "CronList": None,  # lists
    "ListAgents": None,  # lists
    "StructuredOutput": None,  # hands over the answer of a headless run
    "Agent": _AGENT,  # a subagent has the id of the session that started it, and is held to the same
    "Task": _AGENT,  # the same, as it was called earlier
}
"""Tools that neither write nor run nor send anything, with the inputs that may be given (None: any)."""

OWN_SKILLS = ("policyloop", "policyloop:policyloop")
_ASKED = {
    "Skill": "loads what may run commands: a person decides",
    "WebFetch": "carries words out and in: a person decides",
    "WebSearch": "carries words out and in: a person decides",
}
"""Tools of everyday use that a person may say yes to, each time, where no session is open."""

FILE = "tools"
MAX_BYTES = 65_536


def other_tool(tool: str, given: dict[str, Any], entry: Entry) -> Verdict | None:
    """What becomes of a tool that neither edits nor runs commands, while session `entry` holds the agent."""
    about = standing(entry)
    # By name and by input: a later version of a tool can take an option that writes.
    if tool in READING or tool in _HARMLESS:
        wrong = _misused(tool, given)
        return deny(f"{about}: {wrong}") if wrong else None
    if tool in listed(listing()):
        return None
    if tool == "Skill":
        return deny(f"{about}: {_not_listed(tool, 'the skill is loaded already; its references are files for Read')}")
    return deny(f"{about}: {_not_listed(tool, _unknown(tool))}")


def while_hardened(tool: str, given: dict[str, Any]) -> Verdict | None:
    """What becomes of a tool where a person asked for `harden` and no session is open; None: the client's rules say.

    Tools that edit, read and run commands are held by those rules. What the rules know nothing of does not run.
    """
    about = "this project is hardened"
    known = {"Bash": BASH, **EDITING}.get(tool)
    wrong = unknown_input(tool, given, known) if known is not None else None
    if known is None and (tool in READING or tool in _HARMLESS):
        wrong = _misused(tool, given)
    if wrong:
        return deny(f"{about}: {wrong}")
    if known is not None or tool in READING or tool in _HARMLESS or tool in listed(listing()):
        return None
    if tool in _ASKED:
        own = tool == "Skill" and given.get("skill") in OWN_SKILLS
        return None if own else Verdict("ask", f"{about}: {tool} {_ASKED[tool]}.")
    return deny(f"{about}: {_not_listed(tool, _unknown(tool))}")


def _misused(tool: str, given: dict[str, Any]) -> str | None:
    """Why a tool that is named here is not used in this way, in words."""
    known = READING[tool] if tool in READING else _HARMLESS[tool]
    if wrong := unknown_input(tool, given, known):
        return wrong
    # A subagent of the project's own comes with a prompt and tools that the project chose.
    kind = given.get("subagent_type")
    if known is _AGENT and kind is not None and kind not in _SUBAGENTS:
        return f"meanwhile a subagent is one of {', '.join(sorted(_SUBAGENTS))}."
    return None


def _unknown(tool: str) -> str:
    if tool.startswith("mcp__"):
        return "nobody knows what a server's tool does"
    return "it is not one of those that are known to do no harm"


def _not_listed(tool: str, why: str) -> str:
    return (
        f"{tool[:100]} is not used meanwhile, since {why}. Use Read, Grep, Glob, Edit and Write. A person may allow "
        f"it: by hand, with a line {tool[:100]} in {listing()}."
    )


def unknown_input(tool: str, given: dict[str, Any], known: frozenset[str] | None) -> str | None:
    """Which input of a tool is not known, in words: what it does is not known either."""
    odd = sorted(str(key) for key in given if known is not None and key not in known)
    return f"{tool} is not used with {odd[0][:80]} meanwhile." if odd else None


def listing() -> str:
    """The file in which a person lists further tools, outside of every project."""
    return os.path.join(outside.base("XDG_CONFIG_HOME", ".config"), "policyloop", FILE)


def listed(path: str) -> frozenset[str]:
    """The tools that a person listed, one a line, `#` before a remark.

    None where others can write that file, or where it lies in a project, to which a project's settings can lead.
    """
    if outside.project_around(path):
        return frozenset()
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return frozenset()
    try:
        # The open file, not its name, which may lead elsewhere by now; and its folder, in which it could be replaced.
        status, folder = os.fstat(file), os.stat(os.path.dirname(path))
        for one in (status, folder):
            if one.st_uid not in {os.geteuid(), 0} or one.st_mode & 0o022:
                return frozenset()
        if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_BYTES:
            return frozenset()
        lines = os.read(file, MAX_BYTES).decode(errors="replace").splitlines()
    except OSError:
        return frozenset()
    finally:
        os.close(file)
    # Names are compared whole: a pattern that a person writes by mistake allows nothing.
    return frozenset(line.partition("#")[0].strip() for line in lines) - {""}
