"""`policyloop.yaml`: what a person tunes. Flags beat the environment, the environment beats the file.

Every key is optional. An unknown key is an error that names the nearest known one and its line. `profiles` holds named
partial configurations; `--profile NAME` lays one over the rest of the file.
"""

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from policyloop.agreed import agent_mark
from policyloop.config.naming import Named, named
from policyloop.config.settings import (
    CERBOS_VERSION,
    FILE_NAME,
    AccessConfig,
    CerbosConfig,
    Config,
    GuardConfig,
    Layer,
    ModelConfig,
    SpecConfig,
    sections,
    validated,
)
from policyloop.errors import UsageError

__all__ = [
    "CERBOS_VERSION",
    "FILE_NAME",
    "AccessConfig",
    "CerbosConfig",
    "Config",
    "GuardConfig",
    "ModelConfig",
    "Named",
    "SpecConfig",
    "json_schema",
    "load",
    "load_named",
]


def load(
    file: Path | None = None,
    *,
    profile: str | None = None,
    flags: Mapping[str, Mapping[str, object]] | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Config:
    """The configuration out of `file`, `profile`, the environment and `flags`. Raises `UsageError`.

    Whether a person agreed to what the file names is for the caller to see (`load_named`).
    """
    return load_named(file, profile=profile, flags=flags, environ=environ)[0]


def load_named(
    file: Path | None = None,
    *,
    profile: str | None = None,
    flags: Mapping[str, Mapping[str, object]] | None = None,
    environ: Mapping[str, str] = os.environ,
) -> tuple[Config, tuple[Named, ...]]:
    """As `load`, and with what the file names to be run, fetched or read. Raises `UsageError`.

    Under an agent what the environment names counts as the file's: a project's settings may have set it.
    """
    layers: list[tuple[Layer, str]] = []
    if file is not None:
        from policyloop.config.file import file_layers

        layers.extend(file_layers(file, profile))
    elif profile is not None:
        raise UsageError(f"--profile {profile}: there is no {FILE_NAME} that could define it.", "Give --config FILE.")
    layers.append((_environment(environ), "the environment"))
    given = {s: {k: v for k, v in keys.items() if v is not None} for s, keys in (flags or {}).items()}
    layers.append((given, "the command line"))
    if not any(keys for layer, _ in layers for keys in layer.values()):
        return Config(), ()
    merged = _merged([layer for layer, _ in layers])
    config = validated(merged, " or ".join(name for layer, name in reversed(layers) if layer))
    words_of_a_person = 1 if agent_mark(dict(environ)) else 2
    over = _merged([layer for layer, _ in layers[-words_of_a_person:]])
    written = _merged([layer for layer, _ in layers[:-words_of_a_person]])
    left = {s: {k: v for k, v in keys.items() if k not in over.get(s, {})} for s, keys in written.items()}
    return config, named(config, left, file.resolve().parent if file else Path.cwd())


def _merged(layers: list[Layer]) -> Layer:
    merged: Layer = {}
    for layer in layers:
        for section, keys in layer.items():
            merged.setdefault(section, {}).update(keys)
    return merged


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
    named = "The policy directory, below this file; ./policies by default. What is given on the command line beats it."
    schema["properties"]["policies"] = {"type": "string", "minLength": 1, "description": named}
    schema["additionalProperties"] = False
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": FILE_NAME, **schema}


def _environment(environ: Mapping[str, str]) -> Layer:
    """`POLICYLOOP_<SECTION>_<KEY>`; a name that starts like one but is none is an error."""
    known = {f"POLICYLOOP_{s}_{k}".upper(): (s, k) for s, keys in sections().items() for k in keys}
    prefixes = tuple(f"POLICYLOOP_{s}_".upper() for s in sections())
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
