"""`policyloop` in a process of its own that does not start cold: an interpreter with all of it imported forks for each.

Of a command that a test runs, starting Python and importing cost more than the command. What a process is stays: its
own arguments, folder, environment, three streams, signals and exit code, for a child goes into `__main__.main()` as a
new interpreter does. What differs: all is imported already, the parent is the server, and hashes are seeded once a
server. Where a start is what is tested, or an interpreter is set up otherwise (`PYTHON…`, `LC_…`), start Python.
"""

import atexit
import contextlib
import functools
import gc
import importlib
import io
import json
import os
import pkgutil
import select
import selectors
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

LENGTH = struct.Struct("!I")
STATUS = struct.Struct("!i")
OF_THE_INTERPRETER = ("PYTHON", "LC_", "LANG", "LD_", "MALLOC_")
"""How the names begin of what an interpreter reads once, before anything of ours runs."""


def set_up_alike(env: Mapping[str, str]) -> bool:
    """Whether an interpreter with this environment is set up as the server's."""
    wanted = {name: value for name, value in env.items() if name.startswith(OF_THE_INTERPRETER)}
    return wanted == {name: value for name, value in _of_the_server().items() if name.startswith(OF_THE_INTERPRETER)}


def run(
    arguments: Sequence[str], *, cwd: Path | None, env: Mapping[str, str], stdin: bytes = b"", timeout: float
) -> subprocess.CompletedProcess[bytes]:
    """Run `policyloop` with these arguments; as `subprocess.run` does, whose errors it raises.

    It has a session of its own, and all of that is killed when it runs longer than `timeout` seconds, and dead then.
    """
    folder = str(cwd or Path.cwd())
    if not Path(folder).is_dir():
        raise FileNotFoundError(folder)
    asked = json.dumps({"argv": list(arguments), "cwd": folder, "env": dict(env)}).encode("utf-8", "surrogateescape")
    with tempfile.TemporaryFile() as given, contextlib.closing(_connected()) as server:
        given.write(stdin)
        given.seek(0)
        (out, theirs_out), (err, theirs_err) = os.pipe(), os.pipe()
        try:
            socket.send_fds(server, [LENGTH.pack(len(asked))], [given.fileno(), theirs_out, theirs_err])
            os.close(theirs_out)
            os.close(theirs_err)
            server.sendall(asked)
            said = _all_of([out, err, server.fileno()], timeout)
            if said is None:
                server.shutdown(socket.SHUT_WR)
                server.recv(STATUS.size)
        finally:
            os.close(out)
            os.close(err)
    if said is None:
        raise subprocess.TimeoutExpired(["policyloop", *arguments], timeout)
    (status,) = STATUS.unpack(said[2])
    return subprocess.CompletedProcess(list(arguments), os.waitstatus_to_exitcode(status), said[0], said[1])


def _all_of(fds: Sequence[int], timeout: float) -> list[bytes] | None:
    """What comes out of each until its end; None when that takes longer than `timeout` seconds."""
    read = {fd: bytearray() for fd in fds}
    deadline = time.monotonic() + timeout
    with selectors.DefaultSelector() as selector:
        for fd in fds:
            selector.register(fd, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(max(0.0, deadline - time.monotonic()))
            if not ready and time.monotonic() >= deadline:
                return None
            for key, _ in ready:
                part = os.read(key.fd, 1 << 16)
                read[key.fd] += part
                if not part:
                    selector.unregister(key.fd)
    return [bytes(read[fd]) for fd in fds]


def _connected() -> socket.socket:
    server = socket.socket(socket.AF_UNIX)
    server.connect(_started(os.getpid()))
    return server


@functools.cache
def _started(_by: int) -> str:
    """Where the server of this process listens. It ends with the process."""
    folder = tempfile.mkdtemp(prefix="policyloop-warm-")
    place = str(Path(folder) / "socket")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(place)
        listener.listen(64)
        # Its input is a pipe whose other end is held here: it reads the end of it when this process is gone.
        server = subprocess.Popen(
            [sys.executable, __file__, str(listener.fileno())],
            stdin=subprocess.PIPE,
            env=_of_the_server(),
            pass_fds=[listener.fileno()],
        )
    atexit.register(_end, server, Path(place))
    return place


def _end(server: subprocess.Popen[bytes], place: Path) -> None:
    assert server.stdin is not None
    server.stdin.close()
    server.wait()
    place.unlink()
    place.parent.rmdir()


def _of_the_server() -> dict[str, str]:
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}


class Server:
    """Forks for each who connects. Whoever hangs up before the end wants no more of it: the child is killed."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._clients: dict[int, socket.socket] = {}
        self._woken, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def serve(self) -> dict[str, Any]:
        """Return in the children alone, with what was asked of each."""
        while True:
            ready, _, _ = select.select([0, self._listener, self._woken, *self._clients.values()], [], [])
            if self._woken in ready:
                os.read(self._woken, 4096)
            self._tell_of_the_ended()
            for pid, client in self._clients.items():
                if 0 in ready or client in ready:
                    _kill(pid)
            if 0 in ready:
                os._exit(0)
            if self._listener in ready and (asked := self._forked()):
                return asked

    def _tell_of_the_ended(self) -> None:
        while self._clients:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            with contextlib.closing(self._clients.pop(pid)) as client, contextlib.suppress(OSError):
                client.sendall(STATUS.pack(status))

    def _forked(self) -> dict[str, Any] | None:
        client, _ = self._listener.accept()
        head, streams, _, _ = socket.recv_fds(client, LENGTH.size, 3)
        text = bytearray()
        while len(text) < LENGTH.unpack(head)[0]:
            text += client.recv(1 << 16)
        child = os.fork()
        if child:
            self._clients[child] = client
            for fd in streams:
                os.close(fd)
            return None
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for number, fd in enumerate(streams):
            os.dup2(fd, number)
        os.closerange(3, 4096)
        asked: dict[str, Any] = json.loads(text.decode("utf-8", "surrogateescape"))
        return asked


def _kill(pid: int) -> None:
    """The child with all of its session; alone where it was too young to have one."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        os.kill(pid, signal.SIGKILL)


def import_everything() -> None:
    """All modules of ours, and what they import only when they run."""
    import policyloop

    for module in pkgutil.walk_packages(policyloop.__path__, "policyloop."):
        importlib.import_module(module.name)
    for name in ("anthropic", "docker", "z3"):
        importlib.import_module(name)


def become(asked: Mapping[str, Any]) -> None:
    """Arguments, folder, environment and streams, as if this interpreter had been started with them."""
    os.environ.clear()
    os.environ.update(asked["env"])
    time.tzset()
    os.chdir(asked["cwd"])
    sys.argv[:] = [str(sys.modules["policyloop.__main__"].__file__), *asked["argv"]]
    sys.path[0] = asked["cwd"]
    sys.stdin = sys.__stdin__ = _stream(0, "r", sys.stdin)
    sys.stdout = sys.__stdout__ = _stream(1, "w", sys.stdout)
    sys.stderr = sys.__stderr__ = _stream(2, "w", sys.stderr)


def _stream(fd: int, mode: str, like: TextIO) -> TextIO:
    """As the interpreter makes them."""
    newline = "\n" if mode == "w" else None
    raw = os.fdopen(fd, f"{mode}b", -1, closefd=False)
    return io.TextIOWrapper(raw, like.encoding, like.errors, newline, line_buffering=fd == 2 or os.isatty(fd))


def leave(code: object) -> None:
    """What the interpreter does at its end, but for taking all modules apart, each page of which would be copied first.

    Where it would say something, it is left to do so itself.
    """
    if not isinstance(code, int):
        sys.exit(code)  # type: ignore[arg-type]
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        sys.exit(code)
    os._exit(code & 0xFF)


def main() -> None:
    server = Server(socket.socket(fileno=int(sys.argv[1])))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    import_everything()
    # What was made until now is looked through by no collection of a child, which would copy it.
    gc.collect()
    gc.freeze()
    become(server.serve())
    from policyloop.__main__ import main as policyloop

    try:
        policyloop()
    except SystemExit as ended:
        leave(ended.code)


if __name__ == "__main__":
    main()
