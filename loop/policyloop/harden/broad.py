"""Rules that allow more than the policy directory and the skill's commands."""

import re
from collections.abc import Collection

_EDITING = frozenset({"Edit", "Write", "MultiEdit", "NotebookEdit"})
_SHELLS = frozenset({"Bash", "PowerShell", "Monitor"})
_PROBES = (
    *("policyloop spec confirm x", "policyloop session end x", "policyloop harden x", "policyloop run x"),
    *("policyloop show --html x", "bash -c x", "sh -c x", "zsh -c x", "python -c x", "python3 -c x", "node -e x"),
    *("perl -e x", "ruby -e x", "env x", "xargs x", "sudo x", "eval x", "npx x", "uv run x", "docker run x", "ssh x"),
    *("rm x", "mv x y", "cp x y", "tee x", "dd x", "truncate x", "sed -i x", "find x", "curl x", "wget x"),
    *("chmod x", "ln x y", "patch x", "tar x", "git checkout x", "git apply x", "git config x", "git restore x"),
    *("git reset x", "git stash x", "awk x", "make x", "npm run x", "rsync x", "install x y", "nohup x", "timeout x y"),
)
"""Commands each of which can change any file, or tests that a person keeps."""


def too_broad(rule: str, wanted: Collection[str]) -> str:
    """What an allowing rule lets the model do beyond its scope; "" when nothing is known. `wanted`: rules of ours."""
    if rule in wanted:
        return ""
    tool, _, content = rule.removesuffix(")").partition("(")
    if tool == "*":
        return "lets the model use any tool"
    if tool in _EDITING:
        scopes = [one.removeprefix("Edit(").removesuffix("**)") for one in wanted if one.startswith("Edit(")]
        inside = any(scope.endswith("/") and content.startswith(scope) for scope in scopes) and ".." not in content
        return "" if inside else "lets the model edit outside the policy directory"
    if tool in _SHELLS:
        found = next((probe for probe in _PROBES if _covers(content or "*", probe)), None)
        return f"lets the model run `{found.removesuffix(' y').removesuffix(' x')}`" if found else ""
    if tool.startswith("mcp__") and re.search(
        r"\*|write|edit|create|move|delete|remove|exec|run|shell", tool, re.IGNORECASE
    ):
        return "lets the model change files or run programs through an MCP server"
    return ""


def _covers(content: str, command: str) -> bool:
    """Whether a Bash rule with this content allows `command`: `*` is anything, and so is what follows a `:*`."""
    if content.endswith(":*"):
        content = f"{content[:-2]}*"
    pattern = ".*".join(map(re.escape, content.split("*")))
    return re.fullmatch(pattern, command, re.DOTALL) is not None
