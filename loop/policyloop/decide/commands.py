"""One simple command: assignments, redirections, then a function, a builtin, a wrapper or a program of the table."""

import re

from policyloop.decide.builtins import BUILTINS
from policyloop.decide.effects import Command
from policyloop.decide.environment import noted
from policyloop.decide.expand import evaluated_again, single, variants, words_of
from policyloop.decide.programs.apply import apply
from policyloop.decide.programs.copies import copied
from policyloop.decide.programs.table import rows, runs
from policyloop.decide.redirects import redirected
from policyloop.decide.scene import Scene, Use
from policyloop.decide.values import ANYTHING, EMPTY, FETCHED, Value
from policyloop.shell.marks import ANY_MARK, HOLE, has_glob, shown
from policyloop.shell.tree import Assignment, Declaration, Simple, Unparsed

_STANDARD = re.compile(
    r"^(?:/usr)?(?:/local)?/s?bin/|^/opt/homebrew/(?:bin|opt/[^/]+/bin)/|^/(?:nix|snap)/.*/bin/|^/bin/busybox$", re.I
)

_EVALUATES = frozenset(
    "read unset printf let declare typeset local export readonly wait test [ mapfile readarray getopts set".split()
)
"""What the shell does itself with names and numbers, in which it looks for what to run."""
_FROM_INPUT = frozenset(("read", "mapfile", "readarray"))


def simple(scene: Scene, command: Simple, given: Value) -> Value:
    """A simple command, given its input; its output."""
    if not command.redirects:
        return _words(scene, command, given)
    return redirected(scene, command.redirects, given, lambda own: _words(scene, command, own), command)


def _words(scene: Scene, command: Simple, given: Value) -> Value:
    if not command.words:
        for assignment in command.assignments:
            assign(scene, assignment)
        return EMPTY
    ways, tags = variants(scene, command.words)
    kept = scene.variables
    if command.assignments:
        scene.variables = dict(kept)
        for assignment in command.assignments:
            held = assign(scene, assignment)
            noted(scene, assignment.name, held)
    try:
        if len(ways) == 1:
            return run_words(scene, ways[0], given, tags)
        output = EMPTY
        for words in ways:
            with scene.perhaps():
                output = output.either(run_words(scene, words, given, tags))
        return output
    finally:
        if command.assignments:
            scene.variables = kept


def run_words(scene: Scene, words: list[str], given: Value, tags: int) -> Value:
    """A program with its words as they are."""
    if not words:
        return EMPTY
    output = run(Use(words[0], words[1:], scene, given, tags))
    scene.spend(sum(map(len, output.texts)))
    return output


def run(use: Use) -> Value:
    """A program by its name: a function or an alias of the text, a builtin, a wrapper, a row of the table."""
    scene = use.scene
    scene.commands_left -= 1
    if scene.commands_left < 0:
        raise Unparsed("too-many")
    name = use.program
    if not name:
        return EMPTY
    body = scene.functions.get(name)
    if body is not None or name in _EVALUATES:
        for word in use.words:
            evaluated_again(scene, Value((word,)))
        if name in _FROM_INPUT:
            evaluated_again(scene, use.given)
    if body is not None:
        return _function(use, name)
    if name in scene.aliases:
        scene.unknown("alias-defined")
        text = scene.aliases[name]
        with scene.deeper(f"alias {name}"):
            kept = scene.aliases
            scene.aliases = {other: code for other, code in kept.items() if other != name}
            try:
                return scene.code(Value((" ".join([text, *map(_requoted, use.words)]),), use.tags), use.given)
            finally:
                scene.aliases = kept
    return _program(use)


def _requoted(word: str) -> str:
    import shlex

    return word if word.isalnum() or HOLE in word else shlex.quote(shown(word))


def _function(use: Use, name: str) -> Value:
    scene = use.scene
    if name in scene.running:
        if scene.background > scene.running[name]:
            scene.does("fork-bomb")
        return ANYTHING
    kept = scene.arguments
    scene.arguments = [Value((word,), use.tags) for word in use.words]
    scene.running[name] = scene.background
    scene.locals.append({})
    try:
        with scene.deeper():
            return scene.follow(scene.functions[name], use.given)
    finally:
        del scene.running[name]
        scene.arguments = kept
        scene.variables.update(scene.locals.pop())


def _program(use: Use) -> Value:
    scene, word = use.scene, use.program
    if HOLE in word or has_glob(word):
        scene.unknown("variable-program")
        _told(use, shown(word))
        if use.tags & FETCHED:
            scene.does("fetch-and-run")
        return Value((HOLE,), use.given.tags | use.tags)
    name = word
    if "/" in word or "\\" in word:
        name = re.split(r"[/\\]", word)[-1]
        if not _STANDARD.match(word):
            return _local(use, name)
    name = name.removesuffix(".exe").removesuffix(".EXE") if name[-4:].lower() == ".exe" else name
    if name is not word:
        use = use._replace(program=name)
    builtin = BUILTINS.get(name)
    if builtin is not None:
        _told(use, name)
        return builtin(use)
    run_own = runs().get(name)
    if run_own is None:
        run_own = runs().get(re.sub(r"(?<=[a-z])-?[\d.]+$", "", name)) if name[-1:].isdigit() else None
    if run_own is not None:
        _told(use, name)
        return run_own(use)
    row = rows().get(name)
    if row is None and name != name.lower():
        # A volume that takes upper and lower case for the same runs `RM` as rm.
        lower = name.lower()
        if lower in rows() or lower in runs():
            scene.unknown("unknown-program")
            with scene.perhaps():
                return _program(use._replace(program=lower))
    _told(use, name)
    if row is None:
        return _stranger(use)
    if row.run is not None:
        return row.run(use)
    return copied(use, row) if row.copies else apply(use, row)


def _told(use: Use, name: str) -> None:
    scene = use.scene
    scene.add("run", name)
    static = (
        not any(HOLE in word or (not word.isascii() and ANY_MARK.search(word)) for word in use.words)
        and HOLE not in name
    )
    argv = tuple(word if word.isascii() else shown(word) for word in use.words)
    scene.gathered.command(Command(program=name, argv=argv, via=scene.via, static=static))


def _stranger(use: Use) -> Value:
    """A program that is not in the table: what it touches is not known, and nothing is said of it."""
    use.scene.unknown("unknown-program")
    tags = use.tags | use.given.tags
    for word in use.words:
        text = word.partition("=")[2] if word.startswith("-") else word
        if "://" in text:
            with use.scene.perhaps():
                use.scene.reaches(text)
        elif text[:1] in {"/", ".", "~", "\ue005"} or "/" in text:
            with use.scene.perhaps():
                tags |= use.scene.reads(text)
                use.scene.writes(text)
    return Value((HOLE,), tags)


def _local(use: Use, name: str) -> Value:
    """A program named by its place: run as what the text wrote there, if it did."""
    from policyloop.decide.programs.interpreters import ran_origin, script_file

    scene = use.scene
    held = scene.held(use.program)
    _told(use, shown(use.program))
    scene.add("run", name)
    if held is not None:
        ran_origin(scene, held)
        if held.known is not None:
            return script_file(use._replace(program="sh"), use.program, use.words)
    scene.reads(use.program)
    scene.unknown("local-program")
    row = rows().get(name)
    if row is not None and row.run is None:
        with scene.perhaps():
            apply(use._replace(program=name), row)
    elif name in runs():
        with scene.perhaps():
            runs()[name](use._replace(program=name))
    else:
        _stranger(use)
    return ANYTHING


def assign(scene: Scene, assignment: Assignment) -> Value:
    """`NAME=value`: what it holds from then on."""
    name = assignment.name
    if name in scene.fixed:
        single(scene, assignment.value) if not isinstance(assignment.value, list) else words_of(scene, assignment.value)
        return scene.variables.get(name, ANYTHING)
    if isinstance(assignment.value, list):
        items = words_of(scene, assignment.value)
        before = scene.lists.get(name, []) if assignment.appended else []
        scene.spend(len(before) + len(items))
        scene.lists[name] = [*before, *items]
        scene.variables.pop(name, None)
        return ANYTHING
    held = single(scene, assignment.value)
    if assignment.partly:
        scene.lists.pop(name, None)
        held = Value((HOLE,), held.tags)
    elif assignment.appended:
        before_value = scene.variables.get(name, ANYTHING)
        if len(before_value.texts) == 1 and len(held.texts) == 1:
            scene.spend(len(before_value.texts[0]) + len(held.texts[0]))
            held = Value((before_value.texts[0] + held.texts[0],), before_value.tags | held.tags)
        else:
            held = Value((HOLE,), before_value.tags | held.tags)
    elif name in scene.lists:
        scene.lists.pop(name)
    scene.variables[name] = held
    evaluated_again(scene, held)
    if name in {"PATH", "PS4", "LD_PRELOAD", "BASH_ENV", "ENV", "PROMPT_COMMAND", "HISTFILE"}:
        noted(scene, name, held)
    return held


def declared(scene: Scene, declaration: Declaration) -> Value:
    """`export NAME=value` and its like: every value is worked out before the first is set."""
    scene.add("run", declaration.keyword)
    if scene.locals and declaration.keyword in {"local", "declare", "typeset"}:
        for assignment in declaration.assignments:
            scene.locals[-1].setdefault(assignment.name, scene.variables.get(assignment.name, ANYTHING))
    for word in declaration.words:
        evaluated_again(scene, single(scene, word))
    letters = "".join(word for word in declaration.words if isinstance(word, str) and word.startswith("-"))
    before, worked_out = scene.variables, dict[str, Value]()
    for assignment in declaration.assignments:
        scene.variables = dict(before)
        worked_out[assignment.name] = assign(scene, assignment)
    scene.variables = before
    for name, held in worked_out.items():
        # With `-n` it is a reference to another variable.
        scene.variables[name] = ANYTHING if "n" in letters else held
        if declaration.keyword in {"export", "declare", "typeset"}:
            noted(scene, name, held)
        if declaration.keyword == "readonly" or "r" in letters:
            scene.fixed.add(name)
    return EMPTY
