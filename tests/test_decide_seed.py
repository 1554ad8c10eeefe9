"""Policies written for Cerbos Synapse, put before a real PDP as they are (`fixtures/decision-point/seed`)."""

from collections.abc import Iterator
from typing import Any

import pytest

from asked_pdp import asking
from bundles import FIXTURES, read
from policyloop.cerbos.run import Runner
from policyloop.decide.answer import answer
from policyloop.decide.call import Call, Identity
from policyloop.decide.judge import Ask, judge

SEED = FIXTURES / "decision-point" / "seed"
ENGINEER, MARKETING, NOBODY = ("engineer",), ("marketing",), ()
FILES, PEOPLE = "Sensitive files stay closed to agents.", "Destructive commands are for people."
READS_ONLY = "mia may read here, and no more."

Line = tuple[str, dict[str, str], tuple[str, ...], str]
"""A tool, its input, the roles of who asks, and the reason of the denial; empty where it is allowed."""
IN_FILES: list[Line] = [
    ("Read", {"file_path": "/app/.env.production"}, ENGINEER, FILES),
    ("Edit", {"file_path": "/app/secrets/a.txt"}, ENGINEER, FILES),
    ("Write", {"file_path": "/app/key.pem"}, ENGINEER, FILES),
    ("Read", {"file_path": "/app/a.txt"}, ENGINEER, ""),
]
IN_COMMANDS: list[Line] = [
    ("Bash", {"command": "rm -rf build"}, ENGINEER, PEOPLE),
    ("Bash", {"command": "git push --force"}, ENGINEER, PEOPLE),
    ("Bash", {"command": "psql -c 'DROP  TABLE a'"}, ENGINEER, PEOPLE),
    ("Bash", {"command": "git status"}, ENGINEER, ""),
    # What text alone does not show: why the starter bundle looks at effects.
    ("Bash", {"command": "rm -r -f build"}, ENGINEER, ""),
    ("Bash", {"command": "git push -f"}, ENGINEER, ""),
    ("Bash", {"command": "cat .env"}, ENGINEER, ""),
]
IN_ROLES: list[Line] = [
    ("Bash", {"command": "git status"}, ENGINEER, ""),
    ("Bash", {"command": "git status"}, MARKETING, READS_ONLY),
    ("Edit", {"file_path": "/app/a.txt"}, MARKETING, READS_ONLY),
    ("Read", {"file_path": "/app/a.txt"}, MARKETING, ""),
    ("mcp__crm__find", {"name": "x"}, MARKETING, "A policy of your organisation does not allow this."),
    ("mcp__crm__find", {"name": "x"}, ENGINEER, ""),
    # Cerbos takes the better of two roles: a denial of one role alone does not hold for who has another.
    ("Bash", {"command": "git status"}, (*ENGINEER, *MARKETING), ""),
    ("Bash", {"command": "git status"}, NOBODY, "A policy of your organisation does not allow this."),
]
LINES = {
    "sensitive-files": IN_FILES,
    "roles": IN_ROLES,
    "destructive-commands": IN_COMMANDS,
    "together": IN_FILES + IN_ROLES + IN_COMMANDS,
}


@pytest.fixture(scope="module", params=sorted(LINES))
def served(request: pytest.FixtureRequest, cerbos: Runner) -> Iterator[tuple[list[Line], Ask]]:
    with asking(read(SEED / request.param)) as ask:
        yield LINES[request.param], ask


def test_a_policy_for_synapse_works_as_it_is(served: tuple[list[Line], Ask]) -> None:
    lines, ask = served
    for tool, given, roles, reason in lines:
        decision, _ = judge(_call(tool, given, roles), ask)
        assert (decision.trouble, decision.effect) == ("", "deny" if reason else "allow"), (tool, given, roles)
        if not reason:
            continue
        assert decision.reason == reason
        said: dict[str, Any] = answer("PreToolUse", decision)["hookSpecificOutput"]
        assert said == {
            "hookEventName": "PreToolUse",
            "permissionDecision": "deny",
            "permissionDecisionReason": reason,
        }


def _call(tool: str, given: dict[str, str], roles: tuple[str, ...]) -> Call:
    who = Identity(subject="mia", roles=roles, verified="token" if roles else "none")
    return Call(event="PreToolUse", tool=tool, input=given, cwd="/app", identity=who, id="c1")
