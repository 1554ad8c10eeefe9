"""The real compiler over every case of fixtures/compiler: right class, right code, nothing dropped."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from compiler_cases import INFO, Case, case_names
from goldens import Golden
from policyloop.bundle import Bundle
from policyloop.cerbos import compiled
from policyloop.cerbos.lint import KEYS
from policyloop.cerbos.read import read_report
from policyloop.cerbos.run import CompilerRun, Runner
from policyloop.cerbos.text import one_line
from policyloop.cerbos.why import explain, filters_for
from policyloop.codes import codes
from policyloop.findings import Finding, Report

ERRORS = {*compiled.ERRORS, "invalid expression", "invalid schema", "scripts in conditions are no longer supported"}
"""All that `compileErrors` is known to hold."""
PLAYED = {"flood", "more", "no-json", "out-of-memory", "passes-differ", "timeout"}
"""What takes a compiler that breaks: `test_compiler_broken.py`."""
OF_A_REQUEST = {"no-tests-asked-for"}
"""What is found in a request, not by the compiler: `test_asked_tests.py`."""
IN_TWO_CLASSES = {("test", "crash")}
"""Beside the class under which docs/codes/compiler.md has the code."""
SHOWN_LINE = re.compile(r"^> +(\d+) \|", re.MULTILINE)
SUITE_PREFIX = re.compile(r"^\d+:\d+ |^failed to load test fixtures from \S+ failed to load [a-z ]+: ")


@pytest.mark.parametrize("name", case_names())
def test_case(name: str, cerbos: Runner, golden: Golden) -> None:
    case = Case(name)
    runs = case.runs(cerbos)
    report = explained(case, read_report(INFO, *runs, case.bundle()), cerbos)
    golden(case.golden, told(report, runs))
    assert report.green == name.startswith("green")
    for run in runs:
        assert_nothing_dropped(run, report)
    for finding in report.findings:
        assert_fit_to_be_shown(finding, case.bundle())


@pytest.mark.parametrize("name", ["syntax-bad-indent", "schema-unknown-field", "compile-many", "compile-missing-scope"])
def test_what_both_passes_say_is_said_once(name: str, cerbos: Runner) -> None:
    case = Case(name)
    with cerbos.stage(case.bundle()) as staged:
        runs = staged.compile(), staged.compile(strict=True)
    assert told(read_report(INFO, *runs, case.bundle()), runs) == json.loads(case.golden.read_text())


def test_the_name_of_a_case_tells_its_class() -> None:
    for name in case_names():
        stage, _, rest = name.partition("-")
        found = json.loads(Case(name).golden.read_text())["next_class"]
        if stage in ("suite", "fixture") and rest.startswith(("syntax", "schema")):
            stage = rest.partition("-")[0]
        if stage in ("syntax", "schema", "compile", "test", "hollow", "green"):
            wanted = {"hollow": "test", "green": None}.get(stage, stage)
            assert found == ("syntax" if name == "compile-many" else wanted), name


def test_every_known_message_and_code_has_a_case() -> None:
    kinds: set[str] = set()
    recorded: set[tuple[str, str]] = set()
    for name in case_names():
        golden = json.loads(Case(name).golden.read_text())
        kinds.update(golden["kinds"])
        recorded.update((finding["class"], finding["code"]) for finding in golden["findings"])
    assert {f"lint: {key}" for key in KEYS} | {f"compile: {error}" for error in ERRORS} <= kinds
    explained_as = {(code.group, code.name) for code in codes() if code.kind == "compiler"}
    assert recorded - IN_TWO_CLASSES == {pair for pair in explained_as if pair[1] not in PLAYED | OF_A_REQUEST}
    assert recorded >= IN_TWO_CLASSES
    assert {name for _, name in explained_as} >= PLAYED | OF_A_REQUEST


def explained(case: Case, report: Report, cerbos: Runner) -> Report:
    filters = filters_for(report.findings)
    if case.constructed or not filters:
        return report
    with cerbos.stage(case.bundle()) as staged:
        traces = [staged.compile(strict=strict, verbose=True, filters=filters) for strict in (False, True)]
    return explain(report, *traces, case.bundle())


def told(report: Report, runs: tuple[CompilerRun, CompilerRun]) -> dict[str, Any]:
    """What is recorded of a case: the kinds of message that the compiler wrote, and what became of them."""
    findings = [
        {
            "class": f.error_class.value,
            "code": f.code,
            "file": f.file,
            "line": f.line,
            "column": f.column,
            "message": f.message,
            **({"why": list(f.why)} if f.why else {}),
        }
        for f in report.findings
    ]
    return {
        "next_class": report.next_class.value if report.next_class else None,
        "kinds": sorted({kind for run in runs for kind, _, _ in said(run)}),
        "findings": findings,
    }


def assert_nothing_dropped(run: CompilerRun, report: Report) -> None:
    facts = {(file, words) for _, file, words in said(run)}
    for file, words in facts:
        assert any(words in f.message and file in (None, f.file) for f in report.findings), (file, words)
    assert len(report.findings) >= len(facts)
    assert [str(one.id) for one in report.ran] == [str(one.id) for one in report.ran_strict]


def assert_fit_to_be_shown(finding: Finding, bundle: Bundle) -> None:
    shown = (finding.message, *finding.why, *(finding.excerpt or "").split("\n"))
    assert all(line.isprintable() for line in shown)
    assert len(finding.excerpt or "") < 4200
    if finding.line is not None and finding.file in bundle:
        assert SHOWN_LINE.findall(finding.excerpt or "") == [str(finding.line)]


def said(run: CompilerRun) -> Iterator[tuple[str, str | None, str]]:
    """Each thing that a raw JSON says is wrong: its kind, the file it names, and words that its finding must hold."""
    data = json.loads(run.stdout or b"{}")
    for key, entries in (data.get("lintErrors") or {}).items():
        for entry in entries or []:
            yield f"lint: {key}", *lint_fact(key, entry)
    for entry in (data.get("compileErrors") or {}).get("errors", []):
        file = None if entry["error"] == "invalid schema" else entry["file"]
        yield f"compile: {entry['error']}", file, one_line(entry["description"] or entry["error"])
    for suite in data.get("suites", []):
        lines = (suite.get("error") or "").split("\n")
        for line in filter(None, lines[1:] or lines):
            yield "suite", None, one_line(SUITE_PREFIX.sub("", line))
    yield from failing(data)


def lint_fact(key: str, entry: Any) -> tuple[str | None, str]:
    if isinstance(entry, str):
        return None, entry
    if key == "load_failures":
        return None if entry["file"].endswith("_schemas") else entry["file"], one_line(entry["error"])
    if key == "missing_imports":
        return entry["importing_file"], entry["desc"]
    words = next(entry[name] for name in ("policy", "missing_policy", "scope", "import") if name in entry)
    return entry.get("file") if key in KEYS else None, words


def failing(data: dict[str, Any]) -> Iterator[tuple[str, str | None, str]]:
    for suite in data.get("suites", []):
        for case in suite.get("testCases", []):
            for principal in case["principals"]:
                for resource in principal["resources"]:
                    for action in resource["actions"]:
                        result = action["details"].get("result", "none")
                        if result not in ("RESULT_PASSED", "RESULT_SKIPPED"):
                            names = (case["name"], principal["name"], action["name"], resource["name"])
                            yield f"assertion: {result}", suite["file"], one_line("{}: {} {} {}:".format(*names))
