"""The server from its start to its end: what it needs is opened in the order in which a failure costs least."""

import asyncio
import contextlib
import resource
import signal
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import uvicorn

from policyloop.audit.log import Log
from policyloop.audit.store import StoreError
from policyloop.config import Config
from policyloop.config.serving import TlsConfig
from policyloop.errors import UsageError
from policyloop.identity import Identities
from policyloop.serve.app import application
from policyloop.serve.asking import pdp_settings
from policyloop.serve.lines import Lines
from policyloop.serve.listen import Listening, listening
from policyloop.serve.metrics import Metrics
from policyloop.serve.own_events import Own
from policyloop.serve.pdp import Pdp, PdpEvent, PolicyVersion, opened
from policyloop.serve.point import Point
from policyloop.serve.protocol import MOST_CONNECTIONS, BoundedProtocol
from policyloop.serve.recording import Recorder, opened_log
from policyloop.serve.who import ways_of

STOP_SECONDS = 15
"""That calls in flight get to be answered when the server is told to stop."""
IDLE_SECONDS = 600
"""After which a connection that nobody uses is closed. A client that would use it at that moment is refused by nobody
and blocks the tool, so it is long.
"""
_EVENTS: Mapping[str, Own] = {"refused": "PolicyRefused", "died": "PdpGone", "hung": "PdpGone", "lost": "PdpGone"}

Say = Callable[[str], None]


def serve(config: Config, folder: Path, say: Say) -> None:
    """Serve until a signal to end comes; then what is in flight is answered, and the log closed.

    Relative paths of the configuration are from `folder`. Raises `UsageError`, `StoreError`, `Unavailable`, and
    `PoliciesRefused` for policies that do not pass.
    """
    ways = ways_of(config.serve.identity)
    if config.serve.mode == "enforce" and config.serve.pdp is None:
        raise UsageError(
            "There is no policy to enforce.",
            "Name one in policyloop.yaml: serve: {pdp: {policies: DIR}}, or --observe.",
        )
    _check_tls(config.serve.tls, folder)
    _allow_connections()
    place = listening(config.serve.listen, tls=config.serve.tls is not None, folder=folder)
    with contextlib.closing(place), _log_of(config, folder) as log, contextlib.closing(Lines()) as lines:
        recorder = Recorder(log, config.serve.audit, config.serve.mode)
        asyncio.run(_served(_Parts(config, folder, place, recorder, lines, say), ways))


class _Parts:
    """What a running server is made of."""

    def __init__(
        self, config: Config, folder: Path, place: Listening, recorder: Recorder, lines: Lines, say: Say
    ) -> None:
        self.config, self.folder, self.place = config, folder, place
        self.recorder, self.lines, self.say = recorder, lines, say
        self.version = PolicyVersion()
        """The policies that were last told of."""


async def _served(parts: _Parts, ways: Identities) -> None:
    async with _pdp_of(parts) as pdp:
        if pdp is not None:
            parts.version = pdp.version()
        point = Point(parts.config.serve, ways, pdp, parts.recorder, Metrics(), parts.lines)
        server = uvicorn.Server(_uvicorn_config(point, parts.config.serve.tls, parts.folder))
        # A start that is not on record is none: what was decided before and after it could not be told apart.
        await parts.recorder.tell("ServerStart", _does(parts, pdp), parts.version, {"address": parts.place.address})
        later = asyncio.create_task(parts.recorder.fill_and_prune())
        _stop_by_signals(server)
        _greet(parts, pdp)
        # Its `serve` would take the signals for itself, and raise them again at the end.
        await server._serve([parts.place.socket])
        later.cancel()
        await parts.recorder.fill()
        with contextlib.suppress(StoreError):
            await parts.recorder.tell("ServerStop", "told to stop", parts.version, {})
        parts.lines.tell("stopped")


@asynccontextmanager
async def _pdp_of(parts: _Parts) -> AsyncIterator[Pdp | None]:
    config = parts.config.serve.pdp
    if config is None:
        yield None
        return
    serving: list[Pdp] = []

    def heard(event: PdpEvent) -> None:
        level = "info" if event.kind == "serving" else "error"
        parts.lines.tell("pdp", level, kind=event.kind, text=event.text)
        if not serving:
            return
        parts.version, before = serving[0].version(), parts.version
        kind: Own = _EVENTS.get(event.kind) or ("PolicyChanged" if parts.version != before else "PdpServing")
        parts.recorder.announce(kind, event.text, parts.version, {"before": before.digest})

    async with opened(pdp_settings(config, parts.config.cerbos, parts.folder), heard) as pdp:
        serving.append(pdp)
        yield pdp


def _uvicorn_config(point: Point, tls: TlsConfig | None, folder: Path) -> uvicorn.Config:
    config = uvicorn.Config(
        application(point),
        http=BoundedProtocol,
        ws="none",
        lifespan="off",
        loop="asyncio",
        log_config=None,
        access_log=False,
        server_header=False,
        # What a client writes into X-Forwarded-For is its own word: who asks is who is connected.
        proxy_headers=False,
        backlog=1_024,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    config.load()
    if tls is not None:
        config.ssl = _tls_context(tls, folder)
    return config


def _tls_context(tls: TlsConfig, folder: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(folder / tls.certificate, folder / tls.key, password=lambda: b"")
    if tls.client_ca is not None:
        context.load_verify_locations(folder / tls.client_ca)
        context.verify_mode = ssl.CERT_REQUIRED if tls.clients == "required" else ssl.CERT_OPTIONAL
    return context


def _check_tls(tls: TlsConfig | None, folder: Path) -> None:
    if tls is None:
        return
    try:
        _tls_context(tls, folder)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"serve.tls: the certificate, its key or the clients' authority cannot be used: {error}.",
            "Give files in PEM form, the key without a password.",
        ) from None


def _allow_connections() -> None:
    """As many open files as connections may be, where the system lets this process have them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + 200
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


@contextmanager
def _log_of(config: Config, folder: Path) -> Iterator[Log]:
    """The log, which is closed in any case; a store that does not come back is not waited for without end."""
    log = opened_log(config.serve.audit, folder)
    try:
        yield log
    finally:
        closing = threading.Thread(target=log.close, name="audit-close", daemon=True)
        closing.start()
        closing.join(STOP_SECONDS)


def _stop_by_signals(server: uvicorn.Server) -> None:
    """A polite signal ends the server when all is answered; a second one ends it at once."""
    loop = asyncio.get_running_loop()

    def stop() -> None:
        server.force_exit = server.should_exit
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)


def _does(parts: _Parts, pdp: Pdp | None) -> str:
    if pdp is None:
        return "observing: every call is recorded and let go, no policy is asked"
    if parts.config.serve.mode == "observe":
        return "observing: every call is decided, recorded and let go"
    return "enforcing: a call is let go when a policy allows it and its record is durable"


def _greet(parts: _Parts, pdp: Pdp | None) -> None:
    address = parts.place.address
    parts.say(f"{address} {_does(parts, pdp)}")
    parts.say(f"hooks ask there at /ext/claude; the record is {parts.config.serve.audit.store}")
    if not parts.place.on_loopback and parts.config.serve.tls is None:
        parts.say("WARNING: whoever reaches this address can read and change what is asked: there is no TLS")
    parts.lines.tell("started", address=address, mode=parts.config.serve.mode)
