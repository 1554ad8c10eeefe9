"""sed and awk: programs whose first argument is a program. What can be read in it is; the rest is `inline-code`."""

import re

from policyloop.decide.programs.apply import idle, sorted_arguments
from policyloop.decide.programs.row import Row
from policyloop.decide.scene import Use
from policyloop.decide.values import Value
from policyloop.shell.marks import HOLE

_SED = Row(
    "sed gsed",
    "n|quiet|silent e|expression= f|file=I E|r|regexp-extended i|in-place=? I l|"
    "line-length= s|separate u|unbuffered z|null-data "
    "debug posix sandbox follow-symlinks a",
    "",
)
_AWK = Row(
    "awk gawk mawk nawk",
    "F|field-separator= v|assign= f|file=I e|source= E|exec=I i|include=I l|"
    "load=I b c|traditional C d|dump-variables=?W "
    "D|debug=? g h I k L M n N o|pretty-print=?W O p|profile=?W P r s S|sandbox t V W=",
    "",
)
_MOST_SCRIPT = 6_000
_SED_FILE = re.compile(
    r"(?:^|[;{}\n]|(?<=[\d$/]))\s*(?:\d+|\$|/[^/\n]*/)?(?:,(?:\d+|\$|/[^/\n]*/))?\s*!?\s*([rRwW])\s+([^\n;}]+)"
)
_SED_FLAG_FILE = re.compile(r"s(.)(?:(?!\1)[^\\]|\\.)*\1(?:(?!\1)[^\\]|\\.)*\1[gpiIme0-9]*w\s+([^\n;}]+)", re.DOTALL)
_SED_RUNS = re.compile(
    r"s(.)(?:(?!\1)[^\\\n]|\\.)*\1(?:(?!\1)[^\\\n]|\\.)*\1[gpiIm0-9]*e|(?:^|[;{}\n]|(?<=[\d$/]))\s*(?:\d+|\$|"
    r"/[^/\n]*/)?\s*e(?:\s+([^\n]*)|$|;)"
)
_AWK_SYSTEM = re.compile(
    r'system\s*\(\s*"((?:[^"\\]|\\.)*)"\s*\)|"((?:[^"\\]|\\.)*)"\s*\|\s*&?\s*getline|\|\s*&?\s*"((?:[^"\\]|\\.)*)"'
)
_AWK_OUT = re.compile(r'>>?\s*"((?:[^"\\]|\\.)*)"')
_AWK_IN = re.compile(r'getline\b[^;}<]*<\s*"((?:[^"\\]|\\.)*)"')
_AWK_RUNS = re.compile(r"\bsystem\s*\(|\|\s*&?\s*getline|(?<!\|)\|(?!\|)|@load|@include|/inet")


def sed(use: Use) -> Value:
    """`sed`: reads its files, with `-i` writes them; its script may read, write (`w`) and run (`e`)."""
    given = sorted_arguments(use, _SED)
    if idle(given, _SED):
        return Value((HOLE,))
    scene, tags = use.scene, use.tags
    for kind, text in given.values:
        if kind == "I":
            tags |= scene.reads(text)
            scene.unknown("loaded-file")
    operands = list(given.operands)
    script = given.flags.get("expression", [])
    if not script and "file" not in given.flags and operands:
        script = [operands.pop(0)]
    for name in operands:
        tags |= scene.reads(name)
        if "in-place" in given.flags or "I" in given.flags:
            scene.writes(name)
    for text in script:
        _sed_script(use, text)
    return Value((HOLE,), tags | (0 if operands else use.given.tags))


def _bounded(use: Use, text: str) -> str:
    """A script as far as it is looked at: what is looked for takes the square of its length."""
    if len(text) <= _MOST_SCRIPT:
        return text
    use.scene.unknown("too-large")
    use.scene.does("inline-code", sure=False)
    return text[:_MOST_SCRIPT]


def _sed_script(use: Use, text: str) -> None:
    scene = use.scene
    if HOLE in text:
        scene.unknown("variable-argument")
    text = _bounded(use, text)
    for match in _SED_FILE.finditer(text):
        if match[1] in "rR":
            scene.reads(match[2].strip())
        else:
            scene.writes(match[2].strip())
    for match in _SED_FLAG_FILE.finditer(text):
        scene.writes(match[2].strip())
    for match in _SED_RUNS.finditer(text):
        scene.does("inline-code")
        if match[2]:
            with scene.deeper("sed"):
                scene.code(Value((match[2],)), Value((HOLE,)))
        else:
            with scene.perhaps():
                scene.unknown("eval")
                command = re.match(r"s(.)(?:.*?)\1(.*?)\1", match[0])
                if command is not None and command[2]:
                    scene.code(Value((command[2],)), Value((HOLE,)))


def awk(use: Use) -> Value:
    """`awk`: reads its files; its program may run others (`system`, `|`), read and write."""
    given = sorted_arguments(use, _AWK)
    if idle(given, _AWK):
        return Value((HOLE,))
    scene, tags = use.scene, use.tags
    for kind, text in given.values:
        if kind == "I":
            tags |= scene.reads(text)
            scene.unknown("loaded-file")
        elif kind == "W":
            scene.writes(text)
    operands = list(given.operands)
    script = given.flags.get("source", [])
    if not script and "file" not in given.flags and "exec" not in given.flags and operands:
        script = [operands.pop(0)]
    for name in operands:
        if not re.match(r"[A-Za-z_]\w*=", name):
            tags |= scene.reads(name)
    for text in script:
        _awk_program(use, text)
    return Value((HOLE,), tags | (0 if operands else use.given.tags))


def _awk_program(use: Use, text: str) -> None:
    scene = use.scene
    if HOLE in text:
        scene.unknown("variable-argument")
    text = _bounded(use, text)
    code = re.sub(r"/(?:[^/\\\n]|\\.)*/", "//", text)
    for match in _AWK_OUT.finditer(text):
        if match[1] not in {"/dev/stderr", "/dev/stdout"}:
            scene.writes(match[1])
    for match in _AWK_IN.finditer(text):
        scene.reads(match[1])
    if not _AWK_RUNS.search(re.sub(r'"(?:[^"\\]|\\.)*"', '""', code).replace("||", "")):
        return
    scene.does("inline-code")
    seen = False
    for match in _AWK_SYSTEM.finditer(text):
        seen = True
        with scene.deeper("awk"):
            scene.code(Value((re.sub(r"\\(.)", r"\1", match[1] or match[2] or match[3]),)), Value((HOLE,)))
    if not seen or "system(" in _AWK_SYSTEM.sub("", text).replace(" ", ""):
        scene.unknown("inline-code")
