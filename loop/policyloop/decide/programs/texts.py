"""Programs that hand texts on: what they print is known where what they are given is."""

import base64
import binascii
import codecs
import re
import shlex

from policyloop.decide.programs.apply import apply, idle, sorted_arguments
from policyloop.decide.programs.row import Row
from policyloop.decide.scene import Use
from policyloop.decide.values import ANYTHING, DECODED, EMPTY, Value
from policyloop.shell.marks import HOLE, has_glob, shown
from policyloop.shell.quotes import decoded

_CAT = Row(
    "cat gcat",
    "A|show-all b|number-nonblank e E|show-ends n|number s|squeeze-blank t T|show-tabs u v|show-nonprinting l",
    "R*",
)
_TEE = Row("tee", "a|append i|ignore-interrupts p output-error=?", "W*")
_BASE = Row(
    "base64 base32 basenc gbase64",
    "d|D|decode i|ignore-garbage w|wrap=|input=R b= o|output=W "
    "base64 base64url base32 base32hex base16 base2msbf "
    "base2lsbf z85 base58",
    "R",
)
_READ = Row("read mapfile readarray", "a= d= e i= n= N= p= r s t= u= O= C= c= ", ".*")
_FORMAT = re.compile(r"%(?:%|[-+ #0]*(?:\d+|\*)?(?:\.(?:\d+|\*))?[hlLjzt]*([a-zA-Z]))")


def cat(use: Use) -> Value:
    """`cat`: the files, or its input; known where they are."""
    given = sorted_arguments(use, _CAT)
    if idle(given, _CAT):
        return ANYTHING
    if not given.operands:
        return use.given.tagged(use.tags)
    texts, tags = "", use.tags
    for name in given.operands:
        if name in {"-", "/dev/stdin"}:
            held: Value | None = use.given
        else:
            held = use.scene.held(name) if HOLE not in name and not has_glob(name) else None
            tags |= use.scene.reads(name)
        if held is None:
            texts += HOLE
        else:
            texts += held.known if held.known is not None else HOLE
            tags |= held.tags
    return Value((texts,), tags) if not given.flags else Value((HOLE,), tags)


def tee(use: Use) -> Value:
    """`tee`: its input goes to files, and on."""
    given = sorted_arguments(use, _TEE)
    if not idle(given, _TEE):
        for name in given.operands:
            use.scene.writes(name, use.given.tagged(use.tags))
    return use.given


def echo(use: Use) -> Value:
    """`echo`, with `-n` and `-e`."""
    words = list(use.words)
    tags, escapes, ends = use.tags, False, True
    while words and re.fullmatch(r"-[neE]+", words[0]):
        option = words.pop(0)
        escapes = escapes or "e" in option
        ends = ends and "n" not in option
    text = " ".join(shown_patterns(word) for word in words)
    if escapes and "\\" in text:
        text, ends = _escaped(text, ends)
        tags |= DECODED
    return Value((text + "\n" if ends else text,), tags)


def shown_patterns(word: str) -> str:
    """A word with its unquoted patterns as typed, as it is handed on where no file fits."""
    return word if word.isascii() or HOLE in word else shown(word)


def _escaped(text: str, ends: bool) -> tuple[str, bool]:  # noqa: FBT001 - of `echo` alone
    head, stop, _ = text.partition("\\c")
    return decoded(head), ends and not stop


def printf(use: Use) -> Value:
    """`printf FORMAT ...`; with `-v NAME` it sets a variable instead."""
    words, name = use.words, ""
    if len(words) > 1 and words[0] == "-v":
        name, words = words[1], words[2:]
    elif words and words[0].startswith("-v") and len(words[0]) > 2:
        name, words = words[0][2:], words[1:]
    if words and words[0] == "--":
        words = words[1:]
    printed = _printed(words, use.tags) if words else EMPTY
    use.scene.spend(sum(map(len, printed.texts)))
    if name:
        use.scene.variables[name.partition("[")[0]] = printed if name.isidentifier() and use.scene.sure else ANYTHING
        return EMPTY
    return printed


def _printed(words: list[str], tags: int) -> Value:
    text_format, items = words[0], [shown_patterns(word) for word in words[1:]]
    if HOLE in text_format:
        return Value((HOLE,), tags)
    if "\\" in text_format and re.search(r"\\[xX0-7uU]", text_format):
        tags |= DECODED
    text_format, stop, _ = text_format.partition("\\c")
    output, rounds = "", 0
    while True:
        taken = 0
        position = 0
        for match in _FORMAT.finditer(text_format):
            output += decoded(text_format[position : match.start()])
            position = match.end()
            if match[0] == "%%":
                output += "%"
                continue
            item = items.pop(0) if items else ""
            taken += 1
            if match[1] == "b":
                tags |= DECODED if "\\" in item else 0
                head, ended, _ = item.partition("\\c")
                output += decoded(head)
                if ended:
                    return Value((output,), tags)
            elif match[1] == "q" and HOLE not in item:
                output += shlex.quote(item)
            elif match[1] in "sdic" and "*" not in match[0]:
                output += item[:1] if match[1] == "c" else item
            else:
                output += HOLE
        output += decoded(text_format[position:])
        rounds += 1
        if stop or not taken or not items or rounds > 64:
            return Value((output if not items or stop or not taken else output + HOLE,), tags)


def base(use: Use) -> Value:
    """`base64` and its like; `-d` decodes, and what is known is decoded here."""
    given = sorted_arguments(use, _BASE)
    output = apply(use, _BASE)
    if "decode" not in given.flags:
        return output
    known = None
    if not given.operands and use.given.known is not None and use.program.endswith("base64"):
        try:
            known = base64.b64decode(re.sub(r"\s", "", use.given.known)).decode()
        except (ValueError, binascii.Error, UnicodeError):
            known = None
    return Value((HOLE if known is None else known,), output.tags | DECODED)


def translated(use: Use) -> Value:
    """`tr`, `rev`: what comes out of known text is new text; not followed, but told as decoded. rot13 is followed."""
    if (
        use.program == "tr"
        and use.given.known is not None
        and [word.lower() for word in use.words] == ["a-za-z", "n-za-mn-za-m"]
    ):
        return Value((codecs.encode(use.given.known, "rot13"),), use.given.tags | DECODED)
    if use.program == "rev" and use.given.known is not None and not use.words:
        return Value(("\n".join(line[::-1] for line in use.given.known.split("\n")),), use.given.tags | DECODED)
    if use.program == "rev":
        return apply(use, Row("rev", "", "R*"))
    return Value((HOLE,), use.given.tags | use.tags)


def hexdump(use: Use) -> Value:
    """`xxd -r` gives back what a dump stands for."""
    row = Row(
        "xxd", "a|autoskip b|bits c|cols= E e g= h i|include l|len= n= o= p|ps|plain r|revert s|seek= u d C R= t", "R W"
    )
    given = sorted_arguments(use, row)
    output = apply(use, row)
    if "revert" not in given.flags:
        return output
    known = None
    if "plain" in given.flags and use.given.known is not None and not given.operands:
        try:
            known = bytes.fromhex(use.given.known).decode()
        except ValueError:
            known = None
    return Value((HOLE if known is None else known,), output.tags | DECODED)


def read(use: Use) -> Value:
    """`read NAME`, `mapfile NAME`: what it is given goes to variables."""
    given = sorted_arguments(use, _READ)
    scene, tags = use.scene, use.given.tags
    held = use.given
    if given.flags.get("u"):
        held = scene.open_files.get(given.flags["u"][0], ANYTHING)
    names = given.operands or given.flags.get("a", []) or ["REPLY"]
    if use.program in {"mapfile", "readarray"}:
        for code in given.flags.get("C", []):
            with scene.perhaps():
                scene.code(Value((code,), use.tags), ANYTHING)
        name = given.operands[0] if given.operands else "MAPFILE"
        scene.lists[name] = (
            [ANYTHING] if held.known is None else [Value((line,), tags) for line in held.known.split("\n") if line]
        )
        if held.known is None:
            scene.lists.pop(name)
            scene.variables[name] = Value((HOLE,), held.tags)
        return EMPTY
    line = None if held.known is None else held.known.split("\n", 1)[0]
    if "r" not in given.flags and line is not None and "\\" in line:
        line = None
    words = [] if line is None else line.split(None, len(names) - 1)
    for index, name in enumerate(names):
        text = HOLE if line is None else words[index].rstrip() if index < len(words) else ""
        scene.variables[name] = Value((text,), held.tags)
    return EMPTY
