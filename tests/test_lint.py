"""Holes on the real compiler and the real server: found where they are, not where they are not."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from bundles import FIXTURES, read, synthetic
from command import DOCS, FIXED, lay, picture, policyloop
from policyloop.access.lint import CODES, Hole, LintResult, lint
from policyloop.access.pdp import Settings
from policyloop.bundle import Bundle, Write
from policyloop.cerbos.run import Runner
from policyloop.documents.published import schema_of
from policyloop.effects import ALLOW
from worked import EXAMPLES

HEAD = "apiVersion: api.cerbos.dev/v1\n"
NATIVE = Settings(runner="native")


def policy(*rules: str, more: str = "") -> str:
    listed = "".join(f"    - {rule}\n" for rule in rules)
    return f"{HEAD}resourcePolicy:\n  resource: doc\n  version: default\n{more}  rules:\n{listed}"


def rule(actions: str, effect: str, roles: str, condition: str = "", name: str = "") -> str:
    parts = [f"name: {name}"] if name else []
    parts += [f"actions: [{actions}], effect: EFFECT_{effect}, {roles}"]
    parts += [f'condition: {{match: {{expr: "{condition}"}}}}'] if condition else []
    return f"{{{', '.join(parts)}}}"


READ = rule("read", "ALLOW", "roles: [user]")
OWN = "R.attr.owner == P.id"
DERIVED = f"""\
{HEAD}derivedRoles:
  name: people
  definitions:
    - {{name: owner, parentRoles: [user], condition: {{match: {{expr: "{OWN}"}}}}}}
"""
IMPORT = "  importDerivedRoles: [people]\n"
SCHEMA = json.dumps({"type": "object", "properties": {"secret": {"type": "boolean"}}, "required": ["secret"]})
REF = "  schemas: {resourceSchema: {ref: 'cerbos:///doc.json'}}\n"

CASES = FIXTURES / "lint"
BASE = read(CASES / "base")


@dataclass(frozen=True)
class Case:
    """A folder of fixtures/lint: `open/` has the hole, `closed/` has not; both lie over `base/`."""

    code: str

    def bundle(self, side: str) -> Bundle:
        return BASE.apply([Write(path, text) for path, text in read(CASES / self.code / side).files.items()])

    def said(self, name: str) -> str | None:
        file = CASES / self.code / "case.yaml"
        said = yaml.safe_load(file.read_text()) if file.exists() else {}
        return said.get(name)

    def holes(self, cerbos: Runner, side: str) -> list[Hole]:
        """What is found of this code."""
        enforcement = self.said("enforcement")
        result = lint(cerbos, self.bundle(side), "policies", settings=NATIVE, enforcement=enforcement)
        return [one for one in result.holes if one.code == self.code]


HOLES = sorted(path.name for path in CASES.iterdir() if path.is_dir() and path != CASES / "base")


def look(cerbos: Runner, files: Mapping[str, str], enforcement: str | None = None) -> LintResult:
    bundle = BASE.apply([Write(path, text) for path, text in files.items()])
    return lint(cerbos, bundle, "policies", settings=NATIVE, enforcement=enforcement)


@pytest.mark.parametrize("code", HOLES)
def test_a_hole_is_found_and_what_closes_it_is_not(code: str, cerbos: Runner) -> None:
    case = Case(code)
    found = case.holes(cerbos, "open")
    assert len(found) == 1, found
    assert found[0].line is not None
    assert found[0].excerpt
    shown = found[0].witness
    assert (shown.effect if shown else None) == case.said("shown")
    assert shown is None or shown.confirmed_by == "server"
    assert case.holes(cerbos, "closed") == []


def test_every_code_is_tried() -> None:
    assert set(CODES) == set(HOLES)


def test_a_deny_of_a_derived_role_is_defeated_as_well(cerbos: Runner) -> None:
    rules = (
        rule("read", "ALLOW", "roles: [user, editor]"),
        rule("read", "DENY", "derivedRoles: [owner]", "", "not-own"),
    )
    result = look(cerbos, {"doc.yaml": policy(*rules, more=IMPORT), "people.yaml": DERIVED})
    found = next(one for one in result.holes if one.code == "deny-defeated")
    assert found.witness is not None
    assert found.witness.question.request.principal.roles == ("editor", "user")
    assert "not-own" in found.message


def test_a_schema_hides_a_hole_only_where_it_is_enforced(cerbos: Runner) -> None:
    files = {
        "doc.yaml": policy(READ, rule("read", "DENY", "roles: ['*']", "R.attr.secret"), more=REF),
        "_schemas/doc.json": SCHEMA,
    }
    unknown = look(cerbos, files)
    fails = next(one for one in unknown.holes if one.code == "deny-fails-open")
    assert fails.witness is not None
    assert "does not enforce the schemas" in fails.witness.because
    off = look(cerbos, files, "warn")
    found = next(one for one in off.holes if one.code == "schema-not-enforced")
    assert found.witness is not None
    assert (found.witness.effect, found.witness.confirmed_by) == (ALLOW, "server")
    codes = {one.code for one in look(cerbos, files, "reject").holes}
    assert not codes & {"schema-not-enforced", "schema-enforcement-unknown"}


def test_what_depends_on_the_moment_stays_with_the_engine(cerbos: Runner) -> None:
    late = "now() > timestamp(R.attr.ends)"
    result = look(cerbos, {"doc.yaml": policy(READ, rule("read", "DENY", "roles: ['*']", late))})
    assert [one.code for one in result.holes] == ["deny-fails-open"]


def test_the_worked_examples_and_a_generated_bundle(cerbos: Runner) -> None:
    found = {
        path.name: [one.code for one in lint(cerbos, read(path / "policies"), "p", settings=NATIVE).holes]
        for path in EXAMPLES
    }
    assert found == {
        "cover": ["deny-fails-open"],
        "deadlines": ["deny-fails-open"],
        "limits": ["deny-fails-open"],
        "regions": [],
        "salaries": [],
        "tickets": [],
    }
    generated = lint(cerbos, synthetic(1), "p", settings=NATIVE)
    assert {one.code for one in generated.holes} <= {"deny-fails-open", "schema-enforcement-unknown", "deny-defeated"}


@pytest.mark.compiler
def test_the_command_line(tmp_path: Path) -> None:
    files = {**DOCS, "doc.yaml": FIXED.replace("[user]", "['*']")}
    policies = lay(files, tmp_path / "policies")
    before = picture(policies)
    done = policyloop("lint", policies, "--runner", "native", "--format", "json")
    assert done.code == 0, done.err
    Draft202012Validator(schema_of("lint")).validate(done.json)
    assert {one["code"] for one in done.json["findings"]} == {"wildcard-role"}
    plain = policyloop("lint", policies, "--runner", "native", "--format", "plain", "--fail-on", "warning")
    assert plain.code == 4
    assert "shown by: " in plain.out
    assert picture(policies) == before
    broken = lay({"doc.yaml": "apiVersion: nothing\n"}, tmp_path / "broken")
    assert policyloop("lint", broken, "--runner", "native").code == 3
    config = tmp_path / "server.yaml"
    config.write_text("schema: {enforcement: sometimes}\n")
    (tmp_path / "empty").mkdir()
    empty = policyloop("lint", tmp_path / "empty", "--runner", "native")
    assert (empty.code, "holds no policies" in empty.err) == (2, True)
    odd = policyloop("lint", policies, "--server-config", config)
    assert (odd.code, "Cerbos knows none, warn, reject" in odd.err) == (2, True)
