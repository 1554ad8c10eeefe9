"""The pinned compiler as a binary on this machine."""

import contextlib
import functools
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from policyloop.bundle import Bundle
from policyloop.cerbos.run import MAX_OUTPUT_BYTES, CompilerRun, compile_arguments
from policyloop.errors import Unavailable
from policyloop.findings import CompilerInfo
from policyloop.validators.firsts import keep_first, same_as_before
from policyloop.validators.identity import identify, known_sha256
from policyloop.validators.pinned import VERSION, binary_name, cached_binary, expected_sha256
from policyloop.validators.process import Limits, Processes
from policyloop.validators.staging import lay_out, private_directory

MEMORY_BYTES = 2 * 1024**3
"""The most private memory of one compile. 1,000 policies with 4,000 assertions take 0.14 GB."""
DEAD_PROXY = "http://127.0.0.1:9"


class NativeRunner:
    """Runs the binary with a bare environment, no input, a session of its own, and no network where Linux offers that.

    Raises `Unavailable` when `binary` cannot be run, is another version than `version`, or stands where
    `policyloop doctor --install` puts it, or must be `pinned`, and has another SHA-256 than the one pinned here, and
    `PersonNeeded` when none is pinned and it is another one than before.
    """

    def __init__(
        self,
        binary: Path,
        timeout_seconds: float,
        *,
        version: str = VERSION,
        output_bytes: int = MAX_OUTPUT_BYTES,
        memory_bytes: int = MEMORY_BYTES,
        pinned: bool = False,
    ) -> None:
        # Whatever is not named by a person is not even asked for its version before its hash is looked at.
        must = pinned or binary == cached_binary(version)
        expected = expected_sha256(version) if must else None
        first = must and expected is None
        if first:
            same_as_before(binary_name(version), f"sha256:{known_sha256(binary)}")
        identity = identify(binary, expected=expected)
        if identity.version != version:
            raise Unavailable(
                f"{binary} is Cerbos {identity.version}, but {version} is the pinned compiler.",
                "policyloop doctor --install gets that one.",
            )
        if first:
            keep_first(binary_name(version), f"sha256:{identity.sha256}")
        self.info = CompilerInfo(version, "native", f"sha256:{identity.sha256}")
        self.binary = binary.absolute()
        self._limits = Limits(timeout_seconds, output_bytes, memory_bytes)
        self._live: set[Processes] = set()

    @contextlib.contextmanager
    def stage(self, bundle: Bundle) -> Iterator["NativeStaged"]:
        """Lay `bundle` out in a private temporary directory, which is gone afterwards, as are all compiles in it."""
        processes = Processes()
        with private_directory() as directory:
            lay_out(bundle, directory / "policies")
            self._live.add(processes)
            try:
                yield NativeStaged(self.binary, directory, self._limits, processes)
            finally:
                processes.close()
                self._live.discard(processes)

    def close(self) -> None:
        """End what is still running."""
        for processes in tuple(self._live):
            processes.close()


class NativeStaged:
    """A bundle in a directory of its own."""

    def __init__(self, binary: Path, directory: Path, limits: Limits, processes: Processes) -> None:
        self._binary = binary
        self._directory = directory
        self._limits = limits
        self._processes = processes

    def compile(self, *, strict: bool = False, verbose: bool = False, filters: Sequence[str] = ()) -> CompilerRun:
        """One pass, within the limits. See `policyloop.cerbos.run.Staged`."""
        policies = str(self._directory / "policies")
        arguments = compile_arguments(policies, strict=strict, verbose=verbose, filters=filters)
        # Asked for at each compile and found once: what this Linux offers does not change while we run.
        before = fence()
        ended = self._processes.run(
            [*before, str(self._binary), *arguments],
            environment=environment(self._directory, self._limits),
            directory=self._directory,
            limits=self._limits,
        )
        stderr = ended.stderr.decode("utf-8", "replace")
        # The fence itself failed, not the compiler: that must not be read as a verdict on the policies.
        if before and ended.exit_code in (126, 127) and stderr.startswith(("unshare:", "setpriv:")):
            raise Unavailable(f"{self._binary} cannot be started: {stderr.strip()}", "policyloop doctor says more.")
        return CompilerRun(
            exit_code=ended.exit_code,
            stdout=ended.stdout,
            stderr=stderr,
            seconds=ended.seconds,
            trouble=ended.trouble,
        )


def environment(directory: Path, limits: Limits) -> dict[str, str]:
    """Nothing of ours but what the compiler needs. `GOGC`: fewer collections make small bundles a fifth quicker.

    The time zone is that of the image, so that both runners judge alike. The proxy answers nothing: a schema whose
    reference is an address on the network is loaded by neither runner.
    """
    memory = {"GOMEMLIMIT": str(limits.memory_bytes * 3 // 4)} if limits.memory_bytes else {}
    return {
        "HOME": str(directory),
        "TMPDIR": str(directory),
        "TZ": "UTC",
        "CERBOS_NO_TELEMETRY": "1",
        "DO_NOT_TRACK": "1",
        "GOGC": "400",
        "HTTP_PROXY": DEAD_PROXY,
        "HTTPS_PROXY": DEAD_PROXY,
        **memory,
    }


@functools.cache
def fence(*, online: bool = False) -> tuple[str, ...]:
    """What to put before the command, as far as this Linux has it to offer; it costs 5 ms.

    An empty network, but for what must be `online`, and a leash: when the thread that waits for the compiler dies, even
    by kill -9, so does it. The leash comes second, for the kernel takes it off a process that enters a namespace.
    """
    if sys.platform != "linux":
        return ()
    parts: tuple[str, ...] = ()
    wanted = [("unshare", "--map-root-user", "--net", "--"), ("setpriv", "--pdeathsig", "KILL", "--")]
    for name, *flags in wanted[online:]:
        program = shutil.which(name)
        if program and _works([*parts, program, *flags, program, "--version"]):
            parts = (*parts, program, *flags)
    return parts


def _works(command: list[str]) -> bool:
    try:
        tried = Processes().run(command, environment={}, directory=Path("/"), limits=Limits(5, 65_536))
    except Unavailable:
        return False
    return tried.exit_code == 0
