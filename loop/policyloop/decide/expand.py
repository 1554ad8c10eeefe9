"""Words as the shell would expand them, as far as the text says: variables it set itself, output that is known."""

import re
from itertools import product

from policyloop.decide.parameters import changed, parameter
from policyloop.decide.scene import Scene
from policyloop.decide.values import ANYTHING, EMPTY, MOST, Value, value
from policyloop.shell.marks import GLOBS, HOLE
from policyloop.shell.tree import Arithmetic, ProcessFile, Substitution, Unparsed, Variable, Word

SPLIT = "\ue00a"
"""Where an unquoted expansion makes two words of one."""
GONE = "\ue00b"
"""An unquoted expansion that may leave no word at all."""
_BLANKS = re.compile(r"[ \t\n]+")
MOST_VARIANTS = 16
"""Ways in which one command may read; more are one with open words."""


def variants(scene: Scene, words: tuple[Word, ...]) -> tuple[list[list[str]], int]:
    """Each way in which the words of a command may read, and where what they hold comes from."""
    fixed: list[str] = []
    for word in words:
        if not isinstance(word, str):
            break
        fixed.append(word)
    else:
        return [fixed], 0
    tags, choices = 0, list[list[list[str]]]()
    for word in words:
        if isinstance(word, str):
            choices.append([[word]])
        else:
            held = _value(scene, word, splits=True)
            tags |= held.tags
            choices.append(_once([_fields(text) for text in held.texts]))
    count = 1
    for choice in choices:
        count *= len(choice)
    if count > MOST_VARIANTS:
        choices = [choice if len(choice) == 1 else [[HOLE]] for choice in choices]
    return [[text for fields in way for text in fields] for way in product(*choices)], tags


def single(scene: Scene, word: Word) -> Value:
    """A word that is not split: a value, a target, the text of a here-document."""
    return Value((word,)) if isinstance(word, str) else _value(scene, word, splits=False)


def words_of(scene: Scene, words: tuple[Word, ...] | list[Word]) -> list[Value]:
    """Words one by one, split where the shell would: of a list, a loop."""
    values: list[Value] = []
    for word in words:
        if isinstance(word, str):
            values.append(Value((word,)))
            continue
        held = _value(scene, word, splits=True)
        for text in held.texts:
            values.extend(Value((field,), held.tags) for field in _fields(text))
    return values


_RUN_LATER = re.compile(r"\$\(|`|\$\{")
_RUN_AS_INDEX = re.compile(r"\[[^\]]*(?:\$\(|`|\$\{)", re.DOTALL)


def evaluated_again(scene: Scene, held: Value, *, anywhere: bool = False) -> None:
    """Note a text that the shell would run a part of where it takes it for a number or a name: `a[$(x)]`."""
    expression = _RUN_LATER if anywhere else _RUN_AS_INDEX
    if any(expression.search(text) for text in held.texts):
        scene.unknown("eval")


def _once(choices: list[list[str]]) -> list[list[str]]:
    return choices if len(choices) == 1 else [list(choice) for choice in dict.fromkeys(map(tuple, choices))]


def _fields(text: str) -> list[str]:
    if SPLIT not in text and GONE not in text:
        return [text]
    fields = [field.replace(GONE, "") for field in text.split(SPLIT) if field]
    return [field for field in fields if field or GONE not in text]


def _value(scene: Scene, word: tuple[object, ...], *, splits: bool) -> Value:
    texts: tuple[str, ...] = ("",)
    tags = 0
    for part in word:
        if isinstance(part, str):
            scene.spend(sum(len(text) + len(part) for text in texts))
            texts = tuple(text + part for text in texts)
            continue
        held = _part(scene, part, splits=splits)
        tags |= held.tags
        if len(texts) * len(held.texts) > MOST:
            held = ANYTHING
        scene.spend(sum(len(text) + len(more) for text in texts for more in held.texts))
        texts = tuple(text + more for text in texts for more in held.texts)
    return value(texts, tags)


def _part(scene: Scene, part: object, *, splits: bool) -> Value:
    if isinstance(part, Variable):
        held = _variable(scene, part, splits=splits)
        quoted = part.quoted
    elif isinstance(part, Substitution):
        output = scene.block(part.body)
        held = Value(tuple(text.rstrip("\n") for text in output.texts), output.tags)
        quoted = part.quoted
    elif isinstance(part, ProcessFile):
        return _process_file(scene, part)
    elif isinstance(part, Arithmetic):
        evaluated_again(scene, single(scene, part.parts))
        return ANYTHING
    else:
        raise Unparsed("form: a part of a word")
    return held if quoted or not splits else Value(tuple(_split(scene, text) for text in held.texts), held.tags)


def _own_separators(scene: Scene) -> str | None:
    """What the text has set `IFS` to, where that is not what it is anyway; `HOLE` where that is not known."""
    held = scene.variables.get("IFS")
    if held is None or not held.texts:
        return None
    signs = HOLE if held.known is None else held.known
    return signs if set(signs) != set(" \t\n") else None


def _split(scene: Scene, text: str) -> str:
    if not text:
        return GONE
    signs = _own_separators(scene)
    if signs is not None and (signs == HOLE or any(sign in text for sign in signs + " \t\n")):
        # Which words it becomes is not worked out; that it is another text than it looks like is.
        return HOLE
    # A blank at either end parts it from its neighbours as well.
    return _BLANKS.sub(SPLIT, text).translate(GLOBS)


def _process_file(scene: Scene, part: ProcessFile) -> Value:
    name = str(60 + len(scene.open_files))
    output = scene.block(part.body, ANYTHING)
    scene.open_files[name] = ANYTHING if part.written else output
    if part.written:
        scene.sinks[name] = part.body
    return Value((f"/dev/fd/{name}",), 0 if part.written else output.tags)


def _variable(scene: Scene, part: Variable, *, splits: bool) -> Value:
    name, _, index = part.name.partition("[")
    if name in {"@", "*"} or index[:-1] in {"@", "*"}:
        return _many(scene, name, separate=part.quoted and splits and "*" not in {name, index[:-1]})
    held = _element(scene, name, index[:-1]) if index or (name in scene.lists) else parameter(scene, name)
    # Also where it says nothing about the value, what stands in it is run: `${a[$(x)]}`.
    operand = single(scene, part.operand) if part.operand else EMPTY
    if not part.operator:
        return EMPTY if held is None else held
    if part.operator == "@" and held is not None:
        evaluated_again(scene, held, anywhere=True)
    return changed(scene, name, part.operator, held, operand)


def _many(scene: Scene, name: str, *, separate: bool) -> Value:
    """All arguments, or all items of a list."""
    items = scene.arguments if name in {"@", "*"} else scene.lists.get(name)
    if items is None:
        return ANYTHING
    tags = 0
    for item in items:
        tags |= item.tags
    if any(len(item.texts) != 1 for item in items) or (not separate and _own_separators(scene) is not None):
        return Value((HOLE,), tags)
    scene.spend(sum(len(item.texts[0]) + 1 for item in items))
    return Value(((SPLIT if separate else " ").join(item.texts[0] for item in items) or GONE,), tags)


def _element(scene: Scene, name: str, index: str) -> Value | None:
    items = scene.lists.get(name)
    if items is None:
        return ANYTHING
    index = index or "0"
    if index.lstrip("-").isdigit() and -len(items) <= int(index) < len(items):
        return items[int(index)]
    return ANYTHING
