"""`suites`: what became of every test suite and every assertion. The last of the compiler's three stages."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from policyloop.cerbos.shape import Misshapen, Object, obj, objects, text, whole
from policyloop.cerbos.sources import Sources
from policyloop.cerbos.unloadable import suite_errors
from policyloop.findings import AssertionId, ErrorClass, Finding, Ran, Result

_RESULTS = {
    "RESULT_PASSED": Result.PASSED,
    "RESULT_FAILED": Result.FAILED,
    "RESULT_ERRORED": Result.ERRORED,
    "RESULT_SKIPPED": Result.SKIPPED,
}
_BAD = ("RESULT_FAILED", "RESULT_ERRORED")


@dataclass(frozen=True, slots=True)
class Failure:
    """Why one assertion did not pass, as the compiler says it without `--verbose`."""

    expected: str | None = None
    actual: str | None = None
    error: str = ""
    outputs: tuple[str, ...] = ()


@dataclass(slots=True)
class Suites:
    """All suites of one pass. `failures` holds every assertion that failed or erred."""

    findings: list[Finding] = field(default_factory=list)
    ran: list[Ran] = field(default_factory=list)
    failures: dict[AssertionId, Failure] = field(default_factory=dict)
    results: dict[AssertionId, Result] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    """The files of all suites that the compiler came upon."""


def read_suites(data: Object, sources: Sources) -> Suites:
    """Everything under `suites`. What has a shape that is new comes whole, as a finding `other`."""
    suites = Suites()
    entries = data.get("suites")
    for entry in entries if isinstance(entries, list) else [entries] if entries else []:
        seen = len(suites.findings) + len(suites.failures)
        try:
            suite = obj(entry, "suites")
            _suite(suite, suites, sources)
            verdict = obj(suite.get("summary"), "summary").get("overallResult")
        except Misshapen as strange:
            suites.findings.append(sources.finding(ErrorClass.TEST, "other", str(strange)))
            continue
        if verdict in _BAD and seen == len(suites.findings) + len(suites.failures):
            message = f"the suite is {verdict} and names no reason: {whole(suite)}"
            suites.findings.append(sources.finding(ErrorClass.TEST, "other", message, text(suite.get("file"), "file")))
    return suites


def _suite(suite: Object, suites: Suites, sources: Sources) -> None:
    file = text(suite.get("file"), "file")
    suites.files.append(file)
    if error := text(suite.get("error"), "error"):
        suites.findings.extend(suite_errors(error, file, sources))
    if suite.get("principals"):
        raise Misshapen(f"results in a form that is no longer written: {whole(suite)}")
    for assertion, details in _details_of_suite(suite):
        _assertion(assertion, details, suites)


def details_of(data: Object) -> Iterator[tuple[AssertionId, Object]]:
    """Every assertion of every suite of the shape we know, with what the compiler says about it."""
    suites = data.get("suites")
    for suite in suites if isinstance(suites, list) else []:
        with contextlib.suppress(Misshapen):
            yield from _details_of_suite(obj(suite, "suites"))


def _details_of_suite(suite: Object) -> Iterator[tuple[AssertionId, Object]]:
    file, name = text(suite.get("file"), "file"), text(suite.get("name"), "name")
    for case in objects(suite.get("testCases"), "testCases"):
        test = text(case.get("name"), "name")
        for principal in objects(case.get("principals"), "principals"):
            who = text(principal.get("name"), "name")
            for resource in objects(principal.get("resources"), "resources"):
                what = text(resource.get("name"), "name")
                for action in objects(resource.get("actions"), "actions"):
                    assertion = AssertionId(file, name, test, who, what, text(action.get("name"), "name"))
                    yield assertion, obj(action.get("details"), "details")


def _assertion(assertion: AssertionId, details: Object, suites: Suites) -> None:
    stated = details.get("result")
    result = _RESULTS.get(stated) if isinstance(stated, str) else None
    effect = None
    if result is Result.PASSED:
        effect = text(obj(details.get("success"), "success").get("effect"), "effect")
    if result in (Result.FAILED, Result.ERRORED) or (result is Result.PASSED and not effect) or result is None:
        failure = read_failure(details)
        if result not in (Result.FAILED, Result.ERRORED):
            failure = Failure(error=f"a result that makes no sense: {whole(details)}")
            result = Result.ERRORED
        suites.failures[assertion] = failure
        effect = failure.actual
    suites.results[assertion] = result
    suites.ran.append(Ran(assertion, result, effect))


def read_failure(details: Object) -> Failure:
    """The `failure` or `error` of an assertion's details. Raises `Misshapen`.

    Sorted, because the compiler goes over expected outputs in an order that differs from run to run.
    """
    failure = obj(details.get("failure"), "failure")
    return Failure(
        expected=text(failure.get("expected"), "expected") or None,
        actual=text(failure.get("actual"), "actual") or None,
        error=text(details.get("error"), "error"),
        outputs=tuple(sorted(_output(entry) for entry in objects(failure.get("outputs"), "outputs"))),
    )


def _output(entry: Object) -> str:
    source = f"output {text(entry.get('src'), 'src')}"
    for key in ("mismatched", "missing", "errored"):
        if key not in entry:
            continue
        told = obj(entry[key], key)
        expected = whole(told.get("expected"))
        if key == "mismatched":
            return f"{source}: expected {expected}, got {whole(told.get('actual'))}"
        if key == "missing":
            return f"{source}: expected {expected}, and no such output came"
        return f"{source}: expected {expected}, and its expression failed: {text(told.get('error'), 'error')}"
    return f"{source}: {whole(entry)}"
