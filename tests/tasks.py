"""Tasks and findings for the tests of the models."""

from typing import Any

from policyloop.findings import ErrorClass, Finding
from policyloop.task import Task
from policyloop.usage import Left


def finding(**changes: Any) -> Finding:
    """A finding of class schema, or what `changes` make of it."""
    known: dict[str, Any] = {
        "error_class": ErrorClass.SCHEMA,
        "code": "unknown-field",
        "message": 'unknown field "rulez"',
        "file": "a.yaml",
        "line": 4,
        "column": 3,
    }
    return Finding(**{**known, **changes})


def task(**changes: Any) -> Task:
    """A task of class schema with plenty of budget, or what `changes` make of it."""
    known: dict[str, Any] = {
        "request": "",
        "error_class": ErrorClass.SCHEMA,
        "findings": (finding(),),
        "files": {"a.yaml": "a: 1\n"},
        "left": Left(attempts=3, cycles=10, tokens=400_000, usd=2.0, seconds=60.0),
    }
    return Task(**{**known, **changes})
