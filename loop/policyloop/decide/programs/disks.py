"""Tools for volumes, pools and devices: what counts is their verb."""

import re

from policyloop.decide.scene import Use
from policyloop.decide.values import Value
from policyloop.shell.marks import HOLE

_ALWAYS = frozenset(
    (
        "blkdiscard sg_format tune2fs resize2fs growpart lvremove lvreduce lvresize lvconvert "
        "vgremove vgreduce pvremove pvcreate vgcreate lvcreate vgcfgrestore pvmove"
    ).split()
)
_VERB = re.compile(
    r"destroy|erase|format|luksformat|luksremovekey|luksadd|luksclose|delete|remove|wipe|partition|labelclear|"
    r"detach|zero|rollback|write|secure|sanitize|"
    r"trim-sector|make-bad-sector|security-set|detach|reformat|resize|repair|restore|create|replace|offline|"
    r"--fail|add-spare|yank",
    re.IGNORECASE,
)
_IDLE = {"-h", "--help", "-t", "--test", "--version", "--longhelp", "-V", "--dry-run", "-n"}


def disk(use: Use) -> Value:
    """Anything that could lose what a device holds is `disk-write`; options that try only are seen."""
    words = list(use.words)
    if "--reportformat" in words:  # how it tells, and not what it changes
        del words[words.index("--reportformat") : words.index("--reportformat") + 2]
    if not any(word in _IDLE for word in words):
        program = use.program
        if program == "lvm" and words:
            return disk(Use(words[0], words[1:], use.scene))
        if program == "badblocks":
            harmful = any(word.startswith("-") and "w" in word for word in words)
        elif program.startswith(("fsck", "e2fsck", "xfs_repair")):
            harmful = bool(words)
        else:
            harmful = (program in _ALWAYS and any(word[:1] != "-" for word in words)) or any(
                _VERB.search(word) for word in words[:3]
            )
        if harmful:
            use.scene.does("disk-write")
        for word in words:
            if word.startswith("/dev/"):
                use.scene.writes(word) if harmful else use.scene.lists_names(word)
            elif HOLE in word:
                use.scene.unknown("variable-argument")
    return Value((HOLE,))
