"""What `policyloop run` and `policyloop demo` ask of a run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from policyloop.next_command import policyloop


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a person asked of `policyloop run`: each field is the option of that name."""

    words: str = ""
    policies: Path | None = None
    release: Path | None = None
    keep: bool = False
    config: Path | None = None
    profile: str | None = None
    state: Path | None = None
    resume: str | None = None
    junit: Path | None = None
    spec: Path | None = None
    no_spec: bool = False
    answers: Path | None = None
    assume: bool = False
    yes: bool = False
    by: str | None = None
    flags: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """Settings that stand above the configuration file's: section, then name, then value; None where none was given."""


_OF_THE_MODEL = {"command": "model_command", "name": "model"}
"""What options are called that are not called like the setting they stand for."""


def again(asked: Asked, **changed: object) -> str:
    """The whole command that asks for the same, but for what is `changed`: options by their names, None for without.

    `words` is the request. What nobody gave is not given now: the rule that found it finds it again.
    """
    options: dict[str, object] = {
        "policies": asked.policies,
        "spec": asked.spec,
        "no_spec": asked.no_spec,
        "release": asked.release,
        "answers": asked.answers,
        "assume": asked.assume,
        "yes": asked.yes,
        "by": asked.by,
        "config": asked.config,
        "profile": asked.profile,
        "state": asked.state,
        "resume": asked.resume,
        "junit": asked.junit,
    }
    for section, settings in asked.flags.items():
        for name, value in settings.items():
            if (section, name) != ("model", "kind"):
                options[_OF_THE_MODEL.get(name, name) if section == "model" else name] = value
    given = {**options, **changed}
    # On one line a command can be pasted; line breaks make no other request.
    words = " ".join(str(given.pop("words", asked.words)).split())
    return policyloop("run", named=words or None, **given)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the person said on the command line about the spec."""

    answers: Mapping[str, str]
    """The id of a question -> the id of an option, or words."""
    assume: bool = False
    yes: bool = False
    """Whether it counts as a person's yes: under an agent `--yes` does not."""
    by: str | None = None
