"""`cerbos server` in a container that is gone afterwards; the bundle is copied in.

Where the engine runs on this Linux, the container has no network at all, and the one thing mounted into it is an empty
private folder for the socket that it listens on. Elsewhere (a virtual machine, a remote engine) a socket cannot be
shared: there a port of loopback leads to it.
"""

import io
import sys
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from docker import APIClient
from docker.errors import DockerException
from docker.types import Healthcheck
from requests.exceptions import RequestException

from policyloop.access.pdp.door import Door
from policyloop.access.pdp.native import Serving
from policyloop.access.pdp.settings import Settings, server_config
from policyloop.bundle import Bundle
from policyloop.errors import Unavailable
from policyloop.findings import CompilerInfo
from policyloop.validators.container import BINARY, OWNER_LABEL, PIDS, POLICIES, USER, sweep
from policyloop.validators.docker import MEMORY_BYTES
from policyloop.validators.engine import Image, address, connect, keep_image, same_image, spoken
from policyloop.validators.native import DEAD_PROXY
from policyloop.validators.owner import this_process
from policyloop.validators.staging import private_directory, staged_paths

_PORT = 3592
_SOCKETS = "/sockets"
_LOG_LINES = 200


@contextmanager
def serve(bundle: Bundle, settings: Settings) -> Iterator[tuple[CompilerInfo, Serving]]:
    """A server over a copy of `bundle` in a container of its own, which is gone afterwards.

    Raises `Unavailable` when there is no engine or no image, or when the container cannot be started, and
    `PersonNeeded` when the image is another one under its tag than before.
    """
    with ExitStack() as stack:
        client = stack.enter_context(closing(connect()))
        image = same_image(client, settings.image)
        sweep(client)
        shared = _shared_folder(stack) if sys.platform == "linux" and address().startswith("unix:") else None
        with spoken():
            config = _config(client, image, shared)
            container = str(client.create_container_from_config(config)["Id"])  # type: ignore[no-untyped-call]
        stack.callback(_remove, client, container)
        with spoken():
            client.put_archive(container, POLICIES, _archive(bundle, settings, shared))
            client.start(container)
        keep_image(image)
        door = Door(shared / "h.sock") if shared else _port(client, container)
        yield CompilerInfo(settings.version, "docker", image.digest), (door, lambda: _ended(client, container))


def _shared_folder(stack: ExitStack) -> Path:
    """A folder that the container's user can write, in one that only we can enter."""
    shared = stack.enter_context(private_directory()) / "sockets"
    shared.mkdir()
    shared.chmod(0o777)
    return shared


def _remove(client: APIClient, container: str) -> None:
    with suppress(DockerException, RequestException, OSError):
        client.remove_container(container, v=True, force=True)


def _port(client: APIClient, container: str) -> Door:
    """The port that the engine chose, on the machine where the engine is."""
    with spoken():
        ports = client.inspect_container(container)["NetworkSettings"]["Ports"] or {}
    bound = ports.get(f"{_PORT}/tcp") or ()
    if not bound:
        raise Unavailable("The container of the PDP ended at once, or the engine gave it no port.", "Run it again.")
    engine = urlsplit(client.base_url)
    there = engine.hostname if engine.scheme in ("http", "https") and engine.hostname else ""
    local = there in ("", "localhost", "localunixsocket") or client.base_url.startswith("http+docker")
    return Door(host="127.0.0.1" if local else there, port=int(bound[0]["HostPort"]))


def _ended(client: APIClient, container: str) -> str | None:
    with spoken():
        if client.inspect_container(container)["State"]["Running"]:
            return None
        return bytes(client.logs(container, tail=_LOG_LINES)).decode("utf-8", "replace")


def _config(client: APIClient, image: Image, shared: Path | None) -> dict[str, Any]:
    reached = (
        {"network_mode": "none", "binds": {str(shared): {"bind": _SOCKETS, "mode": "rw"}}}
        if shared
        else {"port_bindings": {_PORT: ("127.0.0.1", None)}}
    )
    host = client.create_host_config(
        **reached,
        read_only=True,
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
        mem_limit=MEMORY_BYTES,
        memswap_limit=MEMORY_BYTES,
        pids_limit=PIDS,
        ipc_mode="none",
    )
    return dict(
        client.create_container_config(
            image.id,
            ["server", f"--config={POLICIES}/pdp.yaml", "--log-level=warn"],
            entrypoint=[BINARY],
            user=USER,
            network_disabled=shared is not None,
            detach=True,
            working_dir="/",
            ports=None if shared else [_PORT],
            volumes=[POLICIES],
            labels={OWNER_LABEL: this_process()},
            environment={
                "CERBOS_NO_TELEMETRY": "1",
                "DO_NOT_TRACK": "1",
                "GOGC": "400",
                "GOMEMLIMIT": str(MEMORY_BYTES * 3 // 4),
                "HTTP_PROXY": DEAD_PROXY,
                "HTTPS_PROXY": DEAD_PROXY,
            },
            healthcheck=Healthcheck(test=["NONE"]),
            host_config=host,
        )
    )


def _archive(bundle: Bundle, settings: Settings, shared: Path | None) -> bytes:
    http, grpc = (f"unix:{_SOCKETS}/{name}.sock" for name in "hg") if shared else (f":{_PORT}", ":3593")
    config = server_config(settings, policies=f"{POLICIES}/bundle", http=http, grpc=grpc)
    files = {"pdp.yaml": config, **{f"bundle/{path}": bundle[path] for path in staged_paths(bundle)}}
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as archive:
        top = tarfile.TarInfo("bundle")
        top.type, top.mode = tarfile.DIRTYPE, 0o755
        archive.addfile(top)
        for path, text in files.items():
            data = text.encode()
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(data), 0o444
            archive.addfile(entry, io.BytesIO(data))
    return whole.getvalue()
