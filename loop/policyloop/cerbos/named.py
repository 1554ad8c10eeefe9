"""Names of Cerbos's releases and of images, as far as they may come from a file: nothing that is a path or a place."""

import re

_VERSION = re.compile(r"\d{1,4}\.\d{1,4}\.\d{1,4}")
_PART = r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*"
_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.?)+(?::\d{1,5})?"
_IMAGE = re.compile(
    rf"(?P<repository>(?:{_HOST}/)?{_PART}(?:/{_PART})*)(?::(?P<tag>\w[\w.-]{{0,127}}))?"
    r"(?:@(?P<digest>sha256:[0-9a-f]{64}))?",
    re.ASCII,
)
MAX_IMAGE = 512


def is_version(text: str) -> bool:
    """Whether it is a release's version, three numbers with dots between them: no path, range, tag or address."""
    return text.isascii() and _VERSION.fullmatch(text) is not None


def is_image(text: str) -> bool:
    """Whether it is a reference of an image as the engine parses it: `[host/]path[:tag][@sha256:...]`."""
    return len(text) <= MAX_IMAGE and _IMAGE.fullmatch(text) is not None
