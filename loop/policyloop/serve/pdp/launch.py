"""How a PDP is started: natively over a bundle, with Cerbos's own configuration, or in Docker."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from policyloop.access.pdp.settings import server_config
from policyloop.bundle import Bundle
from policyloop.errors import Unavailable, UsageError
from policyloop.serve.pdp.address import LONGEST_SOCKET_PATH, Address
from policyloop.serve.pdp.interface import PolicyVersion
from policyloop.serve.pdp.server import Server, entered, started
from policyloop.serve.pdp.settings import ConfigurationFile, PolicyDirectory, server_settings
from policyloop.validators.native import MEMORY_BYTES, environment, fence
from policyloop.validators.process import Limits
from policyloop.validators.select import open_native
from policyloop.validators.staging import lay_out, private_directory

PREFIX = "policyloop-pdp-"
_STORES = ("AWS_", "AZURE_", "CERBOS_", "GOOGLE_", "OTEL_", "SSL_CERT_")
"""Beginnings of the variables that Cerbos's stores and exporters read."""
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
_PLAIN = ("HOME", "PATH", "TZ", "TMPDIR", *_PROXIES)


@dataclass(frozen=True, slots=True)
class Plan:
    """What shall serve: its version but for the PDP's, and how it is started. Starting raises `Unavailable`."""

    version: PolicyVersion
    start: Callable[[], Awaitable[Server]]


def over_bundle(settings: PolicyDirectory, bundle: Bundle, version: PolicyVersion, *, docker: bool) -> Plan:
    """A PDP over a copy of `bundle` that nothing changes."""

    async def start() -> Server:
        if docker:
            from policyloop.serve.pdp.container import started_container

            return await started_container(settings, bundle)
        return await _native(settings, bundle)

    return Plan(version, start)


def with_configuration(settings: ConfigurationFile) -> Plan:
    """A PDP with Cerbos's own configuration file."""
    source = f"Cerbos's configuration {settings.config}"
    return Plan(PolicyVersion(source=source), lambda: _configured(settings))


async def _native(settings: PolicyDirectory, bundle: Bundle) -> Server:
    runner = await asyncio.to_thread(open_native, settings.version, settings.start_seconds)
    before = await asyncio.to_thread(fence)
    folder, left = await entered(_laid_out(settings, bundle))
    command = [str(runner.binary), "server", "--config=pdp.yaml", "--log-level=warn"]
    return await started(
        command,
        before=before,
        environment=environment(folder, Limits(0, 0, MEMORY_BYTES)),
        folder=folder,
        listens=(_socket(folder), left),
        memory_bytes=MEMORY_BYTES,
    )


@contextmanager
def _laid_out(settings: PolicyDirectory, bundle: Bundle) -> Iterator[Path]:
    """A private folder with the bundle and the configuration of a server that runs in it."""
    with private_directory(prefix=PREFIX) as folder:
        _socket(folder)
        lay_out(bundle, folder / "policies")
        # Names within the private folder, in which the server runs.
        config = server_config(server_settings(settings), policies="policies", http="unix:h.sock", grpc="unix:g.sock")
        try:
            (folder / "pdp.yaml").write_text(config, encoding="utf-8")
        except OSError as error:
            raise Unavailable(f"The PDP's configuration cannot be written: {error.strerror}.", "Make room.") from None
        yield folder


@contextmanager
def _folder() -> Iterator[Path]:
    with private_directory(prefix=PREFIX) as folder:
        _socket(folder)
        yield folder


def _socket(folder: Path) -> Address:
    path = os.fspath(folder / "h.sock")
    if len(os.fsencode(path)) > LONGEST_SOCKET_PATH:
        raise UsageError(f"The path {folder.parent} is too long for a socket in it.", "Set TMPDIR to a shorter one.")
    return Address(socket=path)


async def _configured(settings: ConfigurationFile) -> Server:
    config = settings.config.absolute()
    if not await asyncio.to_thread(config.is_file):
        raise UsageError(f"There is no file {settings.config}.", "Give Cerbos's configuration file.")
    runner = await asyncio.to_thread(open_native, settings.version, settings.start_seconds)
    before = await asyncio.to_thread(lambda: fence(online=True))
    folder, left = await entered(_folder())
    address = _socket(folder)
    listens = f"server.httpListenAddr=unix:{address.socket}", f"server.grpcListenAddr=unix:{folder / 'g.sock'}"
    # Where it is started decides what relative paths in it mean, as when a person starts it here.
    return await started(
        [str(runner.binary), "server", f"--config={config}", *(f"--set={entry}" for entry in listens)],
        before=before,
        environment=_given(settings.environment),
        folder=Path.cwd(),
        listens=(address, left),
        memory_bytes=None,
    )


def _given(named: tuple[str, ...]) -> dict[str, str]:
    """Our environment as far as Cerbos is given it: not the keys of a model, nor anything that nobody named."""
    given = {name: value for name, value in os.environ.items() if name in (*_PLAIN, *named) or name.startswith(_STORES)}
    return {**given, "CERBOS_NO_TELEMETRY": "1", "DO_NOT_TRACK": "1"}
