"""What the shell does itself: directories, variables, code it is given, signals, aliases."""

import re

from policyloop.decide.environment import noted
from policyloop.decide.programs.interpreters import origins, script_file
from policyloop.decide.scene import Run, Use
from policyloop.decide.values import ANYTHING, EMPTY, Value
from policyloop.places.keys import Whereabouts, key, parent
from policyloop.shell.marks import HOLE, TILDE


def change_directory(use: Use) -> Value:
    """`cd`, `pushd`: relative places are below it from then on, where it did not fail."""
    scene = use.scene
    words = [word for word in use.words if not re.fullmatch(r"-[LPe@n]+|--", word)]
    target = words[0] if words else TILDE
    before = scene.where
    if target == "-":
        cwd = scene.last_directory or HOLE
    elif HOLE in target or "CDPATH" in scene.variables or re.fullmatch(r"[+-]\d+", target):
        cwd = HOLE
    else:
        cwd = key(target, before)
    scene.last_directory = before.cwd
    if cwd == HOLE:
        scene.unknown("variable-directory")
    scene.where = before._replace(cwd=cwd)
    return EMPTY


def go_back(use: Use) -> Value:
    """`popd`."""
    use.scene.where = use.scene.where._replace(cwd=use.scene.last_directory or HOLE)
    return EMPTY


def evaluated(use: Use) -> Value:
    """`eval`: its words, put together, are code."""
    scene = use.scene
    words = use.words[1:] if use.words[:1] == ["--"] else use.words
    text = " ".join(words)
    if HOLE in text:
        scene.unknown("eval")
    with scene.deeper("eval"):
        return scene.code(Value((text,), origins(text, use.tags)), use.given)


def sourced(use: Use) -> Value:
    """`source FILE`: that file's commands, here."""
    words = [word for word in use.words if word != "--"]
    if not words:
        return EMPTY
    return script_file(use._replace(program="source"), words[0], words[1:])


def trapped(use: Use) -> Value:
    """`trap CODE SIGNAL`: run later; at the end of the shell for certain."""
    scene, words = use.scene, use.words
    if len(words) < 2 or words[0] in {"-l", "-p", "-", ""} or words[0].isdigit():
        return EMPTY
    code = words[1] if words[0] == "--" else words[0]
    with scene.deeper("trap"), scene.perhaps():
        scene.code(Value((code,), use.tags), EMPTY)
    return EMPTY


def aliased(use: Use) -> Value:
    """`alias NAME=code`."""
    for word in use.words:
        name, sign, code = word.partition("=")
        if sign:
            use.scene.aliases[name] = code
            use.scene.unknown("alias-defined")
            with use.scene.deeper("alias"), use.scene.perhaps():
                use.scene.code(Value((code,)), EMPTY)
    return EMPTY


def unaliased(use: Use) -> Value:
    """`unalias`."""
    if "-a" in use.words:
        use.scene.aliases.clear()
    for word in use.words:
        use.scene.aliases.pop(word, None)
    return EMPTY


def unset(use: Use) -> Value:
    """`unset NAME`: it is known to hold nothing."""
    for word in use.words:
        if not word.startswith("-") and word not in use.scene.fixed:
            use.scene.variables[word] = Value(())
            use.scene.lists.pop(word, None)
            if use.scene.sure:
                use.scene.functions.pop(word, None)
    return EMPTY


def set_arguments(use: Use) -> Value:
    """`set -- a b`: the arguments; options of the shell otherwise."""
    words = use.words
    if "--" in words:
        use.scene.arguments = [Value((word,), use.tags) for word in words[words.index("--") + 1 :]]
    elif words and not words[0].startswith(("-", "+")):
        use.scene.arguments = [Value((word,), use.tags) for word in words]
    if any(word in {"+o", "-o"} for word in words) and "history" in words:
        use.scene.does("security-off")
    return EMPTY


def hashed(use: Use) -> Value:
    """`hash -p FILE NAME`: the name runs that file from then on."""
    words = use.words
    if "-p" in words and len(words) > words.index("-p") + 2:
        place = words.index("-p")
        for name in words[place + 2 :]:
            use.scene.aliases[name] = words[place + 1]
        use.scene.unknown("alias-defined")
    return EMPTY


def history(use: Use) -> Value:
    """`history -c`: what was typed is forgotten."""
    if any(word.startswith("-") and set(word) & {"c", "d", "w"} for word in use.words):
        use.scene.does("security-off")
    else:
        use.scene.does("secret-read")
    return ANYTHING


def exported(use: Use) -> Value:
    """`export` where the grammar saw no declaration: through `builtin` or `command`."""
    for word in use.words:
        name, sign, text = word.partition("=")
        if sign and not name.startswith("-"):
            use.scene.variables[name] = Value((text,), use.tags)
            noted(use.scene, name, Value((text,), use.tags))
    return EMPTY


def loaded(use: Use) -> Value:
    """`enable -f FILE NAME`: a builtin from a library."""
    if any(word.startswith("-") and "f" in word for word in use.words):
        use.scene.unknown("loaded-file")
        use.scene.does("inline-code")
    return EMPTY


def _directory_of(where: Whereabouts) -> str:
    return parent(where.cwd)


BUILTINS: dict[str, Run] = {
    "cd": change_directory,
    "chdir": change_directory,
    "pushd": change_directory,
    "popd": go_back,
    "eval": evaluated,
    ".": sourced,
    "source": sourced,
    "trap": trapped,
    "alias": aliased,
    "unalias": unaliased,
    "unset": unset,
    "set": set_arguments,
    "hash": hashed,
    "history": history,
    "fc": history,
    "export": exported,
    "declare": exported,
    "typeset": exported,
    "local": exported,
    "readonly": exported,
    "enable": loaded,
}
