"""Which error class and code a message about *loading a file* gets: policies, suites and fixtures alike.

The choice, in one place. What counts is what is wrong with the text, not which stage of the compiler came upon it:

- `syntax`: the text does not parse. YAML or JSON that does not, CEL with a `Syntax error`, a schema that is no JSON.
- `schema`: it parses, and is not of the shape: unknown fields, bad values, failed validations, invalid JSON Schemas.
- `compile`: everything else of the first two stages. Each file is well, and together they are not.
- `test`: suites that parse, are of the shape and cannot be run, failing and erroring assertions, hollow greens.

The compiler reads suites only once all policies compile, so a `syntax` finding in a suite never hides one in a policy;
it comes before the failing assertions of other suites, because a suite that does not parse is mended first.

Source: Cerbos 0.55.0, observed (fixtures/compiler), and internal/parser and internal/policy of its source. A message of
kind 1 stands for both a text that does not parse and one of the wrong shape: only the latter's position has a `path`,
but for those in `_BROKEN`. A suite's error is bare text without a path, so there the words decide, and for words
nobody foresaw whether a YAML parser of ours can read the file.
"""

import re
from collections.abc import Callable
from enum import IntEnum

from policyloop.findings import ErrorClass


class Kind(IntEnum):
    """The `kind` of a load failure in the compiler's JSON."""

    NONE = 0
    PARSE = 1
    VALIDATION = 2


_BROKEN = (
    (re.compile(r"invalid document: contents are not valid YAML or JSON"), "not-yaml"),
    (re.compile(r"(unknown|duplicate) (anchor|alias) |not an alias$|expected map alias got "), "bad-anchor"),
    (re.compile(r"mapping key .* already defined at "), "duplicate-key"),
    (re.compile(r"invalid YAML string: use a literal or folded block"), "quoted-text"),
    (re.compile(r"panic: "), "parser-crash"),
)
_SHAPE = (
    (re.compile(r"unknown field "), "unknown-field"),
    (re.compile(r"invalid enum value"), "bad-enum"),
    (re.compile(r"duplicate field definition: |invalid value: oneof field is already set at "), "conflicting-fields"),
    (re.compile(r"(expected .* got |unexpected key type |unexpected (Null|Tag|Map|Seq|Alias|Anchor))"), "wrong-type"),
    (
        re.compile(r"(invalid|unexpected) (integer|float|boolean|timestamp|negative|duration|base64) ?value"),
        "bad-value",
    ),
    (re.compile(r"unknown scalar type"), "bad-value"),
    (re.compile(r"more than one YAML document detected"), "multiple-documents"),
    (re.compile(r"_schemas directory must be under the root"), "schemas-folder"),
    (re.compile(r"rule \S+ does not specify any roles or derived roles"), "rule-without-roles"),
    (re.compile(r"duplicate (rule name|action rule name|resource|derived role definition) "), "duplicate-name"),
    (re.compile(r"export \w+ policies do not support the deprecated top-level variables"), "variables-not-allowed"),
    (re.compile(r"[\w.\[\]]*: (value is required|exactly one field is required)"), "missing-value"),
)
_VALIDATION = re.compile(r"""[a-z]\w*(\.\w+|\[\d+\]|\["(?:[^"\\]|\\.)*"\])*: """)


def of_load_failure(message: str, kind: int, *, has_path: bool) -> tuple[ErrorClass, str]:
    """Class and code of a `load_failures` entry, from its message, its kind and whether its position has a path."""
    if code := _match(_BROKEN, message):
        return ErrorClass.SYNTAX, code
    if kind == Kind.PARSE and not has_path:
        return ErrorClass.SYNTAX, "unparsable"
    if code := _match(_SHAPE, message):
        return ErrorClass.SCHEMA, code
    if kind in (Kind.PARSE, Kind.VALIDATION):
        return ErrorClass.SCHEMA, "invalid-value"
    return ErrorClass.COMPILE, "other"


def of_suite_message(message: str, parses: Callable[[], bool]) -> tuple[ErrorClass, str]:
    """Class and code of one line of why a suite or a fixture file could not be loaded.

    `parses` tells whether the file is YAML at all; it is asked only when the words are new.
    """
    if code := _match(_BROKEN, message):
        return ErrorClass.SYNTAX, code
    if code := _match(_SHAPE, message):
        return ErrorClass.SCHEMA, code
    if _VALIDATION.match(message):
        return ErrorClass.SCHEMA, "invalid-value"
    return (ErrorClass.SCHEMA, "invalid-value") if parses() else (ErrorClass.SYNTAX, "unparsable")


def _match(table: tuple[tuple[re.Pattern[str], str], ...], message: str) -> str | None:
    return next((code for pattern, code in table if pattern.match(message)), None)
