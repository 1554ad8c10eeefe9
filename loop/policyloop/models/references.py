"""The prompts that ship with the package: `prompts/*.md` at the root of the project, readable by a person."""

from functools import cache
from importlib.resources import files

from policyloop.findings import ErrorClass


def system() -> str:
    """What a model is, and the rules that hold in every turn."""
    return _read("system.md")


def reference(error_class: ErrorClass | None) -> str:
    """The Cerbos reference for one class of findings, or for a request when there are none."""
    return _read(f"{error_class.value if error_class else 'request'}.md")


@cache
def _read(name: str) -> str:
    return (files("policyloop.prompts") / name).read_text(encoding="utf-8")
