"""The pinned compiler as an image, run by a Docker engine that need not see our files."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future

from policyloop.bundle import Bundle
from policyloop.cerbos.run import MAX_OUTPUT_BYTES, CompilerRun, compile_arguments
from policyloop.errors import Unavailable
from policyloop.findings import CompilerInfo
from policyloop.validators.container import Container, sweep
from policyloop.validators.engine import connect, keep_image, same_image
from policyloop.validators.identity import version_in
from policyloop.validators.memo import recall, remember
from policyloop.validators.pinned import IMAGE, VERSION
from policyloop.validators.process import Limits

MEMORY_BYTES = 4 * 1024**3
"""The most memory of the container, in which two passes run side by side."""


class DockerRunner:
    """Runs the compiler in one container: no network, read-only, no capabilities, nobody's user, nothing mounted.

    The container starts in the background, while the caller reads its bundle, and serves every compile until `close`.
    Raises `Unavailable` when no engine answers, it lacks the image, or the image holds another version than `version`,
    and `PersonNeeded` when the image is another one under its tag than before.
    """

    def __init__(
        self,
        image: str = IMAGE,
        timeout_seconds: float = 60,
        *,
        version: str = VERSION,
        output_bytes: int = MAX_OUTPUT_BYTES,
        memory_bytes: int = MEMORY_BYTES,
    ) -> None:
        self._client = connect()
        self._image = same_image(self._client, image)
        self._limits = Limits(timeout_seconds, output_bytes)
        self._memory_bytes = memory_bytes
        self._lock = threading.Lock()
        self._closed = False
        self._stages = 0
        # Before the version is known: starting takes longer than reading a bundle, and both can go on at once.
        self._starting = _in_background(self._start)
        try:
            self._check(version)
        except BaseException:
            self.close()
            raise
        keep_image(self._image)
        self.info = CompilerInfo(version, "docker", self._image.digest)

    @contextlib.contextmanager
    def stage(self, bundle: Bundle) -> Iterator["DockerStaged"]:
        """Copy `bundle` into the container. Leaving while a compile runs ends that compile."""
        staged = DockerStaged(self, bundle, self._limits)
        with self._lock:
            self._stages += 1
        try:
            staged.place()
            yield staged
        finally:
            with self._lock:
                self._stages -= 1
            staged.close()

    def close(self) -> None:
        """Let the container go; nothing is compiled after that."""
        with self._lock:
            self._closed = True
            starting = self._starting
        with contextlib.suppress(Unavailable, TimeoutError):
            starting.result(10).close()

    def container(self) -> Container:
        """The container of this run; another one where it was ended, or where it is full and nobody uses it."""
        with self._lock:
            if self._closed:
                raise Unavailable("The compiler was stopped.")
            current = self._starting.result()
            # Its memory disk holds the bundles of earlier compiles; with another stage open in it, it must stay.
            if current.full and self._stages <= 1:
                current.close()
            if current.over:
                self._starting = _in_background(self._start)
            return self._starting.result()

    def _start(self) -> Container:
        sweep(self._client)
        return Container(self._client, self._image, self._memory_bytes)

    def _check(self, version: str) -> None:
        """Ask the binary in the image for its version; an image's id is a hash of all it holds, so only once."""
        name, subject = self._image.name, f"image {self._image.id}"
        said = recall(subject, "").get("version")
        if said is None:
            said = version_in(self.container().run(["--version"], Limits(30, 65_536)).stdout)
            if said is None:
                raise Unavailable(f"The image {name} does not say which Cerbos it holds.")
            # An image's id is a hash of what it holds, so what it said once it will always say.
            remember(subject, "", {"version": said})
        if said != version:
            raise Unavailable(
                f"The image {name} holds Cerbos {said}, but {version} is the pinned compiler.",
                f"Name the image of {version} (cerbos.image), or pull it anew: docker pull {name}",
            )


class DockerStaged:
    """A bundle in a directory of its own inside the container."""

    def __init__(self, runner: DockerRunner, bundle: Bundle, limits: Limits) -> None:
        self._runner = runner
        self._bundle = bundle
        self._limits = limits
        self._lock = threading.Lock()
        self._container: Container | None = None
        self._folder = ""
        self._running = 0
        self._closed = False

    def place(self) -> tuple[Container, str]:
        """Where the bundle lies; it is copied again when its container is no more."""
        with self._lock:
            if self._closed:
                raise Unavailable("The compiler was stopped.")
            if self._container is None or self._container.over:
                self._container = self._runner.container()
                self._folder = self._container.put(self._bundle)
            return self._container, self._folder

    def compile(self, *, strict: bool = False, verbose: bool = False, filters: Sequence[str] = ()) -> CompilerRun:
        """One pass, within the limits. See `policyloop.cerbos.run.Staged`."""
        container, folder = self.place()
        with self._lock:
            self._running += 1
        try:
            ended = container.run(
                compile_arguments(folder, strict=strict, verbose=verbose, filters=filters), self._limits
            )
        finally:
            with self._lock:
                self._running -= 1
        return CompilerRun(
            exit_code=ended.exit_code,
            stdout=ended.stdout,
            stderr=ended.stderr.decode("utf-8", "replace"),
            seconds=ended.seconds,
            trouble=ended.trouble,
        )

    def close(self) -> None:
        """No more compiles; one that still runs takes its container with it, for nothing less ends it."""
        with self._lock:
            self._closed = True
            if self._running and self._container is not None:
                self._container.remove()


def _in_background(start: Callable[[], Container]) -> Future[Container]:
    """Like an executor's `submit`, but an engine that hangs cannot keep this process from ending."""
    future: Future[Container] = Future()

    def work() -> None:
        try:
            future.set_result(start())
        except BaseException as error:  # noqa: BLE001 (handed on to whoever waits)
            future.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    return future
