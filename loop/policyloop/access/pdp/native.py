"""`cerbos server` as a program on this machine: no network at all, only a socket in a folder that is ours."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO

from policyloop.access.pdp.door import Door
from policyloop.access.pdp.settings import Settings, server_config
from policyloop.bundle import Bundle
from policyloop.validators.native import MEMORY_BYTES, NativeRunner, environment, fence
from policyloop.validators.process import Limits, Processes, limit
from policyloop.validators.staging import lay_out, private_directory

_LOG_LINES = 200
_LINE_BYTES = 65_536
_PROCESSOR_SECONDS = 86_400.0


class Log:
    """The last lines that a server wrote, as text."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=_LOG_LINES)

    def keep(self, stream: IO[bytes]) -> None:
        """Read `stream` to its end."""
        while line := stream.readline(_LINE_BYTES):
            self._lines.append(line.decode("utf-8", "replace"))

    def __str__(self) -> str:
        return "".join(self._lines)


Serving = tuple[Door, Callable[[], str | None]]
"""Where it listens, and whether it has ended: then what it wrote, else None."""


@contextmanager
def serve(runner: NativeRunner, bundle: Bundle, settings: Settings) -> Iterator[Serving]:
    """A server over `bundle`, which is laid out in a private directory. Both are gone afterwards.

    To be called from the main thread, or one that outlives the server: on Linux it dies with the thread that began it.
    Raises `Unavailable` when it cannot be started.
    """
    processes = Processes()
    limits = Limits(_PROCESSOR_SECONDS, 0, MEMORY_BYTES)
    with private_directory() as directory:
        lay_out(bundle, directory / "policies")
        # Names within the private folder, in which the server runs.
        config = server_config(settings, policies="policies", http="unix:h.sock", grpc="unix:g.sock")
        (directory / "pdp.yaml").write_text(config, encoding="utf-8")
        command = [*fence(), str(runner.binary), "server", "--config=pdp.yaml", "--log-level=warn"]
        surroundings = environment(directory, limits)
        with processes.started(command, environment=surroundings, directory=directory) as process:
            # A day of processor time for each core, no wall time: it lives as long as it is asked, and ends with us.
            limit(process.pid, limits)
            log = Log()
            readers = [
                threading.Thread(target=log.keep, args=(stream,), daemon=True)
                for stream in (process.stdout, process.stderr)
                if stream is not None
            ]
            for reader in readers:
                reader.start()

            def ended() -> str | None:
                if process.poll() is None:
                    return None
                # Its last words may still be in the pipe when it is gone.
                for reader in readers:
                    reader.join(5)
                return str(log)

            try:
                yield Door(directory / "h.sock"), ended
            finally:
                processes.close()
                process.wait()
                for reader in readers:
                    reader.join(5)
