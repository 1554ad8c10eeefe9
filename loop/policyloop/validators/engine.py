"""Talking to the Docker engine: connecting, and saying in one sentence what is wrong with it."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass

from docker import APIClient
from docker.constants import DEFAULT_UNIX_SOCKET
from docker.context import ContextAPI
from docker.errors import APIError, DockerException, ImageNotFound
from docker.utils import kwargs_from_env
from requests.exceptions import RequestException
from urllib3.exceptions import HTTPError

from policyloop.errors import Unavailable

_GREETING_SECONDS = 10
_CALL_SECONDS = 120
_START = "Start Docker, or use the native binary: --runner native."


class Gone(Unavailable):
    """The container is no more, and not by our doing; another one can be started."""


@dataclass(frozen=True, slots=True)
class Image:
    """An image that the engine has. `digest` is the repository's digest, or the image's id when it has none."""

    name: str
    id: str
    digest: str


def connect() -> APIClient:
    """A client for the engine that `DOCKER_HOST`, else the current Docker context, names.

    Raises `Unavailable` when none answers within 10 s.
    """
    address = _address()
    with spoken(address):
        named = kwargs_from_env()
        client = APIClient(
            base_url=named.get("base_url", address),
            tls=named.get("tls", False),
            version="auto",
            timeout=_GREETING_SECONDS,
            use_ssh_client=True,
        )
    client.timeout = _CALL_SECONDS
    return client


def find_image(client: APIClient, image: str) -> Image:
    """The image by its name. Raises `Unavailable` with how to get it when the engine does not have it."""
    with spoken(_address()):
        try:
            found = client.inspect_image(image)  # type: ignore[no-untyped-call]
        except ImageNotFound:
            raise Unavailable(
                f"The Docker engine does not have the image {image}.",
                f"policyloop doctor --install gets it, or: docker pull {image}",
            ) from None
    repository = image.partition("@")[0].rpartition(":")[0] or image
    digests = [name.partition("@")[2] for name in found.get("RepoDigests") or () if name.startswith(f"{repository}@")]
    return Image(image, found["Id"], digests[0] if digests else found["Id"])


@contextlib.contextmanager
def spoken(what: str = "") -> Iterator[None]:
    """Turn what the SDK and its HTTP library raise into `Unavailable` with one sentence, `Gone` for a container."""
    try:
        yield
    except APIError as error:
        if error.status_code in (404, 409):
            raise Gone("The container of the compiler is gone: something else stopped it.", "Run it again.") from None
        raise Unavailable(
            f"The Docker engine refused: {str(error.explanation or error).rstrip('.')}.", _START
        ) from None
    except (DockerException, RequestException, HTTPError, OSError, ValueError) as error:
        raise Unavailable(_sentence(error, what or _address()), _START) from None


def _sentence(error: Exception, address: str) -> str:
    causes = tuple(_chain(error))
    if any(isinstance(cause, PermissionError) for cause in causes):
        return f"This user may not use the Docker socket {address} (permission denied)."
    if any(isinstance(cause, FileNotFoundError | ConnectionError | TimeoutError) for cause in causes):
        return f"No Docker engine answers at {address}."
    return f"The Docker engine at {address} cannot be used: {str(error).splitlines()[0] if str(error) else error!r}"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error, what it was raised from, and what those libraries hide in its arguments."""
    seen: list[BaseException] = []
    todo = [error]
    while todo:
        one = todo.pop()
        if one is None or one in seen:
            continue
        seen.append(one)
        yield one
        todo += [one.__cause__, one.__context__, *(part for part in one.args if isinstance(part, BaseException))]


def _address() -> str:
    named = os.environ.get("DOCKER_HOST")
    if named:
        return named
    with contextlib.suppress(DockerException, OSError, ValueError):
        context = ContextAPI.get_current_context()
        if context is not None and context.Host:
            return str(context.Host)
    return str(DEFAULT_UNIX_SOCKET).replace("http+unix", "unix")
