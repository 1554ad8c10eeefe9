"""A PDP that we started, natively or in Docker: where it listens, what it wrote, whether it has ended."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Protocol, TypeVar

from policyloop.errors import Unavailable
from policyloop.serve.pdp.address import Address
from policyloop.validators.process import Limits, limit

T = TypeVar("T")
LOG_LINES = 200
_LOG_BYTES = 65_536
_TEN_YEARS = 315_360_000.0
"""Seconds of processor time: a server lives as long as it is asked."""
_AFTER_KILL_SECONDS = 10.0
_LEASHED = '[ "$PPID" = "$0" ] && exec "$@"'
"""Whoever died before the leash was put on has left the process to another parent: then nothing is started."""


class Server(Protocol):
    """A PDP that we started."""

    address: Address

    async def ended(self) -> str:
        """Wait until it has ended, by itself or stopped; a few words on how."""
        ...

    def log(self) -> str:
        """The last lines that it wrote, at most `LOG_LINES`."""
        ...

    async def stop(self, seconds: float) -> None:
        """End it: asked to, and killed after so many seconds. Nothing of it is left then."""
        ...


class Tail:
    """The last that a program wrote, bounded."""

    def __init__(self) -> None:
        self._kept = b""

    async def keep(self, stream: asyncio.StreamReader) -> None:
        """Read `stream` to its end."""
        while data := await stream.read(_LOG_BYTES):
            self._kept = (self._kept + data)[-_LOG_BYTES:]

    def __str__(self) -> str:
        return "\n".join(self._kept.decode("utf-8", "replace").splitlines()[-LOG_LINES:])


class Program:
    """The pinned binary as a process of its own session, which on Linux dies with the thread that started it.

    On other systems a PDP outlives us if we are killed (`kill -9`); nobody knows its socket's folder then.
    """

    def __init__(self, process: asyncio.subprocess.Process, address: Address, left: Callable[[], None]) -> None:
        self.address = address
        self.process = process
        self._tail = Tail()
        assert process.stdout is not None
        self._reader = asyncio.create_task(self._tail.keep(process.stdout))
        self._left = left

    async def ended(self) -> str:
        """See `Server`."""
        code = await self.process.wait()
        # Its last words may still be in the pipe, which a child of it could hold open for ever.
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(self._reader), 1)
        return f"killed by signal {-code}" if code < 0 else f"exit code {code}"

    def log(self) -> str:
        """See `Server`."""
        return str(self._tail)

    async def stop(self, seconds: float) -> None:
        """See `Server`."""
        try:
            self._signal(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.process.wait(), seconds)
        finally:
            # Also where we are cancelled in the middle of waiting, and for whatever it left in its group.
            self._signal(signal.SIGKILL)
            self._reader.cancel()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.process.wait(), _AFTER_KILL_SECONDS)
            self._left()

    def _signal(self, number: signal.Signals) -> None:
        # One that was waited for has given its id away.
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, number)


async def entered(context: AbstractContextManager[T]) -> tuple[T, Callable[[], None]]:
    """What entering `context` gives, entered in a thread, and what leaves it again.

    Whoever is cancelled while it is entered leaves nothing behind.
    """
    stack = ExitStack()
    entering = asyncio.ensure_future(asyncio.to_thread(stack.enter_context, context))
    try:
        return await asyncio.shield(entering), stack.close
    except asyncio.CancelledError:
        with contextlib.suppress(Exception):
            await entering
        await asyncio.to_thread(stack.close)
        raise


async def started(
    command: Sequence[str],
    *,
    before: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    listens: tuple[Address, Callable[[], None]],
    memory_bytes: int | None,
) -> Program:
    """A program that listens at the first of `listens`; the second is called when it is gone.

    `before` is what stands before the command to fence it in. Raises `Unavailable` when it cannot be started.
    """
    address, left = listens
    leashed = ["sh", "-c", _LEASHED, str(os.getpid())] if before and sys.platform == "linux" else []
    try:
        process = await asyncio.create_subprocess_exec(
            *before,
            *leashed,
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=dict(environment),
            cwd=folder,
            start_new_session=True,
        )
    except OSError as error:
        left()
        reason = error.strerror or str(error)
        raise Unavailable(f"{command[0]} cannot be started: {reason}.", "policyloop doctor says more.") from None
    limit(process.pid, Limits(_TEN_YEARS, 0, memory_bytes))
    return Program(process, address, left)
