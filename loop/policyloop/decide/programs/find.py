"""find and fd: where they look, and what they do with what they find."""

import itertools

from policyloop.decide.scene import Use
from policyloop.decide.values import EMPTY, Value
from policyloop.shell.marks import GLOBS, HOLE

_RUN = {"-exec", "-execdir", "-ok", "-okdir"}
_WRITES = {"-fprint", "-fprint0", "-fls", "-fprintf"}
_TESTS = frozenset(
    (
        "-name -iname -path -ipath -wholename -iwholename -regex -iregex -type -xtype -mtime "
        "-atime -ctime -mmin -amin -cmin -size -maxdepth -mindepth -perm -user -group -uid -gid -links -inum "
        "-fstype -printf -lname -ilname -regextype -used -context -D"
    ).split()
)


def find(use: Use) -> Value:
    """`find`: lists its directories; `-delete` and `-exec` act on what lies under them."""
    scene, words = use.scene, use.words
    starts: list[str] = []
    index = 0
    while index < len(words) and (words[index] in {"-H", "-L", "-P"} or words[index].startswith(("-O", "-D"))):
        index += 1
    while index < len(words) and not words[index].startswith("-") and words[index] not in {"(", "!", ")", ","}:
        starts.append(words[index])
        index += 1
    starts = starts or ["."]
    for start in starts:
        scene.lists_names(start)
    deletes = False
    names = _names(words)
    while index < len(words):
        word = words[index]
        index += 1
        if word in _RUN:
            end = next(
                (
                    place
                    for place in range(index, len(words))
                    if words[place] in {";", "+"} and (words[place] == ";" or words[place - 1] == "{}")
                ),
                len(words),
            )
            if end < len(words):  # without its end nothing of it runs
                _executed(use, words[index:end], starts, names, word)
            index = end + 1
        elif word == "-delete":
            deletes = True
        elif word in _WRITES and index < len(words):
            scene.writes(words[index])
            index += 2 if word == "-fprintf" else 1
        elif (
            word == "-files0-from"
            or word.startswith("-newer")
            or word in {"-anewer", "-cnewer", "-samefile"}
            or word in _TESTS
        ):
            index += 1
        elif HOLE in word:
            scene.unknown("variable-argument")
    if deletes:
        scene.does("recursive-delete")
        for start in starts:
            for name in names or [""]:
                scene.deletes(f"{start}/{name}" if name else start)
    return Value((HOLE,))


def _names(words: list[str]) -> list[str]:
    """The patterns that what is found must fit, as patterns of names below the start."""
    if "-o" in words or "-or" in words or "!" in words or "-not" in words:
        return []
    return [
        HOLE + "/" + text.translate(GLOBS)
        for option, text in itertools.pairwise(words)
        if option in {"-name", "-iname"}
    ]


def _executed(use: Use, command: list[str], starts: list[str], names: list[str], option: str) -> None:
    scene = use.scene
    inner = use.of(command, EMPTY)
    with scene.deeper(f"find {option}"):
        if not any("{}" in word for word in command):
            scene.run(inner)
            return
        for start in starts:
            # What is found lies under the start, and the start itself is found as well.
            for place in [f"{start}/{name}" for name in names] or [start, f"{start}/{HOLE}"]:
                with scene.perhaps():
                    scene.run(use.of([word.replace("{}", place) for word in command], EMPTY))


def fd(use: Use) -> Value:
    """`fd`: `-x` and `-X` run something for each."""
    scene = use.scene
    words = use.words
    for index, word in enumerate(words):
        if word in {"-x", "--exec", "-X", "--exec-batch"}:
            command = [text.replace("{}", HOLE) for text in words[index + 1 :] if text != ";"]
            with scene.deeper("fd"), scene.perhaps():
                scene.run(
                    use.of(command if any("{" in text or HOLE in text for text in command) else [*command, HOLE], EMPTY)
                )
            words = words[:index]
            break
    operands = [word for word in words if not word.startswith("-")]
    for place in operands[1:] or ["."]:
        scene.lists_names(place)
    return Value((HOLE,))
