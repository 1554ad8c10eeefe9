"""Programs with arguments of a form of their own, that belong to no family."""

import itertools
import re

from policyloop.decide.programs.apply import place
from policyloop.decide.programs.options import arguments, known
from policyloop.decide.scene import Use
from policyloop.decide.values import ANYTHING, CONTENTS, DECODED, EMPTY, Value
from policyloop.shell.marks import HOLE

_TEMPORARY = "/tmp"  # noqa: S108 - what a program would print, nothing is written there
_OPENSSL = re.compile(r"s_client|s_server|enc|base64|rsautl|smime|cms|pkeyutl")


def dd(use: Use) -> Value:
    """`dd if=... of=...`."""
    scene, tags, saved = use.scene, use.tags, False
    for word in use.words:
        name, _, text = word.partition("=")
        if name == "if":
            tags |= scene.reads(text)
        elif name == "of":
            scene.writes(text, Value((HOLE,), tags | use.given.tags))
            saved = True
        elif HOLE in name:
            scene.unknown("variable-argument")
    if not any(word.startswith("if=") for word in use.words):
        tags |= use.given.tags
    return Value((HOLE,), 0 if saved else tags)


def openssl(use: Use) -> Value:
    """`openssl`: `enc -d` and `base64 -d` decode, `s_client` connects."""
    scene, words, tags = use.scene, use.words, use.tags
    verb = words[0] if words else ""
    saved = False
    for option, text in itertools.pairwise(words):
        if option in {"-in", "-inkey", "-key", "-CAfile", "-cert", "-kfile", "-config"}:
            tags |= scene.reads(text)
        elif option in {"-out", "-keyout", "-signature"} and verb != "dgst":
            scene.writes(text, Value((HOLE,), tags | use.given.tags))
            saved = option == "-out" or saved
        elif option in {"-connect", "-host", "-proxy"}:
            scene.reaches(text, 443)
    if verb in {"dgst", "md5", "sha256", "sha1", "x509", "rsa", "pkey"}:
        for word in words[1:]:
            if "/" in word or ("." in word and not word.startswith("-")):
                tags |= scene.reads(word) if not word.startswith("-") else 0
    if "-in" not in words:
        tags |= use.given.tags
    if verb in {"s_client", "s_time"}:
        scene.sends(use.given.tags | use.tags)
        return Value((HOLE,), 1)
    if verb == "s_server":
        scene.does("network-listen")
    decodes = ("-d" in words and _OPENSSL.match(verb)) or "-decrypt" in words
    return Value((HOLE,), 0 if saved else tags | (DECODED if decodes else 0))


def gpg(use: Use) -> Value:
    """`gpg`: decrypting reads what is secret; what is decrypted is decoded."""
    scene, words, tags = use.scene, use.words, use.tags
    text = " ".join(words)
    if re.search(r"--export-secret|--delete-secret", text):
        scene.does("secret-read")
    decodes = re.search(r"(?:^|\s)(?:-d|--decrypt)\b", text) is not None
    for index, word in enumerate(words):
        if word in {"-o", "--output"} and index + 1 < len(words):
            scene.writes(words[index + 1])
        elif not word.startswith("-") and ("/" in word or "." in word) and "@" not in word:
            tags |= scene.reads(word)
    return Value((HOLE,), tags | use.given.tags | (DECODED if decodes else 0))


def rename(use: Use) -> Value:
    """`rename`, `mmv`: new names come from an expression."""
    for word in use.words[1:]:
        if not word.startswith("-"):
            use.scene.reads(word)
            use.scene.deletes(word)
    use.scene.unknown("variable-path")
    return EMPTY


def compiler(use: Use) -> Value:
    """`cc`, `ld`, `strip`, `objcopy` and their like: reads sources, writes `-o`."""
    scene = use.scene
    given = arguments(
        use.words,
        known(
            "o=W I=R L=R include=R isystem=R x= D= U= l= W= f= O= g=? std= c S E "
            "s w p=R m= T=R e= u= z= B=R d= G= j= K= N= R= only-section= strip-debug strip-all strip-unneeded",
            stops=False,
        ),
    )
    for kind, value in given.values:
        place(scene, kind, value)
    changes = use.program in {"strip", "objcopy", "install_name_tool", "patchelf", "codesign", "chrpath", "ranlib"}
    for name in given.operands:
        scene.reads(name)
    if changes and "o" not in given.flags and given.operands:
        scene.writes(given.operands[-1])
    elif use.program == "ar" and len(given.operands) > 1:
        scene.writes(given.operands[1])
    return Value((HOLE,), 0)


def editor(use: Use) -> Value:
    """Editors: they read and may write what they are given; commands for them are code."""
    scene, words = use.scene, use.words
    index = 0
    while index < len(words):
        word = words[index]
        index += 1
        if word in {
            "-c",
            "--cmd",
            "-S",
            "-u",
            "-s",
            "-es",
            "--eval",
            "--load",
            "-l",
            "-f",
            "--execute",
        } or word.startswith("+"):
            text = words[index] if not word.startswith("+") and index < len(words) else word[1:]
            index += 0 if word.startswith("+") or word in {"-es"} else 1
            if not text.isdigit():
                scene.does("inline-code")
                scene.unknown("inline-code")
                match = re.search(r"(?:^|[:|])\s*!(.+)|system\(['\"](.+?)['\"]\)|shell-command \"(.+?)\"", text)
                if match is not None:
                    with scene.deeper(use.program), scene.perhaps():
                        scene.code(Value((match[1] or match[2] or match[3],)), EMPTY)
        elif not word.startswith("-"):
            tags = scene.reads(word)
            scene.writes(word, Value((HOLE,), tags))
    if use.given.tags or use.given.texts != ("",):
        scene.unknown("script-stdin")
    return ANYTHING


def quiet(use: Use) -> Value:
    """`yes`, `seq`: texts without end; as input they are not known."""
    return Value((HOLE,), use.tags)


def here(use: Use) -> Value:
    """`pwd`."""
    return Value(((use.scene.where.cwd or HOLE) + "\n",))


def temporary(use: Use) -> Value:
    """`mktemp`: a new name below /tmp."""
    for word in use.words:
        if not word.startswith("-") and "XX" in word:
            return Value(
                (
                    re.sub("X{2,}", HOLE, word if "/" in word or "-t" not in use.words else f"{_TEMPORARY}/{word}")
                    + "\n",
                )
            )
    return Value((f"{_TEMPORARY}/{HOLE}\n",))


def names(use: Use) -> Value:
    """`basename`, `dirname`: of a known path, known."""
    words = [word for word in use.words if not word.startswith("-")]
    if len(words) not in {1, 2} or any(HOLE in word for word in words):
        return Value((HOLE,), use.tags)
    head, _, tail = words[0].rstrip("/").rpartition("/")
    if use.program == "dirname":
        return Value(((head or ("/" if words[0].startswith("/") else ".")) + "\n",), use.tags)
    return Value((tail.removesuffix(words[1]) + "\n" if len(words) == 2 else tail + "\n",), use.tags)


def forks(use: Use) -> Value:
    """Encoders and compressors of no row: their input goes on."""
    return Value((HOLE,), use.given.tags | use.tags | CONTENTS)
