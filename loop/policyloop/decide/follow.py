"""The statements of a text, one after the other, as the shell would run them."""

import re

from policyloop.decide.commands import declared, simple
from policyloop.decide.expand import evaluated_again, single, words_of
from policyloop.decide.redirects import SOCKET, redirected, written
from policyloop.decide.scene import STATEMENT, Scene
from policyloop.decide.values import ANYTHING, EMPTY, Value, value
from policyloop.places.keys import Whereabouts
from policyloop.shell.marks import HOLE
from policyloop.shell.statements import read
from policyloop.shell.tree import (
    Background,
    Block,
    Case,
    Chain,
    Check,
    Declaration,
    Function,
    If,
    Loop,
    Pipeline,
    Redirected,
    Simple,
    Statement,
    Unparsed,
)

_ENDS = {"exit", "return", "exec", "break", "continue"}
_MOST_ROUNDS = 16
_STOPS = re.compile(r"-\w*e\w*|errexit")


def scene_for(where: Whereabouts) -> Scene:
    """A scene in which code can be followed."""
    scene = Scene(where)
    scene.follow = lambda statement, given: follow(scene, statement, given)
    scene.code = lambda code, given: follow_code(scene, code, given)
    scene.word = lambda word: single(scene, word)
    scene.send_to = lambda target, held: written(scene, target, held)
    return scene


def follow_code(scene: Scene, code: Value, given: Value) -> Value:
    """Code that a shell is given as a text: `sh -c`, eval, a script that the text wrote itself."""
    output: Value | None = None
    if code.tags:
        from policyloop.decide.programs.interpreters import ran_origin

        ran_origin(scene, code)
    for text in code.texts:
        if HOLE in text:
            scene.unknown("eval")
        if not text.strip(HOLE + " \t\n"):
            continue
        scene.depth += 1
        block = read(text, scene.depth, marked=True)
        if len(code.texts) == 1 and HOLE not in code.texts[0]:
            output = follow(scene, block, given)
        else:
            with scene.perhaps():
                follow(scene, block, given)
        scene.depth -= 1
    return output or ANYTHING


def follow(scene: Scene, statement: Statement, given: Value = EMPTY) -> Value:
    """What a statement does, given its input; its output."""
    scene.spend(STATEMENT)
    kind = type(statement)
    if kind is Simple:
        return simple(scene, statement, given)  # type: ignore[arg-type]
    if isinstance(statement, Block):
        return _block(scene, statement, given)
    if isinstance(statement, Chain):
        return _chain(scene, statement, given)
    if isinstance(statement, Pipeline):
        return _pipeline(scene, statement, given)
    if isinstance(statement, Declaration):
        return declared(scene, statement)
    if isinstance(statement, Check):
        evaluated_again(scene, single(scene, statement.parts))
        return EMPTY
    if isinstance(statement, If):
        return _if(scene, statement, given)
    if isinstance(statement, Loop):
        return _loop(scene, statement, given)
    if isinstance(statement, Case):
        return _case(scene, statement, given)
    if isinstance(statement, Function):
        scene.functions[statement.name] = statement.body
        return EMPTY
    if isinstance(statement, Redirected):
        return redirected(scene, statement.redirects, given, lambda own: follow(scene, statement.body, own))
    if isinstance(statement, Background):
        return _background(scene, statement, given)
    raise Unparsed("form: a statement")


def _block(scene: Scene, block: Block, given: Value) -> Value:
    if block.apart and block.statements:
        with scene.apart():
            return _line(scene, block.statements, given)
    return _line(scene, block.statements, given)


def _line(scene: Scene, statements: tuple[Statement, ...], given: Value) -> Value:
    if len(statements) == 1:
        return follow(scene, statements[0], given)
    outputs: list[Value] = []
    before = scene.sure
    for statement in statements:
        outputs.append(follow(scene, statement, given))
        if SOCKET.match(scene.open_outputs.get("1", "")):
            scene.sends(outputs[-1].tags)
        if isinstance(statement, Simple) and statement.words and statement.words[0] in _ENDS:
            scene.sure = False  # what stands behind it is reached only where it did not end the shell
        elif (
            isinstance(statement, Simple)
            and statement.words[:1] == ("set",)
            and any(isinstance(word, str) and _STOPS.fullmatch(word) for word in statement.words[1:])
        ):
            scene.sure = False
    scene.sure = before
    scene.spend(_characters(outputs))
    return together(outputs)


def _characters(outputs: list[Value]) -> int:
    return sum(len(text) for output in outputs for text in output.texts)


def together(outputs: list[Value]) -> Value:
    """What several print, one after the other."""
    tags = 0
    for output in outputs:
        tags |= output.tags
    if all(len(output.texts) == 1 for output in outputs):
        return Value(("".join(output.texts[0] for output in outputs),), tags)
    return Value((HOLE,), tags)


def _chain(scene: Scene, chain: Chain, given: Value) -> Value:
    """`a && b || c`: behind `&&` what is before it did not fail; behind the whole, it may have been run or not."""
    outputs = [follow(scene, chain.first, given)]
    before, where = dict(scene.variables), scene.where
    with scene.perhaps():
        for operator, statement in chain.rest:
            if operator == "||":
                _joined(scene, before, where)
                outputs.append(_perhaps(scene, statement, given))
            else:
                outputs.append(follow(scene, statement, given))
    _joined(scene, before, where)
    return together(outputs)


def _joined(scene: Scene, before: dict[str, Value], where: Whereabouts) -> None:
    """Variables hold what they held, or what they were set to; a directory that may have been changed is not known."""
    scene.spend(len(scene.variables))
    for name, held in list(scene.variables.items()):
        other = before.get(name)
        if other is not held:
            scene.variables[name] = ANYTHING.tagged(held.tags).either(held) if other is None else other.either(held)
    if scene.where.cwd != where.cwd:
        scene.where = where._replace(cwd=HOLE)


def _pipeline(scene: Scene, pipeline: Pipeline, given: Value) -> Value:
    held = given
    *first, last = pipeline.parts
    for statement in first:
        with scene.apart():
            held = follow(scene, statement, held)
    # bash runs the last one apart as well, zsh and ksh do not: what it sets is kept.
    return follow(scene, last, held)


def _if(scene: Scene, statement: If, given: Value) -> Value:
    outputs = []
    for index, (condition, body) in enumerate(statement.branches):
        if index:
            with scene.perhaps():
                follow(scene, condition, given)
        else:
            follow(scene, condition, given)
        outputs.append(_perhaps(scene, body, given))
    if statement.otherwise is not None:
        outputs.append(_perhaps(scene, statement.otherwise, given))
    outputs = [output for output in outputs if output.texts != ("",)]
    return (
        value(tuple(text for output in outputs for text in output.texts) or ("",), together(outputs).tags)
        if outputs
        else EMPTY
    )


def _perhaps(scene: Scene, statement: Statement, given: Value) -> Value:
    """What may be run, or not: variables hold what they held, or what they would."""
    before, where = dict(scene.variables), scene.where
    with scene.perhaps():
        output = follow(scene, statement, given)
    _joined(scene, before, where)
    return output


def _loop(scene: Scene, loop: Loop, given: Value) -> Value:
    if loop.condition is not None:
        follow(scene, loop.condition, given)
        _fork_bomb(scene, loop)
        return _perhaps(scene, loop.body, given)
    items = words_of(scene, loop.words) if loop.words is not None else scene.arguments
    if items is None or not items:
        items = [ANYTHING] if items is None else []
    if len(items) > _MOST_ROUNDS:
        tags = 0
        for item in items:
            tags |= item.tags
        texts = tuple(dict.fromkeys(text for item in items for text in item.texts))
        items = [Value((text,), tags) for text in texts[:_MOST_ROUNDS]] + [Value((HOLE,), tags)]
    outputs = []
    for item in items:
        scene.variables[loop.name] = item
        evaluated_again(scene, item)
        outputs.append(_perhaps(scene, loop.body, given))
        scene.variables[loop.name] = item
    scene.spend(_characters(outputs))
    return together(outputs) if outputs else EMPTY


_ALWAYS = {"true", ":", "/bin/true", "/usr/bin/true"}


def _fork_bomb(scene: Scene, loop: Loop) -> None:
    """A loop without end that starts something in the background in each round, and never waits for it."""
    condition = loop.condition.statements if loop.condition is not None else ()
    endless = all(
        isinstance(statement, Simple) and statement.words[:1] and statement.words[0] in _ALWAYS
        for statement in condition
    )
    if not endless and condition and all(isinstance(statement, Check) for statement in condition):
        endless = all(
            isinstance(statement.parts, str)
            and statement.parts.strip("[]() ") in {"1", "true", "-n x", "1 -eq 1", "1 == 1", "0 -eq 0"}
            for statement in condition
            if isinstance(statement, Check)
        )
    if not endless:
        return
    waits = False
    starts = False
    for statement in loop.body.statements:
        if isinstance(statement, Background):
            starts = True
        elif isinstance(statement, Simple) and statement.words and statement.words[0] in {"wait", *_ENDS}:
            waits = True
    if starts and not waits:
        scene.does("fork-bomb")


def _case(scene: Scene, case: Case, given: Value) -> Value:
    single(scene, case.word)
    outputs = []
    for patterns, body in case.items:
        for pattern in patterns:
            single(scene, pattern)
        outputs.append(_perhaps(scene, body, given))
    outputs = [output for output in outputs if output.texts != ("",)]
    return (
        value(tuple(text for output in outputs for text in output.texts), together(outputs).tags) if outputs else EMPTY
    )


def _background(scene: Scene, statement: Background, given: Value) -> Value:
    with scene.apart():
        scene.background += 1
        try:
            return follow(scene, statement.body, given)
        finally:
            scene.background -= 1
