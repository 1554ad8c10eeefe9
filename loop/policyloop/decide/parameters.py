"""Parameters of the shell, and what `${NAME...}` makes of them."""

import re

from policyloop.decide.scene import MOST_TEXT, Scene
from policyloop.decide.values import ANYTHING, EMPTY, Value, value
from policyloop.shell.marks import ANY_MARK, HOLE, QUEST, STAR, TILDE

_SLICE = re.compile(r"\s*(-?\d+)\s*(?::\s*(-?\d+)\s*)?")

_MOST_SEARCHED = 1_000
"""Characters of a text in which a pattern with a star is searched for."""


def parameter(scene: Scene, name: str) -> Value | None:
    """What a variable holds: set in the text, known otherwise, or anything; None where it was unset in the text."""
    held = scene.variables.get(name)
    if held is not None:
        return held if held.texts else None
    if name == "HOME":
        return Value((scene.where.home or TILDE,))
    if name == "PWD":
        return Value((scene.where.cwd or HOLE,))
    if name == "IFS":
        return Value((" ",))
    if name.isdigit() and name != "0" and scene.arguments is not None:
        index = int(name) - 1
        return scene.arguments[index] if index < len(scene.arguments) else None
    if name in {"BASH", "SHELL"}:
        return Value(("bash",))
    return ANYTHING


def changed(scene: Scene, name: str, operator: str, held: Value | None, operand: Value) -> Value:
    """`${name<operator>operand}`."""
    if operator == "!":
        target = None if held is None else held.known
        other = None if target is None else parameter(scene, target)
        return ANYTHING if target is None else other or EMPTY
    if operator in {"length", "@"}:
        return ANYTHING
    if operator in {"-", ":-", "=", ":=", "+", ":+", "?", ":?"}:
        return _instead(scene, name, operator, held, operand)
    if held is None:
        return EMPTY
    texts = tuple(_cut(text, operator, operand) for text in held.texts)
    return value(texts, held.tags)


def _instead(scene: Scene, name: str, operator: str, held: Value | None, operand: Value) -> Value:
    sign = operator[-1]
    absent = held is None or (":" in operator and held.texts == ("",))
    uncertain = held is not None and any(text == HOLE for text in held.texts)
    if sign == "+":
        return EMPTY if absent else operand.either(EMPTY) if uncertain else operand
    if sign == "?":
        return held or EMPTY
    if sign == "=" and (absent or uncertain):
        scene.variables[name] = operand.either(held) if held is not None and uncertain else operand
    if absent or held is None:
        return operand
    return operand.either(held) if uncertain else held


def _cut(text: str, operator: str, operand: Value) -> str:
    if len(operand.texts) != 1 or HOLE in text or HOLE in operand.texts[0]:
        return HOLE
    argument = operand.texts[0]
    if operator == ":":
        return _sliced(text, argument)
    if operator[0] in "^,":
        return _in_other_case(text, operator) if not argument else HOLE
    if operator[0] == "/":
        return _replaced(text, operator, argument)
    return _trimmed(text, operator, argument)


def _in_other_case(text: str, operator: str) -> str:
    change = str.upper if operator[0] == "^" else str.lower
    return change(text) if len(operator) == 2 else change(text[:1]) + text[1:]


def _replaced(text: str, operator: str, argument: str) -> str:
    pattern, _, new = argument.partition("/")
    if pattern[:1] in {"#", "%"}:
        return HOLE
    if not pattern:
        return text
    stars = pattern.count(STAR)
    if len(text) * (len(new) + 1) > MOST_TEXT or (stars and (stars > 1 or len(text) > _MOST_SEARCHED)):
        return HOLE
    return re.sub(_expression(pattern), lambda _: new, text, count=0 if operator == "//" else 1)


def _trimmed(text: str, operator: str, argument: str) -> str:
    if len(text) * len(argument) > MOST_TEXT:
        return HOLE
    if operator[0] == "#":
        ends = _ends(text, argument)
        return text[ends[-1 if operator == "##" else 0] :] if ends else text
    ends = _ends(text[::-1], argument[::-1])
    return text[: len(text) - ends[-1 if operator == "%%" else 0]] if ends else text


def _ends(text: str, pattern: str) -> list[int]:
    """How long the beginnings of a text are that a pattern fits, shortest first. Without going back: `*a*a*a*b` would
    take years otherwise.
    """
    places = _behind_stars(pattern, {0})
    ends = [0] if len(pattern) in places else []
    for index, sign in enumerate(text, 1):
        reached: set[int] = set()
        for place in places:
            if place == len(pattern):
                continue
            wanted = pattern[place]
            if wanted == STAR:
                reached.add(place)
            elif wanted == sign or (wanted != STAR and ANY_MARK.match(wanted)):
                reached.add(place + 1)
        places = _behind_stars(pattern, reached)
        if not places:
            break
        if len(pattern) in places:
            ends.append(index)
    return ends


def _behind_stars(pattern: str, places: set[int]) -> set[int]:
    """The places, and those behind stars, each of which may stand for nothing."""
    reached: set[int] = set()
    for place in places:
        behind = place
        while behind < len(pattern) and pattern[behind] == STAR:
            reached.add(behind)
            behind += 1
        reached.add(behind)
    return reached


def _expression(pattern: str) -> str:
    parts = {STAR: ".*", QUEST: "."}
    return "".join(parts.get(sign, "." if ANY_MARK.match(sign) else re.escape(sign)) for sign in pattern)


def _sliced(text: str, argument: str) -> str:
    match = _SLICE.fullmatch(argument)
    if match is None:
        return HOLE
    start = int(match[1])
    rest = text[start:] if start >= 0 else text[max(len(text) + start, 0) :]
    if match[2] is None:
        return rest
    length = int(match[2])
    return rest[:length]
