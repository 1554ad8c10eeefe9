"""A call, whatever its tool or event, as its effects."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from policyloop.decide.call import Call
from policyloop.decide.commands import run
from policyloop.decide.effects import Effects
from policyloop.decide.follow import scene_for
from policyloop.decide.scene import Scene
from policyloop.decide.values import EMPTY, Value
from policyloop.places.keys import whereabouts
from policyloop.shell.marks import GLOBS, HOLE, STAR, TILDE
from policyloop.shell.tree import Unparsed

_TRIMMED = "".join(map(chr, (*range(9, 14), 32, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F)))
_TRIMMED += "\u3000\ufeff"
"""What `trim` of JavaScript takes off."""
_MENTION = re.compile(r"(?:^|(?<=[\s(\[\"'`,;:]))@(\"[^\"]+\"|(?:\\.|[^\s,;:!?\"'`)\]])+)")
_READS = (
    "file_path",
    "path",
    "notebook_path",
    "paths",
    "file",
    "filename",
    "filepath",
    "files",
    "source",
    "src",
    "uri",
    "directory",
    "dir",
    "root",
    "folder",
)
_WRITES = ("destination", "dest", "target", "dst", "output", "output_path", "new_path", "to")
_MCP_WRITES = re.compile(
    r"write|edit|create|update|append|save|insert|replace|patch|upload|set|put|mkdir|touch|copy|move|rename|modify",
    re.I,
)
_MCP_DELETES = re.compile(r"delete|remove|unlink|rmdir|trash|purge|erase|destroy|move|rename", re.I)
_MCP_LISTS = re.compile(r"list|tree|search|glob|find|stat|info", re.I)
_MCP_RUNS = re.compile(r"bash|shell|exec|command|terminal|run_?(?:cmd|process|script)", re.I)


def effects_of(call: Call) -> Effects:
    """What a call would do. Never raises for what stands in the call."""
    scene = scene_for(whereabouts(call.cwd, call.home))
    scene.run = run
    try:
        _worked_out(scene, call)
    except Unparsed as unparsed:
        return scene.gathered.effects(unparsed.reason)
    except RecursionError:
        return scene.gathered.effects("too-deep")
    return scene.gathered.effects()


def effects_of_command(command: str, cwd: str = "", home: str = "") -> Effects:
    """Of a text of shell alone."""
    return effects_of(Call(event="PreToolUse", tool="Bash", input={"command": command}, cwd=cwd, home=home))


def _worked_out(scene: Scene, call: Call) -> None:
    if call.event in {"UserPromptSubmit", "UserPromptExpansion"}:
        _mentions(scene, _text(call.input, "prompt"))
    elif call.event in {"InstructionsLoaded", "ConfigChange", "FileChanged"}:
        _literal(scene.reads, _text(call.input, "file_path"))
    elif call.event in {"CwdChanged", "DirectoryAdded"}:
        _literal(
            scene.lists_names, _text(call.input, "path") or _text(call.input, "directory") or _text(call.input, "cwd")
        )
    elif call.tool:
        _tool(scene, call)


def _tool(scene: Scene, call: Call) -> None:
    tool, given = call.tool, call.input
    known = _TOOLS.get(tool)
    if not isinstance(given, Mapping):
        scene.unknown("unreadable-input")
    elif known is not None:
        known(scene, given)
    elif tool.startswith("mcp__"):
        _other_server(scene, tool.split("__", 2)[-1], given)
    elif tool not in _NOTHING:
        scene.unknown("unknown-tool")
        _other_server(scene, tool, given)


def _text(given: Mapping[str, Any], name: str) -> str:
    text = given.get(name)
    return text if isinstance(text, str) else ""


def _shell(scene: Scene, given: Mapping[str, Any]) -> None:
    command = given.get("command")
    if not isinstance(command, str):
        scene.unknown("unreadable-input")
        return
    scene.follow(_read(command), EMPTY)


def _read(command: str) -> Any:
    from policyloop.shell.statements import read

    return read(command)


def _powershell(scene: Scene, given: Mapping[str, Any]) -> None:
    from policyloop.decide.programs.interpreters import other_code

    scene.unknown("inline-code")
    scene.does("inline-code")
    with scene.perhaps():
        other_code(scene, _text(given, "command"))


def _literal(add: Callable[[str], Any], path: str) -> None:
    """A path that no shell expands: `~` is what tools take for the home directory, `*` is a star."""
    # Claude Code takes blanks off both ends of a path before it opens it; a server of others may not.
    for name in dict.fromkeys((path, path.strip(_TRIMMED))):
        if name:
            add(TILDE + name[1:] if name.startswith("~") else name)


def _reads(scene: Scene, given: Mapping[str, Any]) -> None:
    _each(scene, given, ("file_path", "path", "notebook_path"), scene.reads)


def _edits(scene: Scene, given: Mapping[str, Any]) -> None:
    _each(scene, given, ("file_path", "path", "notebook_path"), scene.reads)
    _writes_text(scene, given)


def _writes_text(scene: Scene, given: Mapping[str, Any]) -> None:
    _each(scene, given, ("file_path", "path", "notebook_path"), scene.writes)


def _each(scene: Scene, given: Mapping[str, Any], names: tuple[str, ...], add: Callable[[str], Any]) -> None:
    paths = [given[name] for name in names if name in given]
    if not paths or not all(isinstance(path, str) and path and "\0" not in path for path in paths):
        scene.unknown("unreadable-input")
    for path in paths:
        if isinstance(path, str):
            _literal(add, path)


def _grep(scene: Scene, given: Mapping[str, Any]) -> None:
    """It reads all below a directory that fits."""
    path = _text(given, "path").strip(_TRIMMED) or "."
    glob = _text(given, "glob")
    _literal(scene.reads, path)
    if glob:
        with scene.perhaps():
            for pattern in _alternatives(glob):
                scene.reads(_below(path, pattern))


def _glob(scene: Scene, given: Mapping[str, Any]) -> None:
    pattern = _text(given, "pattern")
    if not pattern:
        scene.unknown("unreadable-input")
    path = _text(given, "path").strip(_TRIMMED) or "."
    for alternative in _alternatives(pattern):
        scene.lists_names(_below(path, alternative))


def _below(path: str, pattern: str) -> str:
    marked = pattern.translate(GLOBS).replace(STAR + STAR, HOLE)
    start = TILDE + path[1:] if path.startswith("~") else path
    return marked if pattern.startswith(("/", "~")) else f"{start}/{marked}"


def _alternatives(pattern: str) -> list[str]:
    """`*.{a,b}` as two patterns."""
    match = re.search(r"\{([^{}]*)\}", pattern)
    if match is None:
        return [pattern]
    found = [pattern[: match.start()] + choice + pattern[match.end() :] for choice in match[1].split(",")[:32]]
    return [each for choice in found for each in (_alternatives(choice) if len(found) < 32 else [choice])]


def _fetches(scene: Scene, given: Mapping[str, Any]) -> None:
    scene.reaches(_text(given, "url"))


def _mentions(scene: Scene, prompt: str) -> None:
    """`@file` in a prompt: its text goes to the model without any tool."""
    for match in _MENTION.finditer(prompt):
        path = re.sub(r"\\(.)", r"\1", match[1].strip('"')).rstrip(".")
        path = re.sub(r"#L?\d+(?:-L?\d+)?$", "", path)
        if (path and not re.fullmatch(r"[\w-]+", path)) or path.startswith(".") or "/" in path:
            _literal(scene.reads, path)
        elif path:
            with scene.perhaps():
                _literal(scene.reads, path)


def _other_server(scene: Scene, name: str, given: Mapping[str, Any]) -> None:
    """A tool of a server of others: places by the names of its fields, what happens to them by its own name."""
    if not given:
        scene.unknown("unknown-tool")
    for field, value in _flat(given):
        low = field.lower()
        if _MCP_RUNS.search(name) and low in {"command", "cmd", "script", "code", "input"} and isinstance(value, str):
            with scene.deeper("mcp"):
                scene.code(Value((value,)), EMPTY)
        elif low in _READS or low in _WRITES or low.endswith(("path", "_file", "paths")):
            path = value.removeprefix("file://") if value.startswith("file:") else value
            if "://" in path:
                scene.reaches(path)
                continue
            if low in _WRITES or (_MCP_WRITES.search(name) and not re.search(r"read|get_|list", name)):
                _literal(scene.writes, path)
            if _MCP_DELETES.search(name) and low not in _WRITES:
                _literal(scene.deletes, path)
            if low not in _WRITES:
                _literal(
                    scene.lists_names if _MCP_LISTS.search(name) and not re.search(r"read", name) else scene.reads, path
                )
        elif low in {"url", "uri", "host", "endpoint", "address"} or re.match(r"https?://", value):
            scene.reaches(value)
        elif re.match(r"(?:/|~/|\./|\.\./|[A-Za-z]:[\\/])\S+$", value):
            with scene.perhaps():
                _literal(scene.reads, value)
                _literal(scene.writes, value)


def _flat(given: Mapping[str, Any], depth: int = 0) -> list[tuple[str, str]]:
    """Every text in an input with the name of the field that it stands in."""
    pairs: list[tuple[str, str]] = []
    for field, value in given.items():
        values = value if isinstance(value, list) else [value]
        for item in values[:200]:
            if isinstance(item, str):
                pairs.append((str(field), item))
            elif isinstance(item, Mapping) and depth < 6:
                pairs.extend(_flat(item, depth + 1))
    return pairs


_NOTHING = frozenset(
    (
        "Agent Task TaskCreate TaskUpdate TaskList TaskGet TaskOutput TaskStop TodoWrite "
        "TodoRead AskUserQuestion EnterPlanMode ExitPlanMode ListAgents ReportFindings ScheduleWakeup Skill "
        "ToolSearch Workflow WebSearch BashOutput KillShell KillBash SendMessage SlashCommand StructuredOutput "
        "Sleep"
    ).split()
)
_TOOLS: dict[str, Callable[[Scene, Mapping[str, Any]], None]] = {
    "Bash": _shell,
    "Monitor": _shell,
    "PowerShell": _powershell,
    "Read": _reads,
    "NotebookRead": _reads,
    "Write": _writes_text,
    "Edit": _edits,
    "MultiEdit": _edits,
    "NotebookEdit": _edits,
    "Grep": _grep,
    "Glob": _glob,
    "LS": lambda scene, given: _each(scene, given, ("path",), scene.lists_names),
    "WebFetch": _fetches,
}
