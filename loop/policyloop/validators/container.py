"""One hardened container that takes any number of compiles.

Its image has no shell and nothing that waits, but `cerbos repl` reads standard input: held open by us, it keeps the
container up; when we close it, or die, the repl ends and the engine removes the container. So none outlives us.
"""

import io
import itertools
import socket
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from docker import APIClient
from docker.errors import APIError, DockerException
from docker.types import Healthcheck, LogConfig
from requests.exceptions import RequestException

from policyloop.bundle import Bundle
from policyloop.cerbos.run import Trouble
from policyloop.validators.engine import Gone, Image, spoken
from policyloop.validators.owner import is_dead, this_process
from policyloop.validators.process import Ended, Limits
from policyloop.validators.staging import staged_paths

BINARY = "/cerbos"
POLICIES = "/policies"
OWNER_LABEL = "io.policyloop.owner"
PIDS = 256
USER = "65534:65534"
_KILLED = 137
"""The exit code of a compiler that the kernel killed, which in a container that goes on is for want of memory."""
_GONE = "The container of the compiler ended in the middle of its work."
_FULL_BYTES = 200 * 1024**2


class Container:
    """A running container. Nothing of this machine is mounted into it: bundles are copied into its own volume.

    Raises `Unavailable` when the engine cannot create or start it. `over` says that it is no more.
    """

    def __init__(self, client: APIClient, image: Image, memory_bytes: int) -> None:
        self.over = False
        self._client = client
        self._ended_for: Trouble | None = None
        self._numbers = itertools.count()
        self._bytes = 0
        with spoken():
            config = _config(client, image, memory_bytes)
            self.id = str(client.create_container_from_config(config)["Id"])  # type: ignore[no-untyped-call]
            try:
                # Before the start, so that its input is held by us from its first moment.
                self._input = client.attach_socket(self.id, params={"stdin": 1, "stream": 1})
                client.start(self.id)
            except BaseException:
                self.remove()
                raise

    @property
    def full(self) -> bool:
        """Whether so many bundles went in that a fresh container is better: nothing in this one can delete them."""
        return self._bytes > _FULL_BYTES

    def put(self, bundle: Bundle) -> str:
        """Copy `bundle` in, read-only, and answer the directory that it lies in. Raises `Unavailable`."""
        folder = str(next(self._numbers))
        archive = _archive(bundle, folder)
        self._bytes += len(archive)
        with self._noticed():
            self._client.put_archive(self.id, POLICIES, archive)
        return f"{POLICIES}/{folder}"

    def run(self, arguments: list[str], limits: Limits) -> Ended:
        """Run the compiler once. The engine cannot end one process, so at a limit the whole container goes.

        Then whatever else runs in it ends too, and says the same trouble. Raises `Unavailable`.
        """
        began = time.monotonic()
        with self._noticed():
            execution = self._client.exec_create(self.id, [BINARY, *arguments])["Id"]
            stream = self._client.exec_start(execution, socket=True)
            try:
                out, err, trouble = _read(stream, began + limits.seconds, limits.output_bytes)
            finally:
                _close(stream)
        if trouble is not None and not self.over:
            self._ended_for = trouble
            self.remove()
        trouble = self._ended_for or trouble
        code = None if trouble else self._exit_code(execution)
        # The kernel ends what goes beyond the container's memory, without a word on any stream.
        if code == _KILLED:
            code, trouble = None, Trouble.MEMORY
        return Ended(code, out, err, time.monotonic() - began, trouble)

    def close(self) -> None:
        """Let it end by itself: the engine removes it, with its volume, and we need not wait."""
        self.over = True
        _close(self._input)

    def remove(self) -> None:
        """Kill and remove it now, with all that runs in it."""
        self.over = True
        with suppress(DockerException, RequestException, OSError):
            self._client.remove_container(self.id, v=True, force=True)

    def _exit_code(self, execution: str) -> int:
        """The exit code; the engine may need a moment after the streams ended to know it."""
        for pause in (0.0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0):
            time.sleep(pause)
            with self._noticed():
                state = self._client.exec_inspect(execution)
            if not state["Running"] and state["ExitCode"] is not None:
                if state["ExitCode"] == _KILLED:
                    self._see_who_was_killed()
                return int(state["ExitCode"])
        self.over = True
        raise Gone(_GONE, "Run it again.")

    def _see_who_was_killed(self) -> None:
        """Tell a compiler that ran out of memory from a container that went with all in it. Raises `Gone`."""
        for _ in range(10):
            with self._noticed():
                if self.over or not self._client.inspect_container(self.id)["State"]["Running"]:
                    self.over = True
                    raise Gone(_GONE, "Run it again.")
            time.sleep(0.03)

    @contextmanager
    def _noticed(self) -> Iterator[None]:
        """Calls to the engine about this container: when it is gone, it is over."""
        try:
            with spoken():
                yield
        except Gone:
            self.over = True
            raise


def sweep(client: APIClient) -> None:
    """Remove what processes of this machine left that died between creating a container and starting it."""
    with suppress(DockerException, RequestException, OSError):
        for found in client.containers(all=True, filters={"label": OWNER_LABEL}):
            # By who began it, not by age: another policyloop may be at work on this very engine.
            if is_dead(found["Labels"].get(OWNER_LABEL, "")):
                with suppress(APIError):
                    client.remove_container(found["Id"], v=True, force=True)


def _config(client: APIClient, image: Image, memory_bytes: int) -> dict[str, Any]:
    """No network, said twice: the mode alone makes the engine set up an empty one, which costs more than the start."""
    host = client.create_host_config(
        network_mode="none",
        read_only=True,
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
        mem_limit=memory_bytes,
        # The same as the memory: else the engine grants as much again in swap.
        memswap_limit=memory_bytes,
        pids_limit=PIDS,
        ipc_mode="none",
        # The engine would write all that the compiler says into a file of its own that grows without bound.
        log_config=LogConfig(type=LogConfig.types.NONE),
        # It goes with its volume when the repl ends, also when we can no longer tell the engine.
        auto_remove=True,
    )
    return dict(
        client.create_container_config(
            image.id,
            ["repl"],
            entrypoint=[BINARY],
            user=USER,
            network_disabled=True,
            stdin_open=True,
            detach=False,
            working_dir="/",
            volumes=[POLICIES],
            labels={OWNER_LABEL: this_process()},
            environment={
                "CERBOS_NO_TELEMETRY": "1",
                "DO_NOT_TRACK": "1",
                "GOGC": "400",
                "GOMEMLIMIT": str(memory_bytes * 3 // 8),
            },
            healthcheck=Healthcheck(test=["NONE"]),
            host_config=host,
        )
    )


def _archive(bundle: Bundle, folder: str) -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as archive:
        top = tarfile.TarInfo(folder)
        top.type, top.mode = tarfile.DIRTYPE, 0o755
        archive.addfile(top)
        for path in staged_paths(bundle):
            # Copied, never mounted: an engine on another machine sees no file of ours, and the container none of this
            # one.
            data = bundle[path].encode()
            entry = tarfile.TarInfo(f"{folder}/{path}")
            entry.size, entry.mode = len(data), 0o444
            archive.addfile(entry, io.BytesIO(data))
    return whole.getvalue()


def _read(stream: Any, deadline: float, limit: int) -> tuple[bytes, bytes, Trouble | None]:
    """Both streams of one execution, as the engine interleaves them: a header of 8 bytes, then that many of one."""
    raw = getattr(stream, "_sock", stream)
    kept = {1: bytearray(), 2: bytearray()}
    waiting = bytearray()
    trouble = None
    while trouble is None:
        raw.settimeout(max(0.001, deadline - time.monotonic()))
        try:
            data = raw.recv(1 << 18)
        except TimeoutError:
            trouble = Trouble.TIMEOUT
            break
        if not data:
            break
        waiting += data
        while len(waiting) >= 8 and len(waiting) >= 8 + (size := int.from_bytes(waiting[4:8], "big")):
            kept.setdefault(waiting[0], bytearray()).extend(waiting[8 : 8 + size])
            del waiting[: 8 + size]
        if any(len(part) > limit for part in (*kept.values(), waiting)):
            trouble = Trouble.FLOOD
        elif time.monotonic() > deadline:
            trouble = Trouble.TIMEOUT
    return bytes(kept[1][:limit]), bytes(kept[2][:limit]), trouble


def _close(stream: Any) -> None:
    raw = getattr(stream, "_sock", stream)
    with suppress(OSError):
        raw.shutdown(socket.SHUT_RDWR)
    with suppress(OSError):
        raw.close()
