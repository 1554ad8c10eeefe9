"""A disputed test: the exit names the commands that settle it, and each goes on with what was paid for already."""

import json
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from command import Done, lay, picture, policyloop, speaker
from policyloop.bundle import Bundle
from policyloop.guard import Lock
from test_spec_flow import OWN, POLICY, document, run

DISPUTE = {"suite": "Purchases", "test": "the limit", "principal": "bob", "resource": "laptop", "action": "approve"}
DISPUTED: dict[str, Any] = {"edits": [], "dispute": {**DISPUTE, "reason": "the request raises the limit"}}
RAISE = {"path": "purchase.yaml", "old": "amount <= 1000", "new": "amount <= 5000"}
RIGHT = {
    "path": "purchase_test.yaml",
    "old": "    expected:\n",
    "new": "    expected:\n      - {principal: bob, resource: laptop, actions: {approve: EFFECT_ALLOW}}\n",
}
CLERKS = {"path": "purchase.yaml", "old": "amount <= 1000", "new": "amount <= 900"}


def disputed(tmp_path: Path, first: dict[str, Any], *then: Any) -> tuple[Path, dict[str, Any], list[str]]:
    """A run that ends over a dispute; the directory, its document, and the commands that it names."""
    policies = lay({"purchase.yaml": POLICY, "purchase_test.yaml": OWN}, tmp_path / "project" / "policies")
    before = picture(policies)
    model = speaker([first, *then], tmp_path)
    done = document(run(policies, "Accountants approve up to 5000.", "--no-spec", model=model))
    assert (done["exit_code"], done["stopped_by"]) == (5, "dispute")
    assert picture(policies) == before
    return policies, done, [onward["command"] for onward in done["next"]]


def answered(commands: list[str], how: str) -> Done:
    """What the command that the exit names does, run as printed."""
    (command,) = [command for command in commands if f" {how}" in command]
    return policyloop(*shlex.split(command)[1:], "--format", "json")


def test_released_it_goes_on_with_the_edits_that_were_paid_for(tmp_path: Path, cerbos) -> None:
    policies, _, commands = disputed(tmp_path, {**DISPUTED, "edits": [RAISE, RIGHT]})
    old = Lock.of(Bundle({"purchase.yaml": POLICY, "purchase_test.yaml": OWN}))
    done = document(answered(commands, "--release "))
    assert done["outcome"] == "green", done
    assert [attempt["number"] for attempt in done["attempts"]] == [1], "nothing was asked again"
    assert done["released"] == ["Purchases / the limit: bob approve laptop"]
    new = Bundle({path: text.decode() for path, text in picture(policies).items()})
    assert [(one.id.principal, one.id.resource) for one in old.lost_in(new)] == [("bob", "laptop")]


def test_released_without_edits_the_model_is_told_and_goes_on(tmp_path: Path, cerbos) -> None:
    _, _, commands = disputed(tmp_path, DISPUTED, {"edits": [RAISE, RIGHT]})
    done = document(answered(commands, "--release "))
    assert done["outcome"] == "green", done
    assert "released the disputed test" in done["attempts"][0]["refusal"]


def test_kept_it_goes_on_and_the_test_stays_locked(tmp_path: Path, cerbos) -> None:
    policies, _, commands = disputed(tmp_path, DISPUTED, {"edits": [RAISE, RIGHT]}, {"edits": [CLERKS]})
    done = document(answered(commands, "--keep"))
    assert done["outcome"] == "green", done
    assert "keeps the disputed test" in done["attempts"][0]["refusal"]
    assert done["attempts"][1]["weakened"][0]["resource"] == "laptop"
    assert done["released"] == []
    assert "amount <= 900" in (policies / "purchase.yaml").read_text()


# --- nothing else goes with it


def test_without_an_answer_nothing_goes_on(tmp_path: Path, cerbos) -> None:
    policies, done, _ = disputed(tmp_path, DISPUTED)
    asked = ("run", "--resume", done["run"], "--policies", policies, "--model-command", f"{sys.executable} -c 1")
    refused = policyloop(*asked, "--runner", "native")
    assert refused.code == 5
    assert "nobody has said what becomes of it" in refused.err


@pytest.mark.parametrize("other", [{"resource": "car"}, {"principal": "bea"}, {"resource": "*"}])
def test_an_answer_to_another_test_is_none(other: dict[str, str], tmp_path: Path, cerbos) -> None:
    policies, done, _ = disputed(tmp_path, DISPUTED)
    file = tmp_path / "other.yaml"
    file.write_text(json.dumps({"releases": [{**DISPUTE, **other, "reason": "r"}]}))
    asked = ("run", "--resume", done["run"], "--policies", policies, "--release", file)
    refused = policyloop(*asked, "--model-command", f"{sys.executable} -c 1", "--runner", "native")
    assert refused.code == 5
    assert "nobody has said what becomes of it" in refused.err


def test_an_answer_does_not_carry_over_to_changed_files(tmp_path: Path, cerbos) -> None:
    policies, _, commands = disputed(tmp_path, {**DISPUTED, "edits": [RAISE, RIGHT]})
    suite = policies / "purchase_test.yaml"
    suite.write_text(suite.read_text().replace("amount: 3000", "amount: 30"))
    before = picture(policies)
    done = answered(commands, "--release ")
    assert done.code == 5
    assert "is not what it was" in done.err
    assert picture(policies) == before


def test_edits_beside_a_dispute_weaken_nothing_else(tmp_path: Path, cerbos) -> None:
    """The person let one test go; the proposal that came with the dispute takes another one along."""
    away = {"path": "purchase_test.yaml", "old": "resources: [lunch, laptop, car]", "new": "resources: [lunch, laptop]"}
    policies, _, commands = disputed(tmp_path, {**DISPUTED, "edits": [RAISE, RIGHT, away]})
    before = picture(policies)
    done = document(answered(commands, "--release "))
    assert done["outcome"] != "green"
    assert {one["resource"] for one in done["attempts"][0]["weakened"]} == {"car"}
    assert picture(policies) == before


def test_a_dispute_that_names_no_test_offers_no_release(tmp_path: Path, cerbos) -> None:
    wrong = {"edits": [], "dispute": {**DISPUTED["dispute"], "resource": "*"}}
    policies, _, commands = disputed(tmp_path, wrong)
    assert not [command for command in commands if "--release" in command]
    assert [command for command in commands if "--keep" in command]
    assert not list((policies.parent / ".policyloop" / "runs").glob("*/release.yaml"))


def test_keeping_is_an_answer_to_a_dispute_only(tmp_path: Path) -> None:
    policies = lay({"purchase.yaml": POLICY}, tmp_path / "project" / "policies")
    refused = run(policies, "Up to 5000.", "--no-spec", "--keep", model="true")
    assert refused.code == 2
    assert "no test is disputed" in refused.err
