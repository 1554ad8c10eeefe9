"""Holes on the real compiler and the real server: found where they are, not where they are not."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from bundles import read, synthetic
from command import DOCS, FIXED, lay, picture, policyloop
from policyloop.access.lint import CODES, LintResult, lint
from policyloop.access.pdp import Settings
from policyloop.bundle import Bundle
from policyloop.cerbos.run import Runner
from policyloop.guard.demand import ALLOW, DENY
from policyloop.schemas import schema_of
from worked import EXAMPLES

HEAD = "apiVersion: api.cerbos.dev/v1\n"
SUITE = """\
name: Docs
principals: {ann: {id: ann, roles: [user]}, ian: {id: ian, roles: [intern, user]}}
resources: {doc: {kind: doc, id: d1, attr: {owner: ann, secret: false}}}
tests:
  - name: strangers
    input: {principals: [ian], resources: [doc], actions: [purge]}
    expected: [{principal: ian, resource: doc, actions: {purge: EFFECT_DENY}}]
"""
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
IGNORED = "  schemas: {resourceSchema: {ref: 'cerbos:///doc.json', ignoreWhen: {actions: ['*']}}}\n"
CONSENT = "  scopePermissions: SCOPE_PERMISSIONS_REQUIRE_PARENTAL_CONSENT_FOR_ALLOWS\n"
VARIABLES = (
    "  variables: {local: {mine: 'R.attr.owner == P.id', idle: 'P.id'}}\n  constants: {local: {most: 3, none: 4}}\n"
)
ROLE = "{0}rolePolicy:\n  role: clerk\n{1}  rules: [{{resource: doc, allowActions: [{2}]}}]\n"
USED = f"{OWN} && V.mine && C.most > 2"

HOLES: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "deny-fails-open": (
        {"doc.yaml": policy(READ, rule("read", "DENY", "roles: ['*']", "R.attr.secret"))},
        {
            "doc.yaml": policy(
                READ, rule("read", "DENY", "roles: ['*']", "!has(R.attr.secret) || R.attr.secret == true")
            )
        },
    ),
    "deny-defeated": (
        {"doc.yaml": policy(READ, rule("read", "DENY", "roles: [intern]"))},
        {"doc.yaml": policy(READ, rule("read", "DENY", "roles: ['*']", "'intern' in P.roles"))},
    ),
    "wildcard-action": (
        {"doc.yaml": policy(rule("'*'", "ALLOW", "roles: [user]", "has(R.attr.owner) && " + OWN))},
        {"doc.yaml": policy(rule("read, 'edit:*'", "ALLOW", "roles: [user]"), rule("'*'", "DENY", "roles: [user]"))},
    ),
    "wildcard-role": (
        {"doc.yaml": policy(rule("read", "ALLOW", "roles: ['*']"))},
        {"doc.yaml": policy(READ)},
    ),
    "rule-shadowed": (
        {"doc.yaml": policy(READ, rule("read", "ALLOW", "roles: [user]", OWN, "owners"))},
        {"doc.yaml": policy(READ, rule("read, edit", "ALLOW", "roles: [user]", OWN, "owners"))},
    ),
    "role-policy-grants-nothing": (
        {"doc.yaml": policy(READ), "clerk.yaml": ROLE.format(HEAD, "", "read")},
        {"doc.yaml": policy(READ), "clerk.yaml": ROLE.format(HEAD, "  parentRoles: [user]\n", "read")},
    ),
    "schema-ignored": (
        {"doc.yaml": policy(READ, more=IGNORED), "_schemas/doc.json": SCHEMA},
        {"doc.yaml": policy(READ, more=REF), "_schemas/doc.json": SCHEMA},
    ),
    "rules-confused": (
        {"doc.yaml": policy(READ), "note.yaml": policy(READ, more=CONSENT).replace("resource: doc", "resource: note")},
        {"doc.yaml": policy(READ), "note.yaml": policy(READ).replace("resource: doc", "resource: note")},
    ),
    "schema-unused": (
        {"doc.yaml": policy(READ), "_schemas/doc.json": SCHEMA},
        {"doc.yaml": policy(READ, more=REF), "_schemas/doc.json": SCHEMA},
    ),
    "schema-enforcement-unknown": (
        {"doc.yaml": policy(READ, more=REF), "_schemas/doc.json": SCHEMA},
        {"doc.yaml": policy(READ)},
    ),
    "no-denial-test": (
        {"doc.yaml": policy(READ), "doc_test.yaml": SUITE.replace("DENY", "ALLOW").replace("purge", "read")},
        {"doc.yaml": policy(READ)},
    ),
    "import-unused": (
        {"doc.yaml": policy(READ, more=IMPORT), "people.yaml": DERIVED},
        {"doc.yaml": policy(rule("read", "ALLOW", "derivedRoles: [owner]"), more=IMPORT), "people.yaml": DERIVED},
    ),
    "derived-role-unused": (
        {"doc.yaml": policy(READ), "people.yaml": DERIVED},
        {
            "doc.yaml": policy(
                rule("read", "ALLOW", "roles: [user]", "'owner' in runtime.effectiveDerivedRoles"), more=IMPORT
            ),
            "people.yaml": DERIVED,
        },
    ),
    "variable-unused": (
        {"doc.yaml": policy(rule("read", "ALLOW", "roles: [user]", USED), more=VARIABLES)},
        {"doc.yaml": policy(rule("read", "ALLOW", "roles: [user]", USED + " && V.idle == P.id"), more=VARIABLES)},
    ),
    "constant-unused": (
        {"doc.yaml": policy(rule("read", "ALLOW", "roles: [user]", USED), more=VARIABLES)},
        {"doc.yaml": policy(rule("read", "ALLOW", "roles: [user]", USED + " && constants.none > 0"), more=VARIABLES)},
    ),
}
SHOWN = {
    "deny-fails-open": ALLOW,
    "deny-defeated": ALLOW,
    "wildcard-action": ALLOW,
    "wildcard-role": ALLOW,
    "role-policy-grants-nothing": DENY,
}


def look(cerbos: Runner, files: Mapping[str, str], enforcement: str | None = None) -> LintResult:
    return lint(cerbos, Bundle({"doc_test.yaml": SUITE, **files}), "policies", settings=NATIVE, enforcement=enforcement)


@pytest.mark.parametrize("code", HOLES)
def test_a_hole_is_found_and_what_closes_it_is_not(code: str, cerbos: Runner) -> None:
    open_, closed = HOLES[code]
    found = [one for one in look(cerbos, open_).holes if one.code == code]
    assert len(found) == 1, found
    assert found[0].line is not None
    assert found[0].excerpt
    shown = found[0].witness
    assert (shown.effect if shown else None) == SHOWN.get(code)
    assert shown is None or shown.confirmed_by == "server"
    assert [one for one in look(cerbos, closed).holes if one.code == code] == []


def test_every_code_is_tried() -> None:
    assert set(CODES) == {*HOLES, "schema-not-enforced"}


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
    assert found == {"deadlines": ["deny-fails-open"], "salaries": [], "tickets": []}
    generated = lint(cerbos, synthetic(1), "p", settings=NATIVE)
    assert {one.code for one in generated.holes} <= {"deny-fails-open", "schema-enforcement-unknown", "deny-defeated"}


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
