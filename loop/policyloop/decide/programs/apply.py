"""One row of the table at work."""

from policyloop.decide.programs.options import Arguments, arguments, known
from policyloop.decide.programs.row import Row
from policyloop.decide.scene import Scene, Use
from policyloop.decide.values import CONTENTS, Value
from policyloop.shell.marks import HOLE

_NOTHING = ("help", "version", "usage")


def sorted_arguments(use: Use, row: Row) -> Arguments:
    """The words of a use by the options of its row; what is not known among them is noted."""
    given = arguments(use.words, known(row.options, dashed=row.dashed, stops=row.stops))
    if given.strange:
        use.scene.unknown("unknown-option")
    if given.uncertain and row.risky:
        use.scene.unknown("variable-argument")
    return given


def idle(given: Arguments, row: Row) -> bool:
    """Whether it only tells something about itself, or what it would do."""
    flags = given.flags
    return bool(flags) and any(name in flags for name in (*_NOTHING, *row.never.split()))


def apply(use: Use, row: Row) -> Value:
    """What a program of the table does; its output."""
    given = sorted_arguments(use, row)
    if idle(given, row):
        return Value((HOLE,))
    scene = use.scene
    if row.does:
        scene.does(*row.does.split())
    operands = row.operands
    for flag in given.flags:
        if flag in row.when:
            scene.does(*row.when[flag].split())
        if flag in row.instead:
            operands = row.instead[flag]
    tags = use.tags
    for kind, value in given.values:
        tags |= place(scene, kind, value)
    tags |= _operands(scene, operands, given.operands)
    reads_input = not given.operands or "-" in given.operands or "R" not in operands
    if row.output == "own":
        return Value((HOLE,))
    return Value((HOLE,), tags | (use.given.tags if reads_input else 0))


def place(scene: Scene, kinds: str, text: str) -> int:
    """An argument that is a place of some kind; where its contents come from."""
    tags = 0
    for kind in kinds:
        if kind == "R":
            tags |= scene.reads(text)
        elif kind == "W":
            scene.writes(text)
        elif kind == "P":
            scene.changes(text)
        elif kind == "D":
            scene.deletes(text)
        elif kind == "L":
            scene.lists_names(text)
        elif kind == "H":
            scene.reaches(text)
        elif kind == "I":
            tags |= scene.reads(text)
            scene.unknown("loaded-file")
        elif kind == "U":
            tags |= scene.reads(text[1:]) if text.startswith("@") else CONTENTS * (text == "-")
        elif kind == "C":
            scene.code(Value((text,)), Value((HOLE,)))
    return tags


def _operands(scene: Scene, spec: str, operands: list[str]) -> int:
    tags = 0
    for kind, text in matched(spec, operands):
        if kind != ".":
            tags |= place(scene, kind, text)
    return tags


def matched(spec: str, operands: list[str]) -> list[tuple[str, str]]:
    """What each operand is, as a row says it: `R* W`, `. R*`."""
    kinds = spec.split()
    last = ""
    if len(kinds) > 1 and kinds[-2].endswith("*"):
        last = kinds.pop()
    pairs: list[tuple[str, str]] = []
    rest = list(operands)
    if last and len(rest) > len(kinds) - 1:
        pairs.append((last, rest.pop()))
    for kind in kinds:
        if kind.endswith("*"):
            pairs.extend((kind[:-1], text) for text in rest)
            rest = []
        elif rest:
            pairs.append((kind, rest.pop(0)))
    return pairs
