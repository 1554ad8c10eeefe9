"""The prompts that ship with the package: `prompts/*.md` at the root of the project, readable by a person."""

from functools import cache
from importlib.resources import files

from policyloop.findings import ErrorClass
from policyloop.task import Stage

NAMES = ("spec", "policies", "request", "generate", "syntax", "schema", "compile", "test")


def system() -> str:
    """What a model is, and the rules that hold in every turn of every stage: the prefix that all requests share."""
    return text("system")


def needed(error_class: ErrorClass | None, stage: Stage = "policies", *, confirmed: bool = False) -> tuple[str, ...]:
    """The references for a turn, by name: what a spec is, or how policies decide, and what belongs to the class.

    `confirmed`: the policies are made from a confirmed spec, whose decisions are the tests.
    """
    if stage == "spec":
        return ("spec",)
    if error_class in (None, ErrorClass.TEST):
        if confirmed:
            return ("policies", "generate")
        return ("policies", "test" if error_class else "request")
    assert error_class is not None
    return (error_class.value, "generate") if confirmed else (error_class.value,)


@cache
def text(name: str) -> str:
    """The prompt of that name."""
    return (files("policyloop.prompts") / f"{name}.md").read_text(encoding="utf-8")
