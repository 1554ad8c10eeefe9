"""The codes of findings that the compiler brings about, by class: a code has one meaning, and keeps it across releases.

`policyloop.cerbos.classes` and its neighbours choose among them. What is not the compiler's has codes of its own: those
of the lock (`policyloop.guard`), of a spec and of its draft (`policyloop.spec`).
"""

from collections.abc import Mapping
from types import MappingProxyType

from policyloop.findings import ErrorClass

CODES: Mapping[ErrorClass, frozenset[str]] = MappingProxyType(
    {
        ErrorClass.SYNTAX: frozenset(
            {
                "bad-anchor",
                "bad-json",
                "cel-syntax",
                "crash",
                "duplicate-key",
                "not-yaml",
                "parser-crash",
                "quoted-text",
                "unparsable",
            }
        ),
        ErrorClass.SCHEMA: frozenset(
            {
                "bad-enum",
                "bad-value",
                "conflicting-fields",
                "duplicate-name",
                "invalid-schema",
                "invalid-value",
                "missing-value",
                "multiple-documents",
                "rule-without-roles",
                "schemas-folder",
                "unknown-field",
                "variables-not-allowed",
                "wrong-type",
            }
        ),
        ErrorClass.COMPILE: frozenset(
            {
                "ambiguous-derived-role",
                "cel-check",
                "constant-redefined",
                "contradiction",
                "cyclical-variable-definitions",
                "disabled-policy",
                "duplicate-policy",
                "empty-output",
                "import-not-found",
                "invalid-compilation-unit",
                "invalid-constant-name",
                "invalid-resource-rule",
                "invalid-variable-name",
                "missing-import",
                "missing-policy-definition",
                "missing-schema",
                "missing-scope",
                "other",
                "scope-permissions-conflict",
                "script-condition",
                "undefined-constant",
                "undefined-variable",
                "unexpected-error",
                "unknown-derived-role",
                "unreadable-schema",
                "variable-redefined",
            }
        ),
        ErrorClass.TEST: frozenset(
            {
                "all-skipped",
                "bad-expectation",
                "compiler-error",
                "crash",
                "duplicate-test",
                "no-tests",
                "normal-only",
                "strict-only",
                "suite-unloadable",
                "test-error",
                "unknown-fixture",
                "wrong-effect",
                "wrong-output",
            }
        ),
    }
)
"""What is wrong with a bundle. Each has a case in `fixtures/compiler`."""

BREAKS: Mapping[ErrorClass, frozenset[str]] = MappingProxyType(
    {
        ErrorClass.SYNTAX: frozenset({"more", "out-of-memory"}),
        ErrorClass.SCHEMA: frozenset({"more", "out-of-memory"}),
        ErrorClass.COMPILE: frozenset(
            {"compiler-error", "crash", "flood", "more", "no-json", "out-of-memory", "timeout"}
        ),
        ErrorClass.TEST: frozenset({"more", "other", "out-of-memory", "passes-differ"}),
    }
)
"""What only a compiler brings about that breaks, or says what it never said: no bundle of ours does.

`more` stands for the findings beyond the bound of a report, and `crash` for one whose cause nobody found.
"""
