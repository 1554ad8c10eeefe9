"""The prompts that ship with the package: `prompts/*.md` at the root of the project, readable by a person."""

from functools import cache
from importlib.resources import files

from policyloop.findings import ErrorClass
from policyloop.task import Stage


def system() -> str:
    """What a model is, and the rules that hold in every turn."""
    return _read("system.md")


def reference(error_class: ErrorClass | None, stage: Stage = "policies") -> str:
    """The reference for the stage: what a spec is, or Cerbos's own for one class of findings or for a request."""
    if stage == "spec":
        return _read("spec.md")
    return _read(f"{error_class.value if error_class else 'request'}.md")


def generating() -> str:
    """What to make of a confirmed spec: for every turn of a run that has one."""
    return _read("generate.md")


@cache
def _read(name: str) -> str:
    return (files("policyloop.prompts") / name).read_text(encoding="utf-8")
