"""What hardening a project would change, and what stands against it."""

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from policyloop.diff import file_diff
from policyloop.errors import Exit, Unavailable, UsageError
from policyloop.harden import files
from policyloop.harden.document import Settings
from policyloop.harden.drift import Drift, Role, loose, missing
from policyloop.harden.merge import merged
from policyloop.harden.rules import PROGRAM, Wanted, wanted
from policyloop.harden.standing import standing
from policyloop.redact import redact
from policyloop.workspace.place import STATE

_GLOBS = frozenset("*?[]{}()!\\#")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Hardened settings for one file, next to what it holds now."""

    where: files.Place
    before: Settings
    after: str
    drift: tuple[Drift, ...]
    managed: bool

    @property
    def changes(self) -> bool:
        """Whether the file is to be written."""
        return self.after != self.before.text

    @property
    def open(self) -> tuple[Drift, ...]:
        """What only a person can take out."""
        return tuple(one for one in self.drift if not one.mendable)

    @property
    def diff(self) -> str:
        """What is to be written, as a diff; "" for nothing."""
        return file_diff(self.where.path, self.before.text, self.after, redact) if self.changes else ""

    def write(self) -> None:
        """Write the file, all or nothing. Raises `PersonNeeded` when it changed meanwhile, and `Unavailable`."""
        files.write(self.where, self.after, self.before, managed=self.managed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardened:
    """How `harden` ended."""

    plan: Plan
    check: bool
    written: bool

    @property
    def drift(self) -> tuple[Drift, ...]:
        """What is still open."""
        return self.plan.open if self.written else self.plan.drift

    @property
    def outcome(self) -> Literal["in place", "hardened", "drift", "person"]:
        """`in place`, `hardened`, `drift` (of a check) or `person` (not written, or loosened elsewhere)."""
        if not self.drift:
            return "hardened" if self.written else "in place"
        return "drift" if self.check else "person"

    @property
    def exit_code(self) -> Literal[Exit.GREEN, Exit.FAULT, Exit.PERSON]:
        """0 all is in place, 1 a check found drift, 5 a person must decide."""
        match self.outcome:
            case "drift":
                return Exit.FAULT
            case "person":
                return Exit.PERSON
        return Exit.GREEN


def plan(project: Path, policies: Path, *, managed: bool = False) -> Plan:
    """What is to be written so that agents in `project` keep to `policies`, and what drifted.

    Raises `UsageError` for folders that will not do and for settings that are broken, and `Unavailable` where there are
    no managed settings.
    """
    root, below = _folders(project, policies)
    rules = wanted(root, below, managed=managed, program=_program() if managed else PROGRAM)
    where = files.managed_file() if managed else files.project_file(root)
    before = files.read_plain(where)
    drift = [*missing(before, rules), *_loose(root, before, rules, managed=managed)]
    return Plan(where=where, before=before, after=merged(before, rules), drift=tuple(drift), managed=managed)


def _loose(root: Path, target: Settings, rules: Wanted, *, managed: bool) -> list[Drift]:
    others = {
        Role.MANAGED: files.managed_file() if sys.platform in {"linux", "darwin"} else None,
        Role.LOCAL: files.project_file(root, "settings.local.json"),
        Role.PROJECT: files.project_file(root),
        Role.USER: files.user_file(),
    }
    own = Role.MANAGED if managed else Role.PROJECT
    found: list[Drift] = []
    for role, where in others.items():
        if role is own:
            found += loose(target, role, rules, managed=managed)
            if managed and where is not None:
                found += standing(where, rules)
        elif where and where != others[own]:
            found += loose(files.read(where), role, rules, managed=managed)
    return found


def _program() -> str:
    """Where policyloop is: what managed hooks run must not depend on anybody's PATH."""
    found = shutil.which("policyloop", path=str(Path(sys.executable).parent)) or shutil.which("policyloop")
    if found is None:
        raise Unavailable("There is no command policyloop on the PATH.", "Install it for everybody on this machine.")
    path = str(Path(found).resolve())
    return f"'{path}'" if " " in path else path


def _folders(project: Path, policies: Path) -> tuple[Path, str]:
    """The project, and the policy directory as a path below it. Raises `UsageError`."""
    try:
        root = project.resolve(strict=True)
        inside = policies.resolve()
    except (OSError, RuntimeError):
        raise UsageError(
            f"The project {project} does not exist.", "Give the folder that Claude Code starts in."
        ) from None
    if not root.is_dir():
        raise UsageError(f"The project {project} is no folder.", "Give the folder that Claude Code starts in.")
    if root == inside or not inside.is_relative_to(root):
        raise UsageError(
            f"The policy directory {inside} does not lie below the project {root}.",
            "The model may edit all of it, so it must be a folder inside the project that holds nothing else.",
        )
    below = inside.relative_to(root)
    if below.parts[0] in {".claude", ".git", STATE}:
        raise UsageError(f"{policies} lies in {below.parts[0]}, which the model must not edit.", "Move the policies.")
    odd = next((letter for letter in str(inside) if letter in _GLOBS or not letter.isprintable()), None)
    if odd is not None:
        raise UsageError(
            f"The path {inside} has a {odd!r}, which means something else in a rule.", "Rename the folder."
        )
    if not inside.is_dir():
        words = "is not a directory" if inside.exists() else "does not exist"
        raise UsageError(f"The policy directory {policies} {words}.", "Give the directory that holds the policies.")
    return root, below.as_posix()
