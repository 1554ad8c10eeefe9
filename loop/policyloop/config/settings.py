"""The settings of a command, each with its bounds, and how values from outside become settings."""

from dataclasses import dataclass, field, fields
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from annotated_types import Gt, Interval, Len

from policyloop.budget import Budget
from policyloop.cerbos.named import is_image, is_version
from policyloop.config.serving import ServeConfig
from policyloop.errors import UsageError

FILE_NAME = "policyloop.yaml"
CERBOS_VERSION = "0.55.0"
MAX_CONFIG_BYTES = 1_048_576


@dataclass(frozen=True, slots=True, kw_only=True)
class CerbosConfig:
    """Which compiler, and how it is run. `auto` takes Docker where an engine answers, else the native binary."""

    version: Annotated[str, Len(1)] = CERBOS_VERSION
    runner: Literal["auto", "docker", "native"] = "auto"
    image: Annotated[str, Len(1)] = f"ghcr.io/cerbos/cerbos:{CERBOS_VERSION}"
    timeout_seconds: Annotated[float, Gt(0), Interval(le=3600)] = 60.0

    def __post_init__(self) -> None:
        """Raises `ValueError` for a version or an image that is none: both become parts of paths and addresses."""
        if not is_version(self.version):
            raise ValueError(f"cerbos.version {self.version!r} is no version such as {CERBOS_VERSION}")
        if not is_image(self.image):
            raise ValueError(f"cerbos.image {self.image!r} is no image such as ghcr.io/cerbos/cerbos:{CERBOS_VERSION}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """Which model proposes. `name` and `max_output_tokens` are for `claude`, `command` is for `command`."""

    kind: Literal["claude", "command", "recorded"] = "claude"
    name: str | None = None
    max_output_tokens: Annotated[int, Interval(ge=256, le=200_000)] = 16_000
    command: str | None = None
    replay: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardConfig:
    """`require_tests`: a bundle in which no assertion runs is never green."""

    require_tests: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessConfig:
    """What a run does about access that got wider and that no rule of the spec asks for.

    `report` tells it; `ask` asks a person (exit 5 where there is none); `fail` ends in 7 and writes nothing. `prove`:
    `auto` asks the solver too, where it is installed. `requests`: the most that are asked of each of the two bundles.

    `unproved` is about changed rules of which neither engine knows whom they let in: `report` tells them; `ask` asks a
    person (exit 5 where there is none); `fail` ends in 5 and writes nothing, also where there is one. By default it is
    `report` where `wider` is, else `ask`. `compare: never` leaves the comparison out, and the run says so.
    """

    compare: Literal["always", "never"] = "always"
    wider: Literal["report", "ask", "fail"] = "report"
    unproved: Literal["report", "ask", "fail"] | None = None
    prove: Literal["auto", "off"] = "auto"
    requests: Annotated[int, Interval(ge=100, le=10_000_000)] = 6_000

    @property
    def about_unproved(self) -> Literal["report", "ask", "fail"]:
        """What is done about changed rules that were not covered."""
        return self.unproved or ("report" if self.wider == "report" else "ask")


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecConfig:
    """After green, small mistakes in the spec's rules show what nobody said; a person is asked about it.

    `mutants`: at most so many mistakes are tried, 0 for none; `seconds`: at most so long; `questions`: at most so many
    are asked.
    """

    mutants: Annotated[int, Interval(ge=0, le=1_000)] = 30
    seconds: Annotated[float, Interval(ge=0, le=3_600)] = 60.0
    questions: Annotated[int, Interval(ge=0, le=5)] = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All settings of one command."""

    cerbos: CerbosConfig = field(default_factory=CerbosConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    budget: Budget = field(default_factory=Budget)
    guard: GuardConfig = field(default_factory=GuardConfig)
    access: AccessConfig = field(default_factory=AccessConfig)
    spec: SpecConfig = field(default_factory=SpecConfig)
    serve: ServeConfig = field(default_factory=ServeConfig)


Layer = dict[str, dict[str, Any]]
"""Section -> key -> value, as given by one source."""


_SECTIONS: dict[str, Any] = {section.name: section.type for section in fields(Config)}


def sections() -> dict[str, tuple[str, ...]]:
    """Section -> the names of its settings."""
    return {name: tuple(setting.name for setting in fields(kind)) for name, kind in _SECTIONS.items()}


def setting_types(section: str) -> dict[str, Any]:
    """The types of a section's settings by their names."""
    return get_type_hints(_SECTIONS[section])


def validated(merged: Layer, source: str) -> Config:
    """The settings, each of its type and within its bounds. Raises `UsageError`."""
    if _holds_only_choices(merged):
        # `--runner native` is all that most commands are given: pydantic would cost more to load than they take.
        return Config(**{name: _SECTIONS[name](**keys) for name, keys in merged.items()})
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(Config).validate_python(merged)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{source}: {where}: {first['msg']} (given: {first['input']!r}).") from None


def _holds_only_choices(merged: Layer) -> bool:
    """Whether each value is one of the words that its setting lists, so that there is nothing to convert or bound."""
    for name, keys in merged.items():
        if name not in _SECTIONS:
            return False
        hints = get_type_hints(_SECTIONS[name])
        for key, value in keys.items():
            if get_origin(hints.get(key)) is not Literal or value not in get_args(hints[key]):
                return False
    return True
