"""Access in the loop: compared once, after green, before anything is written."""

import stat
from pathlib import Path

import pytest

from command import DOCS, FIXED, POLICY, Done, lay, picture, policyloop, speaker
from policyloop.validators.install import install
from policyloop.validators.pinned import VERSION
from published_schemas import hold_to_schema

pytestmark = pytest.mark.compiler

OPEN = FIXED.replace("R.attr.owner == P.id", "R.attr.owner == P.id || R.attr.tenant != P.attr.tenant", 1)
"""Compiles and passes every test, since no test has a tenant; opens every other tenant's documents."""


def project(folder: Path, wider: str | None, policies: dict[str, str] | None = None) -> Path:
    lay({f"policies/{path}": text for path, text in (policies or dict(DOCS)).items()}, folder)
    if wider:
        (folder / "policyloop.yaml").write_text(f"access: {{wider: {wider}}}\n")
    return folder


def run(folder: Path, policy: str, *more: object, **env: str) -> Done:
    reply = {"edits": [{"path": "doc.yaml", "content": policy}], "note": "as asked"}
    command = speaker([reply], folder)
    return policyloop(
        *("run", "--policies", folder / "policies", "--runner", "native", "--model-command", command, *more), env=env
    )


def test_an_edit_that_opens_another_tenants_data_ends_in_7(tmp_path: Path) -> None:
    project(tmp_path, "fail")
    before = picture(tmp_path / "policies")
    done = run(tmp_path, OPEN, "--format", "json")
    assert done.code == 7
    hold_to_schema(done.json, "run")
    assert (done.json["outcome"], done.json["stopped_by"]) == ("wider", "wider")
    assert done.json["access"]["result"] == "FAIL"
    [wider] = [one for one in done.json["access"]["reasons"] if one["direction"] == "wider"]
    assert (wider["action"], wider["after"]["rule"], wider["after"]["file"]) == ("read", "rule-001", "doc.yaml")
    request = wider["request"]
    assert request["resource"]["attr"]["tenant"] != request["principal"]["attr"]["tenant"]
    assert done.json["files_changed"] == []
    assert picture(tmp_path / "policies") == before
    assert Path(done.json["patch"]).is_file()
    shown = policyloop("show", "--state", tmp_path / ".policyloop", "--format", "plain")
    assert "WIDER: user may read doc" in shown.out
    page = tmp_path / "run.html"
    policyloop("show", "--state", tmp_path / ".policyloop", "--html", page)
    assert "WIDER: user may read doc" in page.read_text()


def test_asked_elsewhere_than_on_a_terminal_it_ends_in_5(tmp_path: Path) -> None:
    project(tmp_path, "ask")
    done = run(tmp_path, OPEN, "--format", "json")
    assert (done.code, done.json["stopped_by"]) == (5, "wider")
    assert done.json["files_changed"] == []


def test_by_default_it_is_reported_and_written(tmp_path: Path) -> None:
    project(tmp_path, None)
    done = run(tmp_path, OPEN, "--format", "json")
    assert done.code == 0
    assert (done.json["access"]["result"], done.json["files_changed"]) == ("FAIL", ["doc.yaml"])


def test_what_gets_narrower_passes(tmp_path: Path) -> None:
    project(tmp_path, "fail")
    done = run(tmp_path, FIXED, "--format", "json")
    assert done.code == 0
    assert {one["direction"] for one in done.json["access"]["reasons"]} == {"narrower"}
    assert done.json["files_changed"] == ["doc.yaml"]


@pytest.mark.parametrize(("wider", "code"), [("fail", 5), ("report", 0)])
def test_a_start_that_does_not_compile_cannot_be_compared(wider: str, code: int, tmp_path: Path) -> None:
    project(tmp_path, wider, {**DOCS, "doc.yaml": POLICY.replace("P.id", "P.id +")})
    done = run(tmp_path, FIXED, "--format", "json")
    assert done.code == code
    assert done.json["access"]["result"] is None
    assert "do not compile" in done.json["access"]["skipped"]


@pytest.mark.parametrize("wider", ["fail", "report"])
def test_a_comparison_that_breaks_off_is_a_persons_decision(wider: str, tmp_path: Path) -> None:
    project(tmp_path, wider)
    binary = tmp_path / "cerbos"
    binary.write_text(f'#!/bin/sh\n[ "$1" = server ] && {{ sleep 600; exit 1; }}\nexec {install(VERSION).path} "$@"\n')
    binary.chmod(binary.stat().st_mode | stat.S_IXUSR)
    (tmp_path / "policyloop.yaml").write_text(f"access: {{wider: {wider}}}\ncerbos: {{timeout_seconds: 6}}\n")
    done = run(tmp_path, FIXED, "--format", "json", POLICYLOOP_CERBOS=str(binary))
    assert (done.code, done.json["stopped_by"], done.json["files_changed"]) == (5, "uncompared", []), done.err
    assert "did not get ready in time" in done.json["access"]["skipped"]
    done = run(tmp_path, FIXED, "--format", "json", POLICYLOOP_CERBOS=str(binary), POLICYLOOP_ACCESS_COMPARE="never")
    assert (done.code, done.json["access"]["skipped"]) == (0, "access.compare is never")
    assert done.json["files_changed"] == ["doc.yaml"]


def test_nothing_is_asked_when_no_policy_changed(tmp_path: Path) -> None:
    green = {**DOCS, "doc.yaml": FIXED}
    project(tmp_path, "fail", green)
    done = policyloop(
        *("run", "--policies", tmp_path / "policies", "--runner", "native", "--format", "json"),
        *("--model-command", speaker([{}], tmp_path)),
    )
    assert done.code == 0
    assert (done.json["access"]["result"], done.json["access"]["requests"]) == ("PASS", 0)
