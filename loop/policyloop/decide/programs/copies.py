"""cp, mv, ln and their like: what a file holds goes along with it."""

from policyloop.decide.programs.apply import idle, place, sorted_arguments
from policyloop.decide.programs.row import Row
from policyloop.decide.scene import Use
from policyloop.decide.values import EMPTY, Value
from policyloop.shell.marks import HOLE, has_glob


def copied(use: Use, row: Row) -> Value:
    """Sources, then the target; a target may be a directory, and then the file has its own name there."""
    given = sorted_arguments(use, row)
    if idle(given, row) or "attributes-only" in given.flags:
        return EMPTY
    scene = use.scene
    operands = list(given.operands)
    target = (given.flags.get("target-directory") or [""])[0]
    makes_directories = "directory" in given.flags and use.program in {"install", "ginstall"}
    for kind, value in given.values:
        if value != target:
            place(scene, kind, value)
    if makes_directories:
        for name in operands:
            scene.writes(name)
        return EMPTY
    if not target and len(operands) > 1:
        target = operands.pop()
    elif not target and use.program == "ln":
        target = "."
    moved = use.program == "mv"
    held = EMPTY
    for name in operands:
        held = scene.held(name) or Value((HOLE,)) if HOLE not in name and not has_glob(name) else Value((HOLE,))
        held = held.tagged(scene.reads(name) | use.tags)
        if moved:
            scene.deletes(name)
        if target:
            _arrived(use, name, target, held)
    if target:
        scene.writes(target, held if len(operands) == 1 else Value((HOLE,), held.tags))
    return EMPTY


def _arrived(use: Use, name: str, target: str, held: Value) -> None:
    """Under its own name in the target, which may be a directory: kept in mind, and told where it can only be one."""
    own = f"{target.rstrip('/') or ''}/{name.rstrip('/').rsplit('/', 1)[-1]}"
    if target.endswith(("/", "/.", "/..")) or target in {".", ".."}:
        use.scene.writes(own, held)
    else:
        use.scene.keeps(own, held)
