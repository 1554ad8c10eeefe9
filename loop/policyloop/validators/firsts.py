"""What a name stood for when it was first used: an image's id under its tag, a binary's hash under its version.

A tag, or a version at a registry, can come to mean something else. The first one is taken at its name and kept, outside
of every project (`policyloop.agreed`); another one later is for a person. Where that folder was never written, or is
emptied, every use is the first one.
"""

from contextlib import suppress
from datetime import UTC, datetime

from policyloop import agreed
from policyloop.errors import PersonNeeded, Unavailable
from policyloop.next_command import Next, policyloop
from policyloop.outside import NotOurs

_SEEN = "seen"
"""In the place of a digest: the name was used before."""


def same_as_before(subject: str, digest: str) -> None:
    """Raises `PersonNeeded` when `subject` was another `digest` (`sha256:` and 64 hex) before that nobody agreed to.

    To be asked before anything of it runs. Raises `Unavailable` when what is kept cannot be believed.
    """
    if not is_known(subject, digest) and _is_kept(subject, _SEEN):
        raise PersonNeeded(
            f"The {subject} is another one than before: it is {digest} now, and nobody agreed to that.",
            "Get the one from before back; or look where this one is from, and agree to it (a pipeline without an "
            f"agent: {agreed.VARIABLE}={digest}).",
            [agreeing(subject, digest)],
        )


def keep_first(subject: str, digest: str) -> None:
    """Keep what `subject` is, when it is used for the first time and turned out to be what it should."""
    if _is_kept(subject, digest) or _is_kept(subject, _SEEN):
        return
    at = datetime.now(UTC).isoformat(timespec="seconds")
    # A home that cannot be written keeps nothing: there every use is the first one.
    with suppress(NotOurs):
        agreed.know(subject, digest, by="first use", at=at)
        agreed.know(subject, _SEEN, by="first use", at=at)


def is_known(subject: str, digest: str) -> bool:
    """Whether that is what it was before, or what somebody agreed to. Raises `Unavailable`."""
    return digest in agreed.given() or _is_kept(subject, digest)


def agreeing(subject: str, digest: str) -> Next:
    """What a person types to agree."""
    return Next(policyloop("agree", program=f"{subject}={digest}"), "a person, in a terminal")


def _is_kept(subject: str, digest: str) -> bool:
    try:
        return agreed.known(subject, digest) is not None
    except NotOurs as error:
        raise Unavailable(
            f"What was used before cannot be looked up: {error}.", "Make that folder yours alone."
        ) from None
