"""How a command ends: exit codes, and the errors that carry one.

    PolicyloopError            what is wrong, where, and what to do: one sentence, one exit code
    ├── UsageError        2    the command line, a config, spec or answers file, a directory we cannot read
    ├── PersonNeeded      5    files changed meanwhile, an open question: a person must decide
    └── Unavailable       8    no compiler, no engine, no model: the environment

How a *run* ends is not an error: it is an `Outcome`, a value (see `policyloop.controller`).
"""

from collections.abc import Sequence
from enum import IntEnum

from policyloop.next_command import Next


class Exit(IntEnum):
    """Exit codes of every command; scripts rely on them. 3 and 4 are Cerbos's own."""

    GREEN = 0
    FAULT = 1
    USAGE = 2
    COMPILE = 3
    TESTS = 4
    PERSON = 5
    WEAKENED = 6
    WIDER = 7
    ENVIRONMENT = 8
    INTERRUPTED = 130


class PolicyloopError(Exception):
    """An expected failure. Its text is shown as it is, without a traceback.

    `message` says what is wrong and where; `hint` says what to do about it; `next` are the commands that do it.
    """

    exit_code: Exit = Exit.FAULT

    def __init__(self, message: str, hint: str = "", next: Sequence[Next] = ()) -> None:  # noqa: A002
        self.message = message
        self.hint = hint
        self.next = tuple(next)
        super().__init__(f"{message} {hint}".strip())


class UsageError(PolicyloopError):
    """What the person gave cannot be used."""

    exit_code = Exit.USAGE


class PersonNeeded(PolicyloopError):
    """Only a person may decide how to go on."""

    exit_code = Exit.PERSON


class Unavailable(PolicyloopError):
    """Something around us is missing or does not answer: compiler, engine, model, disk."""

    exit_code = Exit.ENVIRONMENT
