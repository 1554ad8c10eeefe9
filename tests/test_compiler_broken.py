"""A compiler that breaks: never green, never a traceback, and told whose fault it is."""

import json

import pytest

from compiler_cases import INFO, run
from policyloop.bundle import Bundle
from policyloop.cerbos.read import MAX_FINDINGS, read_report
from policyloop.cerbos.run import CompilerRun, Trouble
from policyloop.errors import Exit, Unavailable
from policyloop.findings import ErrorClass, Finding, Report

PANIC = """panic: runtime error: invalid memory address or nil pointer dereference
[signal SIGSEGV: segmentation violation code=0x1 addr=0x10 pc=0x10b3140]

goroutine %d [running]:
github.com/cerbos/cerbos/internal/verify.runTestSuite({0x3d62b98, 0x%x}, 0x12)
"""
BUNDLE = Bundle({"a.yaml": "x: 1\n", "a_test.yaml": "name: A\n"})


def passed(*actions: str, effect: str = "EFFECT_ALLOW", result: str = "RESULT_PASSED") -> str:
    named = [{"name": a, "details": {"result": result, "success": {"effect": effect}}} for a in actions]
    case = {"name": "T", "principals": [{"name": "p", "resources": [{"name": "r", "actions": named}]}]}
    suite = {"file": "a_test.yaml", "name": "A", "summary": {"overallResult": result}, "testCases": [case]}
    return json.dumps({"suites": [suite], "summary": {"overallResult": result}})


GREEN = run(passed("view"))


def report(normal: CompilerRun, strict: CompilerRun | None = None, bundle: Bundle = BUNDLE) -> Report:
    return read_report(INFO, normal, strict or normal, bundle)


def only(found: Report) -> Finding:
    assert not found.green
    (finding,) = found.findings
    return finding


def test_a_clean_run_is_green() -> None:
    found = report(GREEN)
    assert found.green
    assert found.next_class is None
    assert found.tally.passed == 1
    assert found.passed_in_both() == {found.ran[0].id}


@pytest.mark.parametrize(
    ("broken", "code", "words"),
    [
        (run("", None, trouble=Trouble.TIMEOUT), "timeout", "did not end within 60 seconds"),
        (run("{", None, trouble=Trouble.FLOOD), "flood", "more than 64 MiB"),
        (run("", 2, "panic: boom\n\ngoroutine 1 [running]:\n"), "crash", "panic: boom"),
        (run("", 2, ""), "crash", "it gave no reason"),
        (run("", 0), "no-json", "exit code 0 and printed nothing"),
        (run("", 3, "cerbos: error: failed to compile\n"), "no-json", "failed to compile"),
        (run("all good", 0), "no-json", "not JSON"),
        (run('{"summary": {}} trailing', 0), "no-json", "not JSON"),
        (run('{"summary": {"overallResult": "RESULT_PASSED"', 4), "no-json", "not JSON"),
        (run(b'{"summary": "\xff"}', 0), "no-json", "not UTF-8"),
        (run("[" * 200_000, 0), "no-json", "nested too deep"),
        (run("9" * 5000, 0), "no-json", "not JSON"),
        (run("[]", 0), "no-json", "not an object"),
        (run("null", 4), "no-json", "not an object"),
        (run("{}", 0), "contradiction", "exit code 0"),
        (run('{"summary": {}}', 3), "contradiction", "exit code 3"),
        (run('{"lintErrors": {}}', 3), "contradiction", "names no reason"),
        (run('{"lintErrors": {}, "summary": {}}', 0), "contradiction", "names no reason"),
        (run('{"compileErrors": {"errors": []}}', 3), "contradiction", "names no reason"),
        (run('{"summary": {"overallResult": "RESULT_FAILED"}}', 0), "contradiction", "RESULT_FAILED"),
        (run('{"suites": [], "summary": []}', 0), "contradiction", "exit code 0"),
        (run(passed("view"), 4), "contradiction", "exit code 4"),
        (run(json.dumps({"suites": json.loads(passed("view"))["suites"]}), 0), "contradiction", "exit code 0"),
    ],
)
def test_a_broken_run_is_one_finding(broken: CompilerRun, code: str, words: str) -> None:
    finding = only(report(broken))
    assert finding.error_class is ErrorClass.COMPILE
    assert finding.code == code
    assert words in finding.message


@pytest.mark.parametrize(
    "broken",
    [
        run("", 2, "fatal error: runtime: out of memory\n\nruntime stack:\n"),
        run("", 2, "runtime: cannot allocate memory\nfatal error: ..."),
        run("", 2, "SIGSEGV: segmentation violation\nPC=0x43827d m=7 sigcode=1 addr=0x0\n"),
        run("", None, trouble=Trouble.MEMORY),
    ],
)
def test_a_bundle_that_takes_all_memory_is_a_finding(broken: CompilerRun) -> None:
    finding = only(report(broken))
    assert (finding.error_class, finding.code) == (ErrorClass.COMPILE, "out-of-memory")


@pytest.mark.parametrize("broken_one", ["normal", "strict"])
@pytest.mark.parametrize("trouble", [Trouble.TIMEOUT, Trouble.FLOOD])
def test_one_broken_pass_is_enough(broken_one: str, trouble: Trouble) -> None:
    broken = run("", None, trouble=trouble)
    found = report(broken, GREEN) if broken_one == "normal" else report(GREEN, broken)
    assert only(found).message.endswith(f"(in the {broken_one} pass only)")
    assert found.passed_in_both() == frozenset()


def test_a_broken_pass_does_not_blame_what_the_other_pass_found() -> None:
    failing = run(passed("view", effect="", result="RESULT_FAILED"), 4)
    found = report(failing, run("", None, trouble=Trouble.TIMEOUT))
    assert [f.code for f in found.findings] == ["timeout", "wrong-effect"]


@pytest.mark.parametrize(
    "broken",
    [
        run("", 1, 'cerbos: error: failed to open policy repository at "/policies": no such file or directory'),
        run("", 1, "cerbos: error: failed to load policy repository: permission denied"),
        run("", 1, "cerbos: error: unknown flag --output"),
        run("", 1, "\x1b[31mcannot\x1b[0m"),
        run("", 80, "cerbos: error: expected <dir>"),
        run("", 126, "permission denied"),
        run("", 127, "no such file"),
        run("", 137, ""),
        run("", -9, ""),
        run(passed("view"), -11, ""),
        run("", None, "ended"),
        run(passed("view"), 5, ""),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_what_is_the_fault_of_the_machine_is_unavailable(broken: CompilerRun, *, first: bool) -> None:
    with pytest.raises(Unavailable) as caught:
        report(broken, GREEN) if first else report(GREEN, broken)
    assert caught.value.exit_code is Exit.ENVIRONMENT
    assert str(caught.value).isprintable()
    assert caught.value.hint


def test_two_crashes_of_the_same_kind_are_one_finding() -> None:
    found = report(run("", 2, PANIC % (10, 0x12B6)), run("", 2, PANIC % (23, 0x9F00)))
    finding = only(found)
    assert finding.message == (
        "cerbos compile crashed: panic: runtime error: invalid memory address or nil pointer dereference"
    )
    assert "runTestSuite({..., ...}, ...)" in (finding.excerpt or "")


@pytest.mark.parametrize(
    ("file", "text", "error_class"),
    [
        ("b_test.yaml", "", ErrorClass.TEST),
        ("b_test.yaml", "# later\n\n# more\n", ErrorClass.TEST),
        ("b_test.json", " \n", ErrorClass.TEST),
        (".hidden/b_test.yml", "\t\r\n", ErrorClass.TEST),
        ("testdata/principals.yaml", "# none\n", ErrorClass.TEST),
        ("hr/testdata/aux_data.json", "", ErrorClass.TEST),
        ("b.yaml", "---\n", ErrorClass.SYNTAX),
        ("b.yaml", "x: 1\n---\n\n", ErrorClass.SYNTAX),
        ("testdata/resources.yml", "---\n---\nresources: {}\n", ErrorClass.SYNTAX),
    ],
)
def test_a_crash_is_told_by_the_empty_file_that_brings_it_about(file: str, text: str, error_class: ErrorClass) -> None:
    finding = only(report(run("", 2, PANIC % (1, 2)), bundle=Bundle({**BUNDLE.files, file: text})))
    assert (finding.error_class, finding.code, finding.file) == (error_class, "crash", file)
    assert "empty" in finding.message


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("b.yaml", "# a policy to come\n"),
        ("b.yaml", ""),
        ("testdata/notes.yaml", ""),
        ("b.txt", ""),
        ("_schemas/b.json", ""),
        ("b.yaml", "---\n# comment\n"),
        ("b.yaml", "x: 1\n...\n"),
        ("b_test.yaml", "--- # first\nname: B\n"),
    ],
)
def test_files_that_the_compiler_survives_are_not_blamed_for_a_crash(file: str, text: str) -> None:
    finding = only(report(run("", 2, PANIC % (1, 2)), bundle=Bundle({**BUNDLE.files, file: text})))
    assert finding.file is None


def test_an_assertion_that_one_pass_leaves_out_is_found() -> None:
    finding = only(report(run(passed("view", "edit")), GREEN))
    assert finding.code == "passes-differ"
    assert finding.assertion is not None
    assert finding.assertion.action == "edit"
    assert finding.message == "A / T: p edit r: passed in the normal pass and missing in the strict pass"


def test_a_result_without_an_effect_is_no_pass() -> None:
    finding = only(report(run(passed("view", effect=""))))
    assert finding.code == "test-error"
    assert "makes no sense" in finding.message


@pytest.mark.parametrize(
    "shape",
    [
        {"suites": "none", "summary": {}},
        {"suites": [7], "summary": {}},
        {"suites": [{"file": 7}], "summary": {}},
        {"suites": [{"testCases": {}}], "summary": {}},
        {"suites": [{"testCases": [{"principals": [{"resources": [{"actions": 5}]}]}]}], "summary": {}},
        {"suites": [{"principals": [{"name": "old form"}]}], "summary": {}},
        {"suites": [{"summary": {"overallResult": "RESULT_ERRORED"}}], "summary": {}},
        {"lintErrors": "broken"},
        {"lintErrors": {"load_failures": "broken"}},
        {"lintErrors": {"load_failures": [None, 5]}},
        {"lintErrors": {"missing_scope_details": [{"descendants": 5}]}},
        {"compileErrors": ["broken"]},
        {"compileErrors": {"errors": {"file": 5}}},
        {"compileErrors": {"errors": [], "warnings": ["broken"]}},
        {"summary": {"overallResult": "RESULT_PASSED"}, "news": "x"},
    ],
)
def test_json_of_another_shape_is_kept_whole_as_other(shape: dict[str, object]) -> None:
    found = report(run(json.dumps(shape), 0))
    assert {f.code for f in found.findings} <= {"other", "test-error"}
    assert "other" in {f.code for f in found.findings}


def test_hostile_words_are_escaped_and_bounded() -> None:
    words = "\x1b]0;owned\x07\u202eevil\u200b\n  next\tline " + "x" * 100_000
    failures = [{"file": "a.yaml\x1b[2J", "error": words, "error_details": {"kind": 1, "message": words}}]
    found = only(report(run(json.dumps({"lintErrors": {"load_failures": failures}}), 3)))
    assert found.message.isprintable()
    assert found.message.startswith(r"\x1b]0;owned\x07\u202eevil\u200b next\tline xxx")
    assert found.message.endswith("more characters)")
    assert len(found.message) < 2200
    assert found.file == r"a.yaml\x1b[2J"


def test_half_characters_do_not_break_what_comes_later() -> None:
    found = report(run(passed("vi\\ud800ew").replace("\\\\ud800", "\\ud800"), 0))
    assert found.ran[0].id.action.encode()


def test_more_findings_than_anyone_reads_are_counted() -> None:
    entries = [{"file": f"{n}.yaml", "error_details": {"message": "x", "kind": 1}} for n in range(MAX_FINDINGS + 5)]
    found = report(run(json.dumps({"lintErrors": {"load_failures": entries}}), 3))
    assert len(found.findings) == MAX_FINDINGS + 1
    assert found.findings[-1].message == "and 5 more findings"


def test_without_the_need_for_tests_a_hollow_green_is_green() -> None:
    empty = run('{"summary": {}}')
    assert read_report(INFO, empty, empty, Bundle({}), require_tests=False).green
    assert only(read_report(INFO, empty, empty, Bundle({}))).code == "no-tests"


def test_the_report_keeps_a_bounded_part_of_what_was_written() -> None:
    flood = run(json.dumps({"news": "x" * 100_000}), 0, "words\x1b[0m\n")
    output = report(flood).output
    assert len(output) == 2
    assert all("more characters)" in text and text.endswith("words\\x1b[0m") and len(text) < 40_000 for text in output)


def test_a_crash_that_is_noticed_as_lost_results_is_told_as_the_crash():
    """The compiler's worker panics on an empty fixture file; once in a while its main routine gives up first."""
    bundle = Bundle({"doc_test.yaml": "name: x\n", "testdata/principals.yaml": "# nothing\n"})
    said = 'cerbos: error: failed to run tests from "/x": unexpected number of results: %!w(<nil>)\n'
    lost = CompilerRun(exit_code=1, stdout=b"", stderr=said, seconds=0.1)
    crash = CompilerRun(exit_code=2, stdout=b"", stderr="panic: runtime error: index out of range\n", seconds=0.1)
    report = read_report(INFO, lost, crash, bundle)
    assert [(f.code, f.file) for f in report.findings] == [("crash", "testdata/principals.yaml")]
    assert "pass only" not in report.findings[0].message
