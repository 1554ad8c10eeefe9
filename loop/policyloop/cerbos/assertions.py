"""The assertions of the normal and the strict pass side by side: one finding for each that is not well in both."""

from collections.abc import Iterator

from policyloop.cerbos import text
from policyloop.cerbos.outline import Place
from policyloop.cerbos.sources import Sources
from policyloop.cerbos.stated import Stated
from policyloop.cerbos.suites import Failure, Suites
from policyloop.findings import AssertionId, ErrorClass, Finding, Result

_WHY_CHARACTERS = 600


def assertion_findings(normal: Suites, strict: Suites, sources: Sources, *, comparable: bool) -> Iterator[Finding]:
    """Findings for what failed in any pass, and for what the passes did not both run.

    `comparable` says that both passes got through all suites: otherwise that one lacks an assertion means nothing.
    """
    stated = Stated(sources)
    for one in normal.failures.keys() | strict.failures.keys():
        yield _failing(one, normal, strict, sources, stated.assertion(one))
    if comparable and normal is not strict:
        yield from _differing(normal, strict, sources, stated)


def _failing(one: AssertionId, normal: Suites, strict: Suites, sources: Sources, at: Place | None) -> Finding:
    was, is_strict = normal.failures.get(one), strict.failures.get(one)
    failure = was or is_strict or Failure()
    code, words = _words(failure)
    why = list(failure.outputs)
    if was is None and one in normal.results:
        code, words = "strict-only", f"{words}, with strict evaluation only"
    elif is_strict is None and one in strict.results:
        code, words = "normal-only", f"{words}, without strict evaluation only"
    elif was and is_strict and _words(was) != _words(is_strict):
        why.append(f"in the strict pass: {_words(is_strict)[1]}")
    shown = tuple(text.one_line(line, _WHY_CHARACTERS) for line in why)
    message = f"{one}: {words}"
    return sources.finding(ErrorClass.TEST, code, message, one.file, at, why=shown, assertion=one)


def _words(failure: Failure) -> tuple[str, str]:
    """Code and words of one failure."""
    if failure.error:
        return "test-error", f"could not be judged: {failure.error}"
    if failure.outputs and failure.expected == failure.actual:
        more = f" (and {len(failure.outputs) - 1} more)" if len(failure.outputs) > 1 else ""
        return "wrong-output", f"{failure.outputs[0]}{more}"
    return "wrong-effect", f"expected {failure.expected or 'no effect'}, got {failure.actual or 'none'}"


def _differing(normal: Suites, strict: Suites, sources: Sources, stated: Stated) -> Iterator[Finding]:
    for one in normal.results.keys() | strict.results.keys():
        was, is_strict = normal.results.get(one), strict.results.get(one)
        if was is is_strict or one in normal.failures or one in strict.failures:
            continue
        message = f"{one}: {_told(was)} in the normal pass and {_told(is_strict)} in the strict pass"
        at = stated.assertion(one)
        yield sources.finding(ErrorClass.TEST, "passes-differ", message, one.file, at, assertion=one)


def _told(result: Result | None) -> str:
    return result.value if result else "missing"
