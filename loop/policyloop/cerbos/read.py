"""Two runs of the compiler in, one report out. What both say is told once; nothing that one of them says is dropped.

A compiler that broke makes a report that is not green, or raises `Unavailable`: see `policyloop.cerbos.broken`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from policyloop.bundle import Bundle
from policyloop.cerbos.assertions import assertion_findings
from policyloop.cerbos.broken import spoken
from policyloop.cerbos.compiled import compile_findings
from policyloop.cerbos.lint import lint_findings
from policyloop.cerbos.run import CompilerRun
from policyloop.cerbos.shape import Misshapen, Object, obj, whole
from policyloop.cerbos.sources import Sources
from policyloop.cerbos.suites import Suites, read_suites
from policyloop.cerbos.text import block
from policyloop.findings import CompilerInfo, ErrorClass, Finding, Ran, Report, Result
from policyloop.layout import Kind, kind

MAX_FINDINGS = 10_000
"""The most findings of one report; how many more there were is a finding too."""
OUTPUT_CHARACTERS = 32_768
"""How much of what one pass wrote on each stream goes into the report."""

_OUTPUT_LINES = 5000
_STAGES = ("lintErrors", "compileErrors")
_KNOWN_KEYS = frozenset({*_STAGES, "suites", "summary"})


@dataclass(frozen=True, slots=True)
class _Pass:
    """One run, read. It is `tested` when it got through all three stages and told what came of the tests."""

    findings: tuple[Finding, ...]
    suites: Suites = field(default_factory=Suites)
    tested: bool = False


def read_report(
    info: CompilerInfo, normal: CompilerRun, strict: CompilerRun, bundle: Bundle, *, require_tests: bool = True
) -> Report:
    """What the normal and the strict pass over `bundle` say. Both must have been run without filters.

    Findings are sorted by class, file, line, column and message. With `require_tests` a green in which no assertion
    ran is a finding (`no-tests`, `all-skipped`). Raises `Unavailable` for what is the machine's fault.
    """
    sources = Sources(bundle)
    first = _read(normal, sources)
    same = (normal.stdout, normal.exit_code, normal.trouble) == (strict.stdout, strict.exit_code, strict.trouble)
    second = first if same and first.tested else _read(strict, sources)
    tested = first.tested and second.tested
    findings = list(_merged(first.findings, second.findings))
    findings += assertion_findings(first.suites, second.suites, sources, comparable=tested)
    if require_tests and tested and not findings:
        findings += _hollow(first.suites, second.suites, sources)
    return Report(
        compiler=info,
        findings=_bounded(sorted(findings, key=_order)),
        ran=tuple(first.suites.ran),
        ran_strict=tuple(second.suites.ran),
        output=(_output(normal), _output(strict)),
    )


def _read(run: CompilerRun, sources: Sources) -> _Pass:
    data = spoken(run, sources)
    if isinstance(data, tuple):
        return _Pass(data)
    findings = [
        sources.finding(ErrorClass.COMPILE, "other", f"{key}: {whole(data[key])}") for key in data.keys() - _KNOWN_KEYS
    ]
    try:
        findings += lint_findings(obj(data.get("lintErrors"), "lintErrors"), sources)
        findings += compile_findings(obj(data.get("compileErrors"), "compileErrors"), sources)
    except Misshapen as strange:
        findings.append(sources.finding(ErrorClass.COMPILE, "other", str(strange)))
    suites = read_suites(data, sources)
    findings += suites.findings
    tested = not any(stage in data for stage in _STAGES)
    if not findings and not suites.failures and (run.exit_code != 0 or not tested or not _is_well(data)):
        message = f"cerbos compile ended with exit code {run.exit_code} and JSON that names no reason: {whole(data)}"
        findings.append(sources.finding(ErrorClass.COMPILE, "contradiction", message))
    return _Pass(tuple(findings), suites, tested)


def _is_well(data: Object) -> bool:
    """Whether the compiler's own verdict over all tests is that nothing went wrong."""
    summary = data.get("summary")
    if not isinstance(summary, dict):
        return False
    verdict = summary.get("overallResult")
    return verdict in ("RESULT_PASSED", "RESULT_SKIPPED") or (verdict is None and not data.get("suites"))


def _output(run: CompilerRun) -> str:
    streams = (run.stdout.decode("utf-8", "replace"), run.stderr)
    return "\n".join(block(stream, _OUTPUT_LINES, OUTPUT_CHARACTERS) for stream in streams if stream.strip())


def _merged(first: tuple[Finding, ...], second: tuple[Finding, ...]) -> Iterator[Finding]:
    """Findings of both passes once; what only one pass is told of says which.

    Of several mistakes the compiler sometimes names any one (of two bad groups, say): two such are two findings.
    """
    normal, strict = ({_identity(f): f for f in reversed(found)} for found in (first, second))
    yield from (found for key, found in normal.items() if key in strict)
    for found, other, name in ((normal, strict, "normal"), (strict, normal, "strict")):
        alike = {(f.code, f.file) for f in other.values()}
        for key in found.keys() - other.keys():
            one = found[key]
            suffix = "" if (one.code, one.file) in alike else f" (in the {name} pass only)"
            yield replace(one, message=f"{one.message}{suffix}")


def _identity(finding: Finding) -> tuple[object, ...]:
    """All but the excerpt, which in a crash is the start of what was written on standard error."""
    return finding.error_class, finding.code, finding.file, finding.line, finding.column, finding.message


def _hollow(normal: Suites, strict: Suites, sources: Sources) -> Iterator[Finding]:
    if _any_ran(normal.ran) and _any_ran(strict.ran):
        return
    if normal.files:
        message = "no assertion ran: everything in the suites is skipped"
        yield sources.finding(ErrorClass.TEST, "all-skipped", message, normal.files[0])
        return
    hidden = [p for p in sources.bundle if kind(p) is Kind.FIXTURE and p.rpartition(".")[0].endswith("_test")]
    hint = f"; {hidden[0]} is not one, because a testdata folder holds fixtures only" if hidden else ""
    message = f"no assertion ran: there is no test suite, a file named *_test.yaml{hint}"
    yield sources.finding(ErrorClass.TEST, "no-tests", message, hidden[0] if hidden else None)


def _any_ran(ran: list[Ran]) -> bool:
    return any(one.result is not Result.SKIPPED for one in ran)


def _order(finding: Finding) -> tuple[object, ...]:
    place = (finding.file or "", finding.line or 0, finding.column or 0)
    return finding.error_class.rank, *place, finding.message, finding.code


def _bounded(findings: list[Finding]) -> tuple[Finding, ...]:
    if len(findings) <= MAX_FINDINGS:
        return tuple(findings)
    rest = len(findings) - MAX_FINDINGS
    more = Finding(error_class=findings[MAX_FINDINGS].error_class, code="more", message=f"and {rest} more findings")
    return (*findings[:MAX_FINDINGS], more)
