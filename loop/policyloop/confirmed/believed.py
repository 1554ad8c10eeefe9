"""Whether a person confirmed a spec: what the folder outside of every project holds, never the mark in the file alone.

The mark `confirmed` in a spec says by whom and when. Anybody who can write the file can write it, so it counts only
where this user's own folder (`policyloop.agreed`) holds the confirmation of exactly this content for exactly this
place, or where the digest was named in the environment by whoever runs a pipeline.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from policyloop import agreed
from policyloop.agreed import SPEC, agent_mark
from policyloop.errors import PersonNeeded, Unavailable
from policyloop.next_command import Next, policyloop
from policyloop.outside import NotOurs
from policyloop.specification import Spec

VARIABLE = "POLICYLOOP_CONFIRMED"
"""Digests of specs, with commas, that whoever starts a pipeline says are confirmed. Under an agent it counts not."""


def believed(spec: Spec, path: Path) -> Spec:
    """The spec, without its mark where no person's confirmation of it is known. Raises `Unavailable`."""
    if not spec.is_confirmed or spec.digest in _named():
        return spec
    try:
        known = agreed.agreed(SPEC, _folder(path), spec.digest)
    except NotOurs as error:
        raise _unusable(error) from None
    return spec if known else unconfirmed(spec)


def remember(spec: Spec, path: Path) -> None:
    """Keep that a person confirmed this spec, which bears the mark. Raises `Unavailable`."""
    assert spec.confirmed is not None
    try:
        agreed.agree(SPEC, _folder(path), spec.digest, by=spec.confirmed.by, at=spec.confirmed.at)
    except NotOurs as error:
        raise _unusable(error) from None


def by_itself(yes: bool) -> bool:  # noqa: FBT001
    """Whether `--yes` stands for a person's yes: not under an agent, which can write it as well."""
    return yes and agent_mark() is None


def no_terminal(asked: Mapping[str, object]) -> PersonNeeded:
    """A spec cannot be confirmed here. `asked`: what was given to `spec confirm`, by the options' names."""
    again = policyloop("spec", "confirm", **{**asked, "yes": False})
    mark = agent_mark()
    if mark is None:
        return PersonNeeded(
            "There is no terminal to ask on.",
            "Run it in one, or take your yes for given.",
            [Next(again, "in a terminal"), Next(policyloop("spec", "confirm", **{**asked, "yes": True}), "unasked")],
        )
    return PersonNeeded(
        f"There is no terminal to ask on, and under an agent ({mark} is set) --yes is nobody's yes.",
        "A person types it in a terminal of their own.",
        [Next(again, "a person, in a terminal")],
    )


def not_confirmed(spec: Spec, path: Path, policies: Path) -> PersonNeeded:
    """No person confirmed this spec as it is now."""
    return PersonNeeded(
        f"{path} is not confirmed as it is now: no confirmation of it by this user is known here.",
        "Show it to the person; only they confirm it "
        f"(a pipeline without an agent names its digest: {VARIABLE}={spec.digest}).",
        [Next(policyloop("spec", "confirm", policies=policies, named=path), "a person, in a terminal")],
    )


def _named() -> frozenset[str]:
    if agent_mark() is not None:
        return frozenset()
    return frozenset(part.strip() for part in os.environ.get(VARIABLE, "").split(",")) - {""}


def unconfirmed(spec: Spec) -> Spec:
    """The spec without its mark: a model cannot confirm anything, and an edit is confirmed anew."""
    changed: Spec = spec.model_copy(update={"confirmed": None})
    return changed


def _folder(path: Path) -> str:
    """The folder in which the file really lies."""
    return str(path.resolve().parent)


def _unusable(error: NotOurs) -> Unavailable:
    return Unavailable(
        f"What was confirmed cannot be looked up: {error}.", "Make that folder yours alone (chmod -R go-w)."
    )
