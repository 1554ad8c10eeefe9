"""Talking to the Docker engine: connecting, and saying in one sentence what is wrong with it."""

import contextlib
import hashlib
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

from policyloop.agreed import agent_mark
from policyloop.errors import PersonNeeded, Unavailable
from policyloop.outside import project_around
from policyloop.validators.firsts import agreeing, is_known, keep_first, same_as_before

_GREETING_SECONDS = 10
_CALL_SECONDS = 120
_START = "Start Docker, or use the native binary: --runner native."
_PERMIT = "Add the user to the group docker, or use the native binary: --runner native."


class NoEngine(Unavailable):
    """Nothing answers where the engine should be."""


class ImageAbsent(Unavailable):
    """The engine answers, but does not have the image."""


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

    Raises `Unavailable` when none answers within 10 s, and `PersonNeeded` as `_vouched_for` says.
    """
    _vouched_for(address())
    with spoken():
        named = kwargs_from_env()
        client = APIClient(
            base_url=named.get("base_url", address()),
            tls=named.get("tls", False),
            # An engine that is older than the SDK refuses the SDK's own version of the API.
            version="auto",
            timeout=_GREETING_SECONDS,
            use_ssh_client=True,
        )
    # Saying hello must be quick; a copy of a large bundle may take its time.
    client.timeout = _CALL_SECONDS
    return client


def _vouched_for(engine: str) -> None:
    """Raises `PersonNeeded` under an agent for an engine elsewhere that nobody agreed to.

    A project's settings set an agent's variables (seen: `DOCKER_HOST`), and an engine can answer whatever it likes. A
    socket of this machine outside of every project came with no clone.
    """
    mark = agent_mark()
    if mark is None or (engine.startswith("unix://") and not project_around(engine.removeprefix("unix://"))):
        return
    subject = f"Docker engine {engine}"
    digest = f"sha256:{hashlib.sha256(engine.encode()).hexdigest()}"
    if not is_known(subject, digest):
        raise PersonNeeded(
            f"The environment names the Docker engine {engine}; under an agent ({mark} is set) nobody vouches for it.",
            "Unset DOCKER_HOST and the like, take --runner native, or agree to it.",
            [agreeing(subject, digest)],
        )


def has_image(client: APIClient, image: str) -> bool:
    """Whether the engine has an image of that name."""
    try:
        find_image(client, image)
    except ImageAbsent:
        return False
    return True


def find_image(client: APIClient, image: str) -> Image:
    """The image by its name. Raises `ImageAbsent` with how to get it when the engine does not have it."""
    with spoken():
        try:
            found = client.inspect_image(image)  # type: ignore[no-untyped-call]
        except ImageNotFound:
            raise ImageAbsent(
                f"The Docker engine does not have the image {image}.",
                f"policyloop doctor --install gets it, or: docker pull {image}",
            ) from None
    repository = image.partition("@")[0].rpartition(":")[0] or image
    # An image that was built here, or loaded from a file, has none.
    digests = [name.partition("@")[2] for name in found.get("RepoDigests") or () if name.startswith(f"{repository}@")]
    return Image(image, found["Id"], digests[0] if digests else found["Id"])


def same_image(client: APIClient, image: str) -> Image:
    """As `find_image`; raises `PersonNeeded` when it is another one under its tag than the first time.

    A reference with a digest is what it says.
    """
    found = find_image(client, image)
    if "@" not in image:
        same_as_before(f"image {image}", found.id)
    return found


def keep_image(image: Image) -> None:
    """Keep which image a tag stands for, once it turned out to be what it should."""
    if "@" not in image.name:
        keep_first(f"image {image.name}", image.id)


def engine_version(client: APIClient) -> str:
    """The engine's own version, such as `20.10.24`."""
    with spoken():
        return str(client.version(api_version=False)["Version"])


def pull(client: APIClient, image: str) -> None:
    """Have the engine pull `image`. Raises `Unavailable` with the engine's reason when it cannot."""
    with spoken():
        try:
            said = client.pull(image, stream=True, decode=True)
            reason = next((event["error"] for event in said if "error" in event), None)
        except APIError as error:
            reason = str(error.explanation or error)
    if reason is not None:
        line = " ".join(str(reason).split())
        raise Unavailable(f"The Docker engine cannot pull {image}: {line.rstrip('.')}.", _START)


@contextlib.contextmanager
def spoken() -> Iterator[None]:
    """Turn what the SDK and its HTTP library raise into `Unavailable` with one sentence, `Gone` for a container."""
    try:
        yield
    except APIError as error:
        # Not there, or not running: whatever removes containers on this machine was quicker.
        if error.status_code in (404, 409):
            raise Gone("The container of the compiler is gone: something else stopped it.", "Run it again.") from None
        raise Unavailable(
            f"The Docker engine refused: {str(error.explanation or error).rstrip('.')}.", _START
        ) from None
    except (DockerException, RequestException, HTTPError, OSError, ValueError) as error:
        causes = tuple(_chain(error))
        if any(isinstance(cause, PermissionError) for cause in causes):
            raise Unavailable(f"This user may not use the Docker socket {address()}.", _PERMIT) from None
        if any(isinstance(cause, FileNotFoundError | ConnectionError | TimeoutError) for cause in causes):
            raise NoEngine(f"No Docker engine answers at {address()}.", _START) from None
        said = " ".join(str(error).split()) or repr(error)
        raise Unavailable(f"The Docker engine at {address()} cannot be used: {said.rstrip('.')}.", _START) from None


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


def address() -> str:
    """Where the engine is looked for, as `DOCKER_HOST` would say it."""
    named = os.environ.get("DOCKER_HOST")
    if named:
        return named
    with contextlib.suppress(DockerException, OSError, ValueError):
        context = ContextAPI.get_current_context()
        if context is not None and context.Host:
            return str(context.Host)
    return str(DEFAULT_UNIX_SOCKET).replace("http+unix", "unix")
