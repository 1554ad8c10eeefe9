"""One validation with the real compiler: both passes, reasons for what failed, and the lock's last word on green."""

from contextlib import AbstractContextManager

import pytest

from policyloop.bundle import Bundle
from policyloop.cerbos.run import Runner, Staged
from policyloop.findings import CompilerInfo, ErrorClass
from policyloop.guard import Lock
from policyloop.validators.judge import MAX_EXPLAINED, validate
from test_validators_native import BUNDLE, POLICY, SUITE

PLAIN = POLICY.partition("    - actions: [view]\n      effect: EFFECT_DENY")[0]
GREEN = Bundle({"doc.yaml": PLAIN, "doc_test.yaml": SUITE})


class Counting:
    """A runner that passes everything on and notes which bundles were staged."""

    def __init__(self, inner: Runner) -> None:
        self.info: CompilerInfo = inner.info
        self.staged: list[Bundle] = []
        self._inner = inner

    def stage(self, bundle: Bundle) -> AbstractContextManager[Staged]:
        self.staged.append(bundle)
        return self._inner.stage(bundle)

    def close(self) -> None:
        self._inner.close()


def with_actions(count: int) -> Bundle:
    names = [f"a{number:02}" for number in range(count)]
    expected = ", ".join(f"{name}: EFFECT_ALLOW" for name in names)
    suite = SUITE.replace("[view]", f"[{', '.join(names)}]").replace("{view: EFFECT_ALLOW}", f"{{{expected}}}")
    return Bundle({"doc.yaml": PLAIN, "doc_test.yaml": suite})


def test_green_needs_both_passes(cerbos: Runner) -> None:
    assert validate(cerbos, GREEN).green
    report = validate(cerbos, BUNDLE)
    assert [(found.error_class, found.code) for found in report.findings] == [(ErrorClass.TEST, "strict-only")]
    assert "R.attr.secret" in " ".join(report.findings[0].why)


def test_tests_may_be_required_or_not(cerbos: Runner) -> None:
    untested = Bundle({"doc.yaml": PLAIN})
    assert [found.code for found in validate(cerbos, untested).findings] == ["no-tests"]
    assert validate(cerbos, untested, require_tests=False).green


def test_the_first_failures_are_explained_and_nothing_is_made_up_about_the_rest(cerbos: Runner) -> None:
    report = validate(cerbos, with_actions(MAX_EXPLAINED + 5))
    assert len(report.findings) == MAX_EXPLAINED + 5
    for found in report.findings[:MAX_EXPLAINED]:
        assert found.assertion is not None
        assert f'no rule covers the action "{found.assertion.action}"' in " ".join(found.why)
    assert all(found.why == () for found in report.findings[MAX_EXPLAINED:])


def test_a_lock_is_examined_on_green_alone(cerbos: Runner) -> None:
    counting = Counting(cerbos)
    lock = Lock.of(GREEN)
    assert validate(counting, GREEN, lock=lock).green
    assert len(counting.staged) == 2
    validate(counting, with_actions(1), lock=lock)
    assert len(counting.staged) == 3


def test_a_locked_assertion_that_no_longer_runs_is_a_finding(cerbos: Runner) -> None:
    other = SUITE.replace("name: docs", "name: other").replace("{view: EFFECT_ALLOW}", "{view: EFFECT_DENY}")
    denying = PLAIN.replace("EFFECT_ALLOW", "EFFECT_DENY")
    flipped = Bundle({"doc.yaml": denying, "doc_test.yaml": other})
    assert validate(cerbos, flipped).green
    report = validate(cerbos, flipped, lock=Lock.of(GREEN))
    assert report.next_class is ErrorClass.TEST


@pytest.mark.docker
def test_docker_judges_the_same(docker_cerbos: Runner, cerbos: Runner) -> None:
    for bundle in (GREEN, BUNDLE, with_actions(3), Bundle({"doc.yaml": "nonsense: true"})):
        there, here = (validate(runner, bundle, lock=Lock.of(GREEN)) for runner in (docker_cerbos, cerbos))
        assert (there.findings, there.ran, there.ran_strict) == (here.findings, here.ran, here.ran_strict)
