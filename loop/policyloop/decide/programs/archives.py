"""tar, zip and their like: what goes in is read, what comes out is written."""

from policyloop.decide.programs.apply import place
from policyloop.decide.programs.options import arguments, known
from policyloop.decide.scene import Use
from policyloop.decide.values import CONTENTS, EMPTY, Value
from policyloop.places.keys import Whereabouts, key
from policyloop.shell.marks import HOLE

_TAR = known(
    "c|create x|get|extract t|list r|append u|update A|concatenate d|diff|compare delete f|file= C|"
    "directory= z|gzip j|bzip2 J|xz a|auto-compress Z|compress zstd lzma lzip "
    "v|verbose k|keep-old-files p|preserve-permissions P|absolute-names O|to-stdout X|"
    "exclude-from=R exclude= T|files-from=R I|use-compress-program=C "
    "to-command=C checkpoint=? checkpoint-action= F|info-script|new-volume-script=C rsh-command=C "
    "strip-components= transform|xform= owner= group= mode= numeric-owner "
    "h|dereference W|verify w|interactive m|touch remove-files overwrite unlink-first U S|sparse g|"
    "listed-incremental=W G s|same-order b|blocking-factor= l L= K= N= V|label= "
    "wildcards no-wildcards anchored exclude-vcs exclude-vcs-ignores totals no-same-owner "
    "no-same-permissions force-local null sort= mtime= one-file-system "
    "ignore-failed-read warning= B i o n R H|format= pax-option= no-recursion rmt-command=C "
    "index-file=W backup=? suffix= skip-old-files keep-newer-files "
    "one-top-level=? no-overwrite-dir show-transformed-names acls xattrs selinux"
)
_ZIP = known("r m u f d e j q v y T= TT= x= i= P= b=W t= tt= 0 1 2 3 4 5 6 7 8 9 @ D X l g k n= o s= Z= z A c F FF O=W")
_UNZIP = known("d=W l t p o n q j x= P= v Z u f a b C L X aa M V W K")


def tar(use: Use) -> Value:
    """`tar`, also in its old form without a dash: `tar xzf file`."""
    words = list(use.words)
    if words and not words[0].startswith("-") and HOLE not in words[0]:
        words = _old_form(words)
    scene = use.scene
    given = arguments(words, _TAR)
    if given.strange:
        scene.unknown("unknown-option")
    if given.uncertain:
        scene.unknown("variable-argument")
    tags = use.tags
    flags = given.flags
    if "help" in flags or "version" in flags:
        return Value((HOLE,))
    for kind, value in given.values:
        if kind == "C":
            with scene.deeper("tar"):
                scene.code(Value((value,)), EMPTY)
        else:
            tags |= place(scene, kind, value)
    for action in flags.get("checkpoint-action", []):
        if action.startswith("exec="):
            with scene.deeper("tar"):
                scene.code(Value((action[5:],)), EMPTY)
    archive = (flags.get("file") or ["-"])[-1]
    before = scene.where
    if flags.get("directory") and flags["directory"]:
        directory = flags["directory"][-1]
        scene.where = Whereabouts(HOLE if HOLE in directory else key(directory, scene.where), *scene.where[1:])
    try:
        tags |= _members(use, given.operands, set(flags))
    finally:
        inside, scene.where = scene.where, before
    del inside
    if ":" in archive.split("/", 1)[0] and "force-local" not in flags:
        scene.reaches(archive.split(":", 1)[0], 22)
        scene.sends(tags)
        return Value((HOLE,), tags)
    if archive != "-":
        if flags.keys() & {"create", "append", "update", "concatenate", "delete"}:
            scene.writes(archive, Value((HOLE,), tags))
        else:
            tags |= scene.reads(archive)
        return Value((HOLE,), tags if "to-stdout" in flags else 0)
    return Value((HOLE,), tags | use.given.tags)


def _old_form(words: list[str]) -> list[str]:
    """`xzf a.tar -C b` with dashes; values of its letters follow in their order."""
    letters, rest = words[0], words[1:]
    before: list[str] = []
    for letter in letters:
        option = _TAR.names.get(letter)
        before.append(f"-{letter}")
        if option is not None and option.value is not None and not option.value.startswith("?") and rest:
            before.append(rest.pop(0))
    return before + rest


def _members(use: Use, members: list[str], flags: set[str]) -> int:
    scene, tags = use.scene, 0
    if flags & {"create", "append", "update"}:
        for member in members:
            tags |= scene.reads(member)
            if "remove-files" in flags:
                scene.does("recursive-delete")
                scene.deletes(member)
        return tags | CONTENTS
    if "extract" in flags and "to-stdout" not in flags:
        scene.writes(".")
        if members:
            for member in members:
                scene.writes(member)
        if "absolute-names" in flags:
            scene.writes("/" + HOLE)
    return 0


def zipped(use: Use) -> Value:
    """`zip`, `7z a`, `rar a`: reads all behind the archive's name."""
    scene, tags = use.scene, use.tags
    words = use.words
    if use.program in {"7z", "7za", "7zz", "rar", "unrar"}:
        verb, operands = (words[0] if words else ""), [word for word in words[1:] if not word.startswith("-")]
        out = next((word[2:] for word in words if word.startswith("-o") and len(word) > 2), ".")
        if verb.startswith(("x", "e")):
            tags |= scene.reads(operands[0]) if operands else 0
            scene.writes(out)
            return Value((HOLE,))
        if verb.startswith(("l", "t")):
            tags |= scene.reads(operands[0]) if operands else 0
            return Value((HOLE,))
    else:
        given = arguments(words, _ZIP)
        operands = given.operands
        for option in ("TT", "unzip-command"):
            for value in given.flags.get(option, []):
                scene.code(Value((value,)), EMPTY)
        for index, word in enumerate(words):
            if word == "-TT" and index + 1 < len(words):
                with scene.deeper("zip"):
                    scene.code(Value((words[index + 1],)), EMPTY)
        if "m" in given.flags:
            scene.does("recursive-delete")
            for name in operands[1:]:
                scene.deletes(name)
    for name in operands[1:]:
        tags |= scene.reads(name)
    if operands and operands[0] != "-":
        scene.writes(operands[0], Value((HOLE,), tags | CONTENTS))
    return Value((HOLE,), tags | CONTENTS)


def unzipped(use: Use) -> Value:
    """`unzip`: writes where it is told to, or here."""
    scene = use.scene
    given = arguments(use.words, _UNZIP)
    tags = scene.reads(given.operands[0]) if given.operands else use.given.tags
    for kind, value in given.values:
        place(scene, kind, value)
    if not given.flags.keys() & {"l", "t", "p", "v", "Z", "d"}:
        scene.writes(".")
    return Value((HOLE,), tags if "p" in given.flags else 0)


def cpio(use: Use) -> Value:
    """`cpio`, `pax`, `ar`, `rsync`-like: names come by its input, so what is touched is not known."""
    scene = use.scene
    scene.unknown("variable-path")
    for word in use.words:
        if not word.startswith("-"):
            scene.reads(word)
    return Value((HOLE,), CONTENTS | use.given.tags)
