"""What hardened settings of Claude Code hold, and what undoes them.

Every form of rule here was tried in the client 2.1.329 (`tests/test_harden_client.py` tries them again):

- A `Read` rule that denies binds Read, what the Grep and Glob tools show, and shell commands that the client knows to
  read files (`cat`, `grep PATTERN FILE`, `sed`, `cp`, `<`). It does not bind `grep -r`, `rg`, a glob such as `cat *`,
  nor a program that the client does not know (`xxd`, `tar`, an interpreter).
- An `Edit` rule binds every tool that edits, and simple shell writes (`>`, `tee`, `rm`, `mv`).
- A `Bash` rule is a text with `*` for anything; it is held against each part of a compound command. It sees words, not
  files: quotes, variables and globs get past it.
- Rules that deny beat rules that ask, which beat rules that allow. In a folder that nobody trusted yet, rules of the
  project that allow are ignored.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from policyloop.specification.model import FILE_NAME as SPEC
from policyloop.workspace.place import CONFIG, STATE

MINIMUM_VERSION = "2.1.295"
"""The first client that closes a failing hook when asked to (`onFailure`)."""

PROGRAM = 'PATH="$PATH:$HOME/.local/bin" policyloop'
"""What the hooks of a project run: on PATH, else where the skill's setup puts it. The file is shared, so no more."""

EVERY_TOOL = "*"
"""The hook is asked about each tool, since new ones come; the plugin's `hooks.json` has the same."""

STRICT_MODES = ("default", "manual", "plan", "dontAsk")
"""Permission modes in which nothing is edited or run that no rule allows and no person approves."""

COMMANDS = (
    *("doctor", "check *", "guard *", "spec show *", "spec check *"),
    *("session step *", "session status *", "session restore *"),
)
"""What the skill runs without asking (`allowed-tools` of SKILL.md). None of them writes where it is told to."""
_PERSONS = (
    *("*policyloop spec confirm*", "*policyloop session end*", "*policyloop*--anew*", "*policyloop harden*"),
    *("*policyloop agree*", "*policyloop*--tests-as-they-are*", "*policyloop*--unguarded*"),
    *("*policyloop*--release*", "*policyloop*--yes*", "*policyloop*--assume*"),
    *("*policyloop*--config*", "*policyloop*--state*", "*policyloop*--html*", "*policyloop*--markdown*"),
    *("*policyloop*--junit*", "*policyloop*--write*", "*policyloop*--model-command*"),
)
"""What only a person does, also when some other rule lets `policyloop` run: confirm, release, end, name places, and
name a program that is run."""
_RECURSIVE = ("grep -r*", "grep -R*", "grep --recursive*", "grep * -r*", "grep * -R*", "grep * --recursive*", "rg *")

_ELSEWHERE = ("CronCreate", "ScheduleWakeup", "RemoteTrigger", "Workflow", "EnterWorktree", "SendMessage")
"""Tools that schedule, run elsewhere, or hand work to another session: the model is not even offered these. Every other
tool that is not known is denied by the hook (`--hardened`), since a list of what is bad is never whole."""

_SECRET_FILES = (
    *(".env*", ".netrc", "_netrc", ".npmrc", ".pypirc", ".pgpass", ".my.cnf", ".htpasswd", ".git-credentials"),
    *("*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx", "*.ppk", "*.tfstate", "*.tfvars"),
    *("id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", ".vault-token", ".dockercfg"),
    *(".docker/config.json", "application_default_credentials.json"),
)
_SECRET_FOLDERS = (".ssh", ".aws", ".azure", ".kube", ".gnupg", ".config/gcloud")
_PLACES = ("proc", "run/secrets", "var/run/secrets")
"""Folders of the machine in which environments, memory and mounted secrets are read."""
_SECRET_WORDS = (
    *(".env*", ".netrc*", ".npmrc*", ".pypirc*", ".git-credentials*", ".pem*", "id_rsa*", "id_dsa*", "id_ecdsa*"),
    *("id_ed25519*", ".pgpass*", ".my.cnf*", ".vault-token*", ".kdbx*", ".jks*", ".tfstate*", ".tfvars*"),
    *(".ssh*", ".aws*", ".azure*", ".kube*", ".gnupg*", "gcloud*", ".docker/config*", "/proc/*", " /proc"),
    "/run/secrets*",
)
_PROTECTED = (".claude/**", ".git", ".git/**", f"{STATE}/**", CONFIG, ".mcp.json")
_PROTECTED_AT_HOME = ("~/.claude/settings.json", "~/.claude/settings.local.json", "~/.claude.json")


@dataclass(frozen=True, slots=True)
class Hook:
    """A hook that must stand in the settings exactly so. `matcher` "" stands for every use."""

    event: str
    matcher: str
    handler: tuple[tuple[str, str], ...]

    @property
    def group(self) -> dict[str, Any]:
        """As it is written into the settings."""
        matcher = {"matcher": self.matcher} if self.matcher else {}
        return {**matcher, "hooks": [dict(self.handler)]}

    @property
    def name(self) -> str:
        """What a command of ours has in it, however it is called."""
        return f"policyloop hook {_EVENTS[self.event]}"


_EVENTS = {"PreToolUse": "pre-tool-use", "UserPromptSubmit": "user-prompt-submit", "Stop": "stop"}


@dataclass(frozen=True, slots=True)
class Value:
    """A setting with one value. `enough`: other values that are as strict."""

    key: tuple[str, ...]
    value: object
    enough: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """All that hardened settings hold."""

    allow: tuple[str, ...]
    ask: tuple[str, ...]
    deny: tuple[str, ...]
    values: tuple[Value, ...]
    hooks: tuple[Hook, ...]

    @property
    def rules(self) -> Sequence[tuple[str, tuple[str, ...]]]:
        """The kinds of rules, in the order in which they are written."""
        return (("allow", self.allow), ("ask", self.ask), ("deny", self.deny))


def wanted(project: Path, policies: str, *, managed: bool, program: str = PROGRAM) -> Wanted:
    """The settings for `policies`, a path below `project` with `/`.

    In managed settings a path is absolute, and `program`, an absolute path too, is what the hooks run.
    """
    at = f"/{project.as_posix()}/" if managed else "/"
    spec = "/".join([*policies.split("/")[:-1], SPEC])
    values = [
        Value(("permissions", "defaultMode"), "default", STRICT_MODES),
        Value(("permissions", "disableBypassPermissionsMode"), "disable"),
        Value(("permissions", "disableAutoMode"), "disable"),
        Value(("disableAllHooks",), False),
    ]
    if managed:
        values += [
            Value(("requiredMinimumVersion",), MINIMUM_VERSION),
            Value(("allowManagedHooksOnly",), True),
            Value(("allowManagedPermissionRulesOnly",), True),
        ]
    return Wanted(
        allow=(
            *(f"Edit({at}{policies}/**)", f"Edit({at}{spec})", "Skill(policyloop)", "Skill(policyloop:policyloop)"),
            *(f"Bash(policyloop {command})" for command in COMMANDS),
        ),
        ask=tuple(f"Bash({words})" for words in (*_PERSONS, *_RECURSIVE)),
        deny=tuple(_denied(at)),
        values=tuple(values),
        hooks=(
            # Exit code 2 blocks in every client; any other failure, a missing program too, would let the tool run.
            Hook("PreToolUse", EVERY_TOOL, (*_command(program, "PreToolUse", _CLOSED), ("onFailure", "block"))),
            Hook("UserPromptSubmit", "", _command(program, "UserPromptSubmit")),
            Hook("Stop", "", _command(program, "Stop")),
        ),
    )


_CLOSED = " --hardened || exit 2"


def _command(program: str, event: str, more: str = "") -> tuple[tuple[str, str], ...]:
    return (("type", "command"), ("command", f"{program} hook {_EVENTS[event]}{more}"))


def _denied(at: str) -> list[str]:
    paths = [
        *(f"//**/{name}" for name in _SECRET_FILES),
        *(f"//**/{name}/**" for name in _SECRET_FOLDERS),
        *(f"//{name}/**" for name in _PLACES),
    ]
    return [
        *_ELSEWHERE,
        *(f"{tool}({path})" for path in paths for tool in ("Read", "Edit")),
        *(f"Bash(*{words})" for words in _SECRET_WORDS),
        *(f"Edit({at}{path})" for path in _PROTECTED),
        *(f"Edit({path})" for path in _PROTECTED_AT_HOME),
    ]
