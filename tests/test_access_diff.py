"""`policyloop diff`: verdicts, exit codes and documents on the real command line."""

import json
import subprocess
from pathlib import Path

import pytest

from bundles import FIXTURES
from command import FIXED, Done, lay, policyloop
from published_schemas import hold_to_schema

PAIRS = FIXTURES / "access" / "pairs"
LOOSE = FIXED.replace("R.attr.owner == P.id", "R.attr.owner == P.id || R.attr.tenant != 'x'", 1)
QUICK = ("--runner", "native", "--requests", "1500", "--prove", "off")


def diff(*arguments: object, cwd: Path | None = None) -> Done:
    return policyloop("diff", *arguments, *QUICK, cwd=cwd)


@pytest.mark.compiler
def test_wider_ends_in_7_with_the_request_and_the_rule() -> None:
    done = diff(PAIRS / "other-tenant" / "old", PAIRS / "other-tenant" / "new", "--format", "json")
    assert done.code == 7
    hold_to_schema(done.json, "diff")
    assert (done.json["outcome"], done.json["result"]) == ("wider", "FAIL")
    first = done.json["reasons"][0]
    assert (first["direction"], first["engine"], first["roles"]) == ("wider", "decisions", ["manager"])
    assert (first["after"]["file"], first["after"]["rule"]) == ("doc.yaml", "rule-002")
    lines = (PAIRS / "other-tenant" / "new" / "doc.yaml").read_text().splitlines()
    assert lines[first["after"]["line"] - 1].strip().startswith("- actions: [read, update]")
    assert (first["before"]["effect"], first["after"]["effect"]) == ("EFFECT_DENY", "EFFECT_ALLOW")
    assert done.json["requests"] > 100


@pytest.mark.compiler
def test_only_wider_makes_7() -> None:
    done = diff(PAIRS / "boundary-lower" / "old", PAIRS / "boundary-lower" / "new", "--format", "json")
    assert done.code == 0
    hold_to_schema(done.json, "diff")
    assert [one["direction"] for one in done.json["reasons"]] == ["narrower"]
    assert done.json["reasons"][0]["request"]["resource"]["attr"] == {"amount": 1000}


@pytest.mark.compiler
@pytest.mark.parametrize("form", ["plain", "rich", "github"])
def test_people_are_told_who_may_do_what_and_why(form: str) -> None:
    pair = PAIRS / "boundary-inclusive"
    done = diff(pair / "old", pair / "new", "--format", form)
    assert done.code == 7
    told = " ".join(done.out.split())
    assert "WIDER: user may read doc: denied before, allowed by rule-001 (doc.yaml:6) now" in told
    assert '"amount": 1000' in told
    if form == "github":
        assert f"::error file={pair / 'new'}/doc.yaml,line=6,title=access/wider::" in done.out


@pytest.mark.compiler
def test_the_same_seed_gives_the_same_answer() -> None:
    pair = PAIRS / "and-to-or"
    first, second = (diff(pair / "old", pair / "new", "--seed", "7", "--format", "json").json for _ in range(2))
    del first["moment"], second["moment"]
    assert first == second


@pytest.mark.compiler
def test_without_arguments_the_working_tree_is_held_against_head(tmp_path: Path) -> None:
    lay({"policies/doc.yaml": FIXED}, tmp_path)
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@t.example", "-C", str(tmp_path)]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run([*git, *command], check=True)
    assert diff(cwd=tmp_path).code == 0
    lay({"policies/doc.yaml": LOOSE}, tmp_path)
    assert diff(cwd=tmp_path).code == 7
    assert diff("policies", cwd=tmp_path).code == 7
    assert diff("HEAD", "policies", cwd=tmp_path).code == 7
    assert diff("HEAD", "HEAD", cwd=tmp_path).code == 0
    assert diff("policies", "HEAD", cwd=tmp_path).code == 0


@pytest.mark.compiler
def test_a_rule_is_accepted_by_name_and_hides_nothing_else(tmp_path: Path) -> None:
    head = FIXED.partition("    - actions: [read]")[0]
    new = "    - {{actions: [{}], name: {}, effect: EFFECT_ALLOW, roles: [user]}}\n"
    lay({"old/doc.yaml": FIXED, "new/doc.yaml": FIXED + new.format("audit", "audits")}, tmp_path)
    assert diff("old", "new", cwd=tmp_path).code == 7
    done = diff("old", "new", "--allow", "audits", "--format", "json", cwd=tmp_path)
    assert done.code == 0
    assert [one["asked_for"] for one in done.json["reasons"]] == ["audits"]
    # The accepted rule lets in all that the other one does, so each witness could be laid at its door.
    lay({"new/doc.yaml": head + new.format("read, write", "audits") + new.format("read, write", "other")}, tmp_path)
    done = diff("old", "new", "--allow", "audits", "--format", "json", cwd=tmp_path)
    assert done.code == 7
    left = {(one["action"], one["after"]["rule"]) for one in done.json["reasons"] if one["asked_for"] is None}
    assert left == {("read", "other"), ("write", "other")}


@pytest.mark.compiler
def test_a_rule_is_not_accepted_because_another_one_has_its_name(tmp_path: Path) -> None:
    rule = "    - {actions: [audit], name: audits, effect: EFFECT_ALLOW, roles: [user]}\n"
    other = FIXED.replace("resource: doc", "resource: bill")
    lay(
        {f"{side}/{name}": text for side in "ab" for name, text in (("bill.yaml", other), ("doc.yaml", FIXED))},
        tmp_path,
    )
    lay({"b/bill.yaml": other + rule, "b/doc.yaml": FIXED + rule}, tmp_path)
    done = diff("a", "b", "--allow", "audits", cwd=tmp_path)
    assert done.code == 2
    assert "Say which one: bill.yaml:audits, doc.yaml:audits." in done.err
    done = diff("a", "b", "--allow", "doc.yaml:audits", "--format", "json", cwd=tmp_path)
    assert done.code == 7
    left = {(one["resource"], one["asked_for"]) for one in done.json["reasons"]}
    assert left == {("bill", None), ("doc", "doc.yaml:audits")}
    assert diff("a", "b", "--allow", "doc.yaml:audits", "--allow", "bill.yaml:audits", cwd=tmp_path).code == 0


def _with_rule(condition: str, *more: str) -> str:
    return FIXED + "".join(
        f"    - actions: [read]\n      effect: EFFECT_ALLOW\n      roles: [user]\n"
        f"      condition: {{match: {{expr: {json.dumps(one)}}}}}\n"
        for one in (condition, *more)
    )


@pytest.mark.compiler
@pytest.mark.parametrize(
    ("condition", "shows"),
    [
        (" || ".join(f"R.attr.k == 'v{n}'" for n in range(600)), '"k": "v'),
        ("R.attr.k == b'abc' || R.attr.k in [b'x', 'abc']", '"k": "abc"'),
        ("timestamp(R.attr.t) == timestamp('0001-01-01T00:00:00Z')", '"t": "0001-01-01T00:00:00Z"'),
        ("request.aux_data.jwt.aud == 5 || request.aux_data.jwt.exp == 'x' || R.attr.k == 'y'", '"k": "y"'),
        ("request.aux_data.jwt.iss == 'so' + 'me'", '"iss": "some"'),
        ("P.attr['k' + '1'] == 'so' + 'me'", '"k1": "some"'),
    ],
)
def test_odd_conditions_hide_nothing(condition: str, shows: str, tmp_path: Path) -> None:
    lay({"old/doc.yaml": FIXED, "new/doc.yaml": _with_rule(condition)}, tmp_path)
    done = diff("old", "new", cwd=tmp_path)
    assert (done.code, "policyloop:" in done.err) == (7, False), done.err
    assert shows in done.out


@pytest.mark.compiler
def test_what_is_left_unproved_is_said(tmp_path: Path) -> None:
    pytest.importorskip("z3")
    lay({"old/doc.yaml": FIXED, "new/doc.yaml": _with_rule("P.roles.map(r, size(r)) == [77]")}, tmp_path)
    done = policyloop("diff", "old", "new", "--runner", "native", "--requests", "1500", cwd=tmp_path)
    assert done.code == 0
    assert "a condition looks at principal.roles of whoever asks" in done.out
    assert " 0 not proved" not in done.out
    roles = "".join(f"    - {{actions: [a{n}], effect: EFFECT_ALLOW, roles: [r{n}]}}\n" for n in range(30))
    lay({"old/doc.yaml": FIXED + roles, "new/doc.yaml": _with_rule("false") + roles}, tmp_path)
    done = policyloop("diff", "old", "new", "--runner", "native", "--requests", "1500", cwd=tmp_path)
    assert done.code == 0
    assert "not proved, because only 400 of " in done.out
    assert "proved that nothing gets in for 400 questions, " in done.out
    assert " 0 not proved" not in done.out


@pytest.mark.compiler
def test_what_compiles_not_is_told_as_by_check(tmp_path: Path) -> None:
    lay({"old/doc.yaml": FIXED, "new/doc.yaml": FIXED.replace("P.id", "P.id +", 1)}, tmp_path)
    done = diff("old", "new", "--format", "json", cwd=tmp_path)
    assert done.code == 3
    hold_to_schema(done.json, "check")
    assert done.json["findings"][0]["file"] == "doc.yaml"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("old", "gone"), "neither a directory nor a git revision|in no git work tree"),
        (("old", "new", "--allow", "rule-0001"), "Did you mean 'rule-001'"),
        (("old", "new", "--requests", "1"), "--requests"),
        ((), "There is no policy directory policies"),
    ],
)
def test_mistakes_are_told_in_a_sentence(arguments: tuple[str, ...], says: str, tmp_path: Path) -> None:
    lay({"old/doc.yaml": FIXED, "new/doc.yaml": FIXED}, tmp_path)
    done = policyloop("diff", *arguments, "--runner", "native", cwd=tmp_path)
    assert done.code == 2
    assert any(part in done.err for part in says.split("|")), done.err


@pytest.mark.compiler
def test_secrets_in_a_witness_are_not_shown(tmp_path: Path) -> None:
    secret = "AKIAIOSFODNN7EXAMPLE"
    lay(
        {"old/doc.yaml": FIXED, "new/doc.yaml": FIXED.replace("R.attr.owner == P.id", f"R.attr.k == '{secret}'")},
        tmp_path,
    )
    for form in ("plain", "json"):
        done = diff("old", "new", "--format", form, cwd=tmp_path)
        assert done.code == 7
        assert secret not in done.out + done.err
        assert "[redacted]" in done.out


def test_the_schema_is_published() -> None:
    done = policyloop("schema", "diff")
    assert json.loads(done.out)["title"] == "policyloop diff"
