"""`policyloop.yaml`: what a person tunes. Flags beat the environment, the environment beats the file.

Every key is optional. An unknown key is an error that names the nearest known one and its line. `profiles` holds named
partial configurations; `--profile NAME` lays one over the rest of the file.
"""

import difflib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from annotated_types import Gt, Interval, Len

from policyloop.budget import Budget
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
class Config:
    """All settings of one command."""

    cerbos: CerbosConfig = field(default_factory=CerbosConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    budget: Budget = field(default_factory=Budget)
    guard: GuardConfig = field(default_factory=GuardConfig)


Layer = dict[str, dict[str, Any]]
"""Section -> key -> value, as given by one source."""


def load(
    file: Path | None = None,
    *,
    profile: str | None = None,
    flags: Mapping[str, Mapping[str, object]] | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Config:
    """The configuration out of `file`, `profile`, the environment and `flags`. Raises `UsageError`."""
    layers: list[tuple[Layer, str]] = []
    if file is not None:
        layers.extend(_file_layers(file, profile))
    elif profile is not None:
        raise UsageError(f"--profile {profile}: there is no {FILE_NAME} that could define it.", "Give --config FILE.")
    layers.append((_environment(environ), "the environment"))
    given = {s: {k: v for k, v in keys.items() if v is not None} for s, keys in (flags or {}).items()}
    layers.append((given, "the command line"))
    if not any(keys for layer, _ in layers for keys in layer.values()):
        return Config()
    merged: Layer = {}
    for layer, _ in layers:
        for section, keys in layer.items():
            merged.setdefault(section, {}).update(keys)
    return _validated(merged, " or ".join(name for layer, name in reversed(layers) if layer))


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the file."""
    from pydantic import TypeAdapter

    schema = TypeAdapter(Config).json_schema()
    sections = dict(schema["properties"])
    definitions = schema.setdefault("$defs", {})
    for definition in definitions.values():
        definition["additionalProperties"] = False
    profile = {"type": "object", "properties": sections, "additionalProperties": False}
    definitions["Profile"] = profile
    schema["properties"]["profiles"] = {"type": "object", "additionalProperties": {"$ref": "#/$defs/Profile"}}
    schema["additionalProperties"] = False
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": FILE_NAME, **schema}


# --- the file ---------------------------------------------------------------------------------------------------


def _file_layers(file: Path, profile: str | None) -> Iterator[tuple[Layer, str]]:
    node = _compose(file)
    if node is None:
        root: dict[str, Any] = {}
    else:
        root = _mapping(node, file, (*_sections(), "profiles"), "")
    profiles = root.pop("profiles", None)
    base = _layer(root, file, "")
    yield base, str(file)
    known: dict[str, Any] = {}
    if profiles is not None:
        known = _mapping(profiles[1], file, None, "profiles")
    for name, (_, value) in known.items():
        where = f"profiles.{name}"
        layer = _layer(_mapping(value, file, tuple(_sections()), where), file, where)
        if name == profile:
            yield layer, str(file)
    if profile is not None and profile not in known:
        near = difflib.get_close_matches(profile, known, 1)
        hint = f"Did you mean {near[0]!r}?" if near else f"It defines: {', '.join(known) or 'none'}."
        raise UsageError(f"{file}: there is no profile {profile!r}.", hint)


def _compose(file: Path) -> yaml.Node | None:
    try:
        data = file.read_bytes()
        if len(data) > MAX_CONFIG_BYTES:
            raise UsageError(f"{file} has {len(data)} bytes; a configuration has at most {MAX_CONFIG_BYTES}.")
        node: yaml.Node | None = yaml.compose(data.decode(), Loader=yaml.SafeLoader)
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.", "Give a readable file to --config.") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is not UTF-8 at byte {error.start}.", "Save it as UTF-8.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise UsageError(f"{file}{line}: this is not YAML: {getattr(error, 'problem', error)}.") from None
    return node


def _mapping(
    node: yaml.Node, file: Path, known: tuple[str, ...] | None, where: str
) -> dict[str, tuple[int, yaml.Node]]:
    """Key -> (line, value node); unknown and repeated keys are errors with their line."""
    line = node.start_mark.line + 1
    name = where or "the file"
    if not isinstance(node, yaml.MappingNode):
        raise UsageError(f"{file}:{line}: {name} must hold keys with values.")
    found: dict[str, tuple[int, yaml.Node]] = {}
    for key, value in node.value:
        line, text = key.start_mark.line + 1, str(key.value)
        full = f"{where}.{text}" if where else text
        if text in found:
            raise UsageError(f"{file}:{line}: the key {full} stands here twice.")
        if known is not None and text not in known:
            near = difflib.get_close_matches(text, known, 1, 0.5)
            hint = f"Did you mean {near[0]!r}?" if near else f"Known here: {', '.join(known)}."
            raise UsageError(f"{file}:{line}: unknown key {full}.", hint)
        found[text] = (line, value)
    return found


def _layer(root: Mapping[str, tuple[int, yaml.Node]], file: Path, where: str) -> Layer:
    layer: Layer = {}
    for section, (_, node) in root.items():
        full = f"{where}.{section}" if where else section
        if isinstance(node, yaml.ScalarNode) and not node.value:
            continue
        keys = _mapping(node, file, _sections()[section], full)
        layer[section] = {key: _value(value) for key, (_, value) in keys.items()}
        for key, (line, _) in keys.items():
            _validated({section: {key: layer[section][key]}}, f"{file}:{line}")
    return layer


def _value(node: yaml.Node) -> object:
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_object(node, deep=True)
    except (yaml.YAMLError, ValueError):
        return node.value
    finally:
        loader.dispose()


def _sections() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for section in fields(Config):
        kind = section.type
        assert isinstance(kind, type)
        assert is_dataclass(kind)
        found[section.name] = tuple(f.name for f in fields(kind))
    return found


# --- the environment, and the last word -----------------------------------------------------------------------------


def _environment(environ: Mapping[str, str]) -> Layer:
    """`POLICYLOOP_<SECTION>_<KEY>`; a name that starts like one but is none is an error."""
    known = {f"POLICYLOOP_{s}_{k}".upper(): (s, k) for s, keys in _sections().items() for k in keys}
    prefixes = tuple(f"POLICYLOOP_{s}_".upper() for s in _sections())
    layer: Layer = {}
    for name, value in environ.items():
        if not name.startswith(prefixes):
            continue
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            raise UsageError(f"The environment variable {name} is unknown.", f"Did you mean {near[0]}?" if near else "")
        section, key = known[name]
        layer.setdefault(section, {})[key] = value
    return layer


def _validated(merged: Layer, source: str) -> Config:
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(Config).validate_python(merged)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"{source}: {where}: {first['msg']} (given: {first['input']!r}).") from None
