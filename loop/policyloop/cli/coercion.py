"""What the command line gives, as the values that commands take, without a third of the start-up.

Typer (seen: 0.27 to 0.29) has pydantic coerce each value, also one that was not given, and pydantic costs more to load
than all else that a short command needs. Words, paths, choices and parsers of our own need none of it. Whatever this
does not know for certain, or finds wrong, is left to Typer, whose words a person then reads.
"""

import os
from enum import Enum
from pathlib import Path
from typing import Any

from typer.core import TyperCommand, TyperGroup
from typer.models import ParameterInfo

_UNKNOWN = object()
_ATTRIBUTE = "_runtime_param"
"""Where Typer keeps how a parameter is coerced, once that is known. A Typer without it coerces as it likes."""


class LightCommand(TyperCommand):
    """A command whose values are coerced lightly."""

    def get_params(self, ctx: Any) -> Any:
        """Also the option that asks for help, which there is only for a context."""
        return _lightened(super().get_params(ctx))


class LightGroup(TyperGroup):
    """A group of commands, as `LightCommand`."""

    def get_params(self, ctx: Any) -> Any:
        """Also the option that asks for help."""
        return _lightened(super().get_params(ctx))


def _lightened(parameters: Any) -> Any:
    """The parameters, each with the light way before Typer's own."""
    for parameter in parameters:
        descriptor = getattr(parameter, "type_descriptor", None)
        if descriptor is not None and getattr(parameter, _ATTRIBUTE, _UNKNOWN) is None:
            setattr(parameter, _ATTRIBUTE, _Light(parameter, descriptor.annotation, descriptor.parameter_info))
    return parameters


class _Light:
    """The coercion of one parameter."""

    def __init__(self, parameter: Any, annotation: Any, info: ParameterInfo) -> None:
        self._parameter = parameter
        self._annotation = annotation
        self._info = info

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """The value as the command takes it. Raises what Typer, or the parameter's own parser, raises."""
        many = self._parameter.multiple or self._parameter.nargs == -1
        if value is None:
            return () if many else None
        light = _UNKNOWN if many else self._light(value)
        if light is not _UNKNOWN:
            return light
        setattr(self._parameter, _ATTRIBUTE, None)
        return self._parameter.get_runtime_param().coerce(value, param=param, ctx=ctx)

    def _light(self, value: Any) -> Any:
        if not isinstance(value, str):
            return _UNKNOWN
        if self._info.parser is not None:
            return self._info.parser(value)
        if self._annotation is str:
            return value
        if self._annotation is Path and not _has_demands(self._info) and _is_readable_or_new(value):
            return Path(value)
        if isinstance(self._annotation, type) and issubclass(self._annotation, Enum):
            return next((choice for choice in self._annotation if choice.value == value), _UNKNOWN)
        return _UNKNOWN


def _is_readable_or_new(path: str) -> bool:
    return os.access(path, os.R_OK) or not os.path.lexists(path)


def _has_demands(info: ParameterInfo) -> bool:
    """Whether the path must be there, or be a file, or anything else that is for Typer to look at."""
    return bool(info.exists or info.writable or info.resolve_path or info.allow_dash or info.path_type) or not (
        info.file_okay and info.dir_okay
    )
