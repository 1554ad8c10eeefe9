"""What a roll-out of the decision point would write for one machine, and what drifted from it."""

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkstemp

from policyloop.errors import PersonNeeded, Unavailable, UsageError
from policyloop.harden import files
from policyloop.harden.document import Settings
from policyloop.harden.drift import Drift
from policyloop.harden.machines import read, written
from policyloop.harden.plan import Plan
from policyloop.harden.rollout import lacking, settings, with_wanted
from policyloop.harden.standing import owned, read_drop_ins, running
from policyloop.machine import Machine


@dataclass(frozen=True, slots=True, kw_only=True)
class RollOut(Plan):
    """The file of one machine. `content`: its bytes as they are to be, `there`: as they are, None where it is not."""

    content: bytes
    there: bytes | None

    def write(self) -> None:
        """Write the file, all or nothing. Raises `PersonNeeded` when it changed meanwhile, and `Unavailable`."""
        if self.managed:
            files.write(self.where, self.after, self.before, managed=True)
            return
        target = self.where.root / self.where.path
        try:
            if _bytes_of(target) != self.there:
                raise PersonNeeded(f"{target} changed meanwhile.", "It was not touched; look at it and run again.")
            _replace(target, self.content)
        except OSError as error:
            raise Unavailable(f"{target} cannot be written: {error.strerror}.", "Give another file: --out") from None


def roll_out(url: str, *, machine: Machine | None, out: Path | None, token_variable: str) -> RollOut:
    """What is to be written so that the decision point at `url` is asked, for this machine or, into `out`, for others.

    Raises `UsageError` for what cannot be, and for a file that is there and is none of these settings.
    """
    if machine is None:
        machine = Machine.LINUX if out is None else _machine_of(out)
    if out is None and (machine is not Machine.LINUX or sys.platform != "linux"):
        raise UsageError(f"Settings for {machine.value} are written into a file.", "Name it: --out FILE")
    wanted = settings(url, token_variable=token_variable)
    where = files.managed_file() if out is None else files.Place(out.absolute().parent, out.name)
    path = where.root / where.path
    if out is None:
        files.read_plain(where)
    try:
        there = _bytes_of(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.", "Give another file: --out") from None
    found = {} if there is None else read(there, machine, where.name)
    content = written(with_wanted(found, wanted), machine)
    drift = [Drift(where.name, None, key, f"{words}.", mendable=True) for key, words in lacking(found, wanted)]
    if out is None:
        drift += _around(where, found, wanted)
    return RollOut(
        where=where,
        before=Settings(where.name, None if there is None else _shown(there, machine), found, {}),
        after=_shown(content, machine),
        drift=tuple(drift),
        managed=out is None,
        content=content,
        there=there,
    )


def _around(where: files.Place, found: dict[str, object], wanted: dict[str, object]) -> Iterator[Drift]:
    """Who else could change it, and drop-ins that have the last word."""
    yield from owned(where.root / where.path)
    drop_ins, drift = read_drop_ins(where)
    yield from drift
    for over in drop_ins:
        spoken = {key: value for key, value in wanted.items() if key in over.data and key != "hooks"}
        for key, _ in lacking(over.data, spoken):
            yield Drift(over.name, over.line((key.split(".")[0],)), key, "undoes the roll-out.", mendable=False)
    yield from running([Settings(where.name, "", found, {}), *drop_ins])


def _machine_of(out: Path) -> Machine:
    return {".mobileconfig": Machine.MACOS, ".reg": Machine.WINDOWS}.get(out.suffix.lower(), Machine.LINUX)


def _shown(data: bytes, machine: Machine) -> str:
    """A file as text for a person's eyes."""
    encoding = "utf-16" if machine is Machine.WINDOWS and data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    return data.decode(encoding, "replace").replace("\r\n", "\n")


def _bytes_of(path: Path) -> bytes | None:
    try:
        opened = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    with os.fdopen(opened, "rb") as file:
        data = file.read(files.MAX_BYTES + 1)
    if len(data) > files.MAX_BYTES:
        raise UsageError(f"{path} has more than {files.MAX_BYTES} bytes.", "Settings are smaller.")
    return data


def _replace(target: Path, content: bytes) -> None:
    """In one step, readable for everybody: it goes to other machines, and holds no secret."""
    opened, name = mkstemp(prefix=".policyloop-", dir=target.parent)
    try:
        with os.fdopen(opened, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), 0o644)
        Path(name).replace(target)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
