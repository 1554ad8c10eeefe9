"""`policyloop.yaml` as it is written: layers of settings, and errors that name the line and the nearest key."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

import yaml

from policyloop.config.settings import MAX_CONFIG_BYTES, Layer, sections, setting_types, validated
from policyloop.errors import UsageError

POLICIES = "policies"
"""The key that names the policy directory."""


def policies_named(file: Path) -> Path | None:
    """The policy directory that a configuration names, beside it or below; None where it names none.

    Raises `UsageError` with the line for one that is outside of the project, hidden, or the project itself: a model
    writes there.
    """
    node = _compose(file)
    root = _mapping(node, file, (*sections(), "profiles", POLICIES), "") if node is not None else {}
    if POLICIES not in root:
        return None
    line, value = root[POLICIES]
    text = value.value if isinstance(value, yaml.ScalarNode) else ""
    parts = Path(text).parts
    folder = file.resolve().parent
    inside = bool(parts) and not Path(text).is_absolute() and not any(part.startswith(".") for part in parts)
    if not inside or not (folder / text).resolve().is_relative_to(folder) or (folder / text).resolve() == folder:
        raise UsageError(
            f"{file}:{line}: policies: {text or 'nothing'} is no folder within the project.",
            "Name one below this file, such as policies.",
        )
    return file.parent / text


def file_layers(file: Path, profile: str | None) -> Iterator[tuple[Layer, str]]:
    node = _compose(file)
    if node is None:
        root: dict[str, Any] = {}
    else:
        root = _mapping(node, file, (*sections(), "profiles", POLICIES), "")
    root.pop(POLICIES, None)
    profiles = root.pop("profiles", None)
    base = _layer(root, file, "")
    yield base, str(file)
    known: dict[str, Any] = {}
    if profiles is not None:
        known = _mapping(profiles[1], file, None, "profiles")
    for name, (_, value) in known.items():
        where = f"profiles.{name}"
        layer = _layer(_mapping(value, file, tuple(sections()), where), file, where)
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
    except RecursionError:
        raise UsageError(f"{file}: nested too deep.") from None
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
        keys = _mapping(node, file, sections()[section], full)
        for key, (_, value) in keys.items():
            _check_keys(value, setting_types(section)[key], file, f"{full}.{key}")
        layer[section] = {key: _value(value) for key, (_, value) in keys.items()}
        for key, (line, _) in keys.items():
            validated({section: {key: layer[section][key]}}, f"{file}:{line}")
    return layer


def _check_keys(node: yaml.Node, kind: object, file: Path, where: str) -> None:
    """Raise `UsageError` for an unknown or repeated key below a setting that has keys of its own."""
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            for item_kind in get_args(kind):
                _check_keys(item, item_kind, file, where)
    if not isinstance(node, yaml.MappingNode):
        return
    for dataclass in (kind, *get_args(kind)):
        if is_dataclass(dataclass):
            kinds = get_type_hints(dataclass)
            for key, (_, value) in _mapping(node, file, tuple(kinds), where).items():
                _check_keys(value, kinds[key], file, f"{where}.{key}")


def _value(node: yaml.Node) -> object:
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_object(node, deep=True)
    except (yaml.YAMLError, ValueError, LookupError, ArithmeticError, AttributeError):  # `!!bool maybe`, `!!int ""`
        return node.value
    finally:
        loader.dispose()
