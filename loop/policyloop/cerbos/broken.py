"""A compiler run that says nothing in JSON: crashed, stopped, flooded, or unable to start.

What the bundle can have caused is a finding; what is the fault of the machine around it is `Unavailable`.

Source: Cerbos 0.55.0, observed. It exits 0, 3 or 4 with JSON, 2 when Go ends it (a panic, a stack overflow, no memory),
1 when it cannot read the directory, and also when it cannot print the results: an output that is NaN does that.
"""

import json
import re
from collections.abc import Iterator

from policyloop.bundle import Bundle
from policyloop.cerbos import text
from policyloop.cerbos.outline import TOO_DEEP, Place, loops, too_deep
from policyloop.cerbos.run import MAX_OUTPUT_BYTES, CompilerRun, Trouble
from policyloop.cerbos.shape import Object
from policyloop.cerbos.sources import Sources
from policyloop.errors import Unavailable
from policyloop.findings import TIMEOUT, ErrorClass, Finding
from policyloop.layout import Kind, kind

WITH_JSON = (0, 3, 4)
"""The exit codes that come with JSON on standard output."""

_STDERR_CHARACTERS = 600
_AFTER_LOADING = re.compile(
    r"failed to (compile policies|create rule table|create ruletable manager|run tests|display test results)"
)
_NO_MEMORY = re.compile(
    r"^(fatal error: )?(runtime: )?(out of memory|cannot (allocate|map|reserve) |failed to create new OS thread)"
    r"|^SIGSEGV: segmentation violation\nPC=",
    re.MULTILINE,
)
"""Go's runtime without memory. Now and then it follows the pointer that it did not get: the SIGSEGV with a bare PC,
where one of the program itself is told as a panic."""
_VARIES = re.compile(r"0x[0-9a-f]+\??|goroutine \d+|\+0x[0-9a-f]+|\bm=\d+")
_FIXTURES = ("principals", "resources", "auxdata", "auxData", "aux_data")


def spoken(run: CompilerRun, sources: Sources) -> Object | tuple[Finding, ...]:
    """The JSON object of a run, or what is to be said of a run without one. Raises `Unavailable`."""
    if run.trouble is Trouble.TIMEOUT:
        return (_broken(sources, TIMEOUT, f"cerbos compile did not end within {run.seconds:.0f} seconds", run),)
    if run.trouble is Trouble.FLOOD:
        most = MAX_OUTPUT_BYTES // 1_048_576
        return (_broken(sources, "flood", f"cerbos compile wrote more than {most} MiB and was stopped", run),)
    if run.trouble is Trouble.MEMORY or (run.exit_code == 2 and _NO_MEMORY.search(run.stderr)):
        return tuple(_no_memory(run, sources))
    if run.exit_code == 2 or (run.exit_code == 1 and _crashing(run, sources)):
        return tuple(_crash(run, sources))
    if run.exit_code == 1 and _AFTER_LOADING.search(run.stderr):
        tested = "failed to display test results" in run.stderr or "failed to run tests" in run.stderr
        message = f"cerbos compile gave up: {_reason(run.stderr)}"
        return (_broken(sources, "compiler-error", message, run, ErrorClass.TEST if tested else ErrorClass.COMPILE),)
    if run.exit_code not in WITH_JSON:
        raise Unavailable(
            f"cerbos compile could not do its work ({_ending(run)}): {_reason(run.stderr)}",
            "policyloop doctor says what is here.",
        )
    return _json(run, sources)


def _json(run: CompilerRun, sources: Sources) -> Object | tuple[Finding, ...]:
    try:
        data = json.loads(run.stdout.decode("utf-8"))
    except RecursionError:
        why = "JSON that is nested too deep"
    except UnicodeDecodeError:
        why = "something that is not UTF-8"
    except ValueError:
        why = "something that is not JSON" if run.stdout.strip() else "nothing"
    else:
        if isinstance(data, dict):
            return data
        why = "JSON that is not an object"
    said = f"; on standard error: {_reason(run.stderr)}" if run.stderr.strip() else ""
    message = f"cerbos compile ended with exit code {run.exit_code} and printed {why}{said}"
    return (_broken(sources, "no-json", message, run),)


def _broken(
    sources: Sources, code: str, message: str, run: CompilerRun, error_class: ErrorClass = ErrorClass.COMPILE
) -> Finding:
    return sources.finding(error_class, code, message, context=_start(run.stderr))


def _crashing(run: CompilerRun, sources: Sources) -> bool:
    """Whether the compiler noticed missing results a moment before the panic that lost them could end it."""
    return "unexpected number of results" in run.stderr and any(True for _ in _empty(sources.bundle))


def _crash(run: CompilerRun, sources: Sources) -> Iterator[Finding]:
    """A crash, told by the file that brings it about where a known cause stands in the bundle."""
    overflow = "stack overflow" in run.stderr or "goroutine stack exceeds" in run.stderr
    bundle = sources.bundle
    suspects = [*_loops(bundle), *_deep(bundle)] if overflow else list(_empty(bundle))
    for error_class, file, at, message in suspects:
        yield sources.finding(error_class, "crash", f"{message} (cerbos compile crashes on it)", file, at)
    if not suspects:
        yield _broken(sources, "crash", f"cerbos compile crashed: {_reason(run.stderr)}", run)


def _no_memory(run: CompilerRun, sources: Sources) -> Iterator[Finding]:
    """Our own cap was met: a machine without memory kills without a word, so it is the bundle that asks too much."""
    suspects = list(_deep(sources.bundle))
    for error_class, file, at, message in suspects:
        yield sources.finding(error_class, "out-of-memory", f"{message} (cerbos compile runs out of memory)", file, at)
    if not suspects:
        message = (
            "cerbos compile ran out of memory: the bundle asks for too much, such as a very large product of tests"
        )
        yield _broken(sources, "out-of-memory", message, run)


def _deep(bundle: Bundle) -> Iterator[tuple[ErrorClass, str, Place | None, str]]:
    for file in bundle:
        if kind(file) in (Kind.POLICY, Kind.SUITE, Kind.FIXTURE) and (at := too_deep(bundle[file])):
            yield ErrorClass.SYNTAX, file, at, f"nested more than {TOO_DEEP:,} levels deep"


def _loops(bundle: Bundle) -> Iterator[tuple[ErrorClass, str, Place | None, str]]:
    for file in bundle:
        if kind(file) in (Kind.POLICY, Kind.SUITE, Kind.FIXTURE) and (at := loops(bundle[file])):
            yield ErrorClass.SYNTAX, file, at, "an alias stands inside the very node that its anchor names"


def _empty(bundle: Bundle) -> Iterator[tuple[ErrorClass, str, Place | None, str]]:
    for file in bundle:
        what = kind(file)
        if what in (None, Kind.SCHEMA) or (what is Kind.FIXTURE and _stem(file) not in _FIXTURES):
            continue
        lines = bundle[file].split("\n")
        if at := _empty_document(lines):
            yield ErrorClass.SYNTAX, file, at, "a document that is empty follows a '---' line; take that line out"
        elif what is not Kind.POLICY and all(_is_nothing(line) for line in lines):
            of = "suite" if what is Kind.SUITE else "fixture file"
            message = f"this {of} is empty or holds nothing but comments; fill it or delete it"
            yield ErrorClass.TEST, file, Place(1, 1, None), message


def _empty_document(lines: list[str]) -> Place | None:
    """The `---` line after which nothing at all, not even a comment, stands before the next one or the end."""
    opened: int | None = None
    for number, line in enumerate(lines, 1):
        if re.match(r"---(\s|$)", line):
            if opened is not None:
                break
            opened = number if not line[3:].strip() else None
        elif line.strip() and line.strip() != "...":
            opened = None
    return Place(opened, 1, None) if opened is not None else None


def _is_nothing(line: str) -> bool:
    return not line.strip("\ufeff \t\r") or line.lstrip().startswith("#") or line.strip() in ("---", "...")


def _stem(file: str) -> str:
    return file.rpartition("/")[2].partition(".")[0]


def _ending(run: CompilerRun) -> str:
    code = run.exit_code
    if code is None:
        return "it was ended from outside"
    if code < 0 or code > 128:
        return f"killed by signal {-code if code < 0 else code - 128}"
    return f"exit code {code}"


def _reason(stderr: str) -> str:
    """The first lines that say something, without what differs from run to run."""
    said = [line.strip() for line in stderr[:4000].split("\n") if line.strip()]
    kept = said[:1] if said and said[0].startswith("panic: ") else said[:3]
    return text.one_line(_VARIES.sub("...", " ".join(kept)).removeprefix("cerbos: error: "), 400) or "it gave no reason"


def _start(stderr: str) -> str:
    return _VARIES.sub("...", stderr)[:_STDERR_CHARACTERS]
