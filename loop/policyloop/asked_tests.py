"""Tests that a request asks for, such as "write native tests in policies/tests/invoice_test.yaml": are they there?

What is asked for is read off the request, not guessed: a path of a suite, or a folder that stands behind "tests in",
"tests under" and the like. A folder asks for one suite anywhere below it.
"""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from policyloop.bundle import Bundle
from policyloop.findings import ErrorClass, Finding, Report, Result

_SUITE = re.compile(r"(?<![\w./-])([\w./-]*\w_test\.(?:ya?ml|json))(?![\w/-])")
_FOLDER = re.compile(
    r"\btests?\s+(?:suites?\s+)?(?:in|into|under|to|at|below)\s+[`'\"]?((?:[\w.-]+/)+[\w.-]*)", re.IGNORECASE
)
_MOST = 10


@dataclass(frozen=True, slots=True)
class AskedFor:
    """The suites and folders that a request names, relative to the policy directory; and what lies outside of it."""

    suites: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()


def asked_tests(request: str, policies: str) -> AskedFor:
    """What a request asks for. `policies`: the name of the policy directory, with which paths may begin."""
    suites = list(dict.fromkeys(_SUITE.findall(request)))[:_MOST]
    folders = [found for found in dict.fromkeys(_FOLDER.findall(request)) if not found.endswith(_ENDINGS)][:_MOST]
    inside = {path: _inside(path, policies) for path in (*suites, *folders)}
    return AskedFor(
        suites=tuple(kept for path in suites if (kept := inside[path]) is not None),
        folders=tuple(kept for path in folders if (kept := inside[path]) is not None),
        outside=tuple(path for path, kept in inside.items() if kept is None),
    )


_ENDINGS = (".yaml", ".yml", ".json", ".yaml.", ".yml.", ".json.")


def _inside(path: str, policies: str) -> str | None:
    """The path within the policy directory; None for one that leads out of it."""
    parts = [part for part in PurePosixPath(path.rstrip(".")).parts if part != "."]
    if path.startswith("/") or ".." in parts:
        return None
    if parts and parts[0] == policies:
        parts = parts[1:]
    return "/".join(parts)


def missing_tests(asked: AskedFor, bundle: Bundle, report: Report) -> tuple[Finding, ...]:
    """A finding for each suite or folder that was asked for and in which no test ran and passed."""
    ran = {one.id.file for one in report.ran if one.result is Result.PASSED}
    lacking = [path for path in asked.suites if path not in ran]
    lacking += [
        f"{folder}/" for folder in asked.folders if not any(file.startswith(f"{folder}/") or not folder for file in ran)
    ]
    return tuple(
        Finding(
            error_class=ErrorClass.TEST,
            code="no-tests-asked-for",
            message=f"the request asks for tests in {path}, and none there ran and passed; write them",
            file=path if path in bundle else None,
        )
        for path in lacking
    )
