"""An HTTP client for the Messages API that follows nobody elsewhere, and reads no answer without end."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from policyloop.errors import Unavailable

if TYPE_CHECKING:
    import httpx2

MAX_ANSWER_BYTES = 16 * 1_048_576
"""The most that is read of one answer: far above what the longest proposal takes, deltas and all."""


class AnswerTooLong(Exception):
    """An answer of more than `MAX_ANSWER_BYTES`."""

    def __init__(self) -> None:
        super().__init__(f"the answer has more than {MAX_ANSWER_BYTES} bytes")


def bounded_client(timeout: "httpx2.Timeout") -> "httpx2.Client":
    """The SDK's own client, with its defaults, in which each answer is counted as it comes.

    Nothing is compressed on the way: some kilobytes of gzip are half a gigabyte in memory before anybody can count
    them. A redirect is an answer like another: whoever is redirected to would get the prompt.
    """
    import httpx2
    from anthropic import DefaultHttpxClient

    class Counted(httpx2.SyncByteStream):
        """A stream of bytes that ends with an error when it gets too long."""

        def __init__(self, inner: httpx2.SyncByteStream) -> None:
            self._inner = inner

        def __iter__(self) -> Iterator[bytes]:
            count = 0
            for chunk in self._inner:
                count += len(chunk)
                if count > MAX_ANSWER_BYTES:
                    raise AnswerTooLong
                yield chunk

        def close(self) -> None:
            self._inner.close()

    def counted(response: httpx2.Response) -> None:
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in {"", "identity"}:
            raise Unavailable(
                f"{response.url.host} sends its answers compressed, though it was asked not to.",
                "Check ANTHROPIC_BASE_URL and the proxy settings.",
            )
        assert isinstance(response.stream, httpx2.SyncByteStream)
        response.stream = Counted(response.stream)

    client: httpx2.Client = DefaultHttpxClient(
        timeout=timeout,
        follow_redirects=False,
        headers={"accept-encoding": "identity"},
        event_hooks={"response": [counted]},
    )
    return client
