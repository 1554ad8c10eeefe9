"""What a model is shown of a bundle: what matters to the findings, bounded whatever the size of the bundle."""

import json

import pytest

from policyloop.bundle import Bundle, Delete, Replace, Write
from policyloop.compose import MAX_BYTES, MAX_FILE_BYTES, compose
from policyloop.compose.index import MAX_ENTRIES
from policyloop.compose.scan import Catalogue
from policyloop.findings import AssertionId, ErrorClass, Finding
from policyloop.models import references
from policyloop.models.render import render
from policyloop.redact import MARK
from policyloop.shown import CUT_MARK, blind_rewrite, cut, is_cut
from tasks import finding, task


def policy(kind: str, body: str = "", scope: str = "") -> str:
    where = f"  scope: {scope}\n" if scope else ""
    rule = "  rules:\n    - actions: [view]\n      effect: EFFECT_ALLOW\n      roles: [user]\n"
    return (
        f"apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: {kind}\n  version: default\n{where}{body}{rule}"
    )


def export(what: str, name: str, body: str = "") -> str:
    return f"apiVersion: api.cerbos.dev/v1\n{what}:\n  name: {name}\n{body}"


SUITE = "name: S\ntests:\n  - name: T\n    input: {principals: [ann], resources: [pay1], actions: [view]}\n"
HR = Bundle(
    {
        "hr/salary.yaml": policy(
            "salary",
            "  importDerivedRoles:\n    # those of the house\n    - hr_roles\n\n    - 'more_roles'\n"
            "  constants: {import: [limits]}\n"
            "  schemas:\n    resourceSchema:\n      ref: cerbos:///salary.json\n",
        ),
        "hr/salary_acme.yaml": policy("salary", scope="acme"),
        "hr/salary_acme_uk.yaml": policy("salary", scope="acme.uk"),
        "hr/salary_other.yaml": policy("salary", scope="other"),
        "hr/review.yaml": policy("review"),
        "hr/roles.yaml": export("derivedRoles", "hr_roles", "  variables:\n    import: [facts]\n"),
        "hr/more.json": json.dumps({"derivedRoles": {"name": "more_roles", "definitions": []}}),
        "hr/facts.yaml": export("exportVariables", "facts"),
        "hr/limits.yaml": export("exportConstants", "limits"),
        "hr/unused.yaml": export("exportConstants", "unused"),
        "hr/ann.yaml": "principalPolicy:\n  principal: ann-id\n  version: default\n",
        "hr/bob.yaml": "principalPolicy:\n  principal: bob-id\n  version: default\n",
        "hr/clerk.yaml": "rolePolicy:\n  role: clerk\n",
        "hr/salary_test.yaml": SUITE,
        "hr/testdata/principals.yaml": "principals:\n  ann: {id: ann-id, roles: [clerk]}\n",
        "hr/testdata/resources.yaml": "resources:\n  pay1: {kind: salary, id: s1, scope: acme.uk}\n",
        "_schemas/salary.json": '{"$ref": "cerbos:///money.json"}',
        "_schemas/money.json": "{}",
        "_schemas/else.json": "{}",
        "crm/lead.yaml": policy("lead"),
    }
)
FAILING = finding(
    error_class=ErrorClass.TEST,
    code="failed",
    file="hr/salary_test.yaml",
    line=3,
    assertion=AssertionId("hr/salary_test.yaml", "S", "T", "ann", "pay1", "view"),
)


def test_a_failing_assertion_brings_what_decides_on_it() -> None:
    shown = compose(HR, [FAILING]).files
    assert set(shown) == {
        "hr/salary.yaml",
        "hr/salary_acme.yaml",
        "hr/salary_acme_uk.yaml",
        "hr/ann.yaml",
        "hr/clerk.yaml",
        "hr/roles.yaml",
        "hr/more.json",
        "hr/facts.yaml",
        "hr/limits.yaml",
        "_schemas/salary.json",
        "_schemas/money.json",
        "hr/salary_test.yaml",
        "hr/testdata/principals.yaml",
        "hr/testdata/resources.yaml",
    }
    assert shown["hr/salary.yaml"] == HR["hr/salary.yaml"]
    assert list(shown).index("hr/salary.yaml") < list(shown).index("hr/salary_test.yaml")


def test_a_fixture_in_the_suite_shadows_the_file_beside_it() -> None:
    suite = SUITE + "resources:\n  pay1: {kind: review, id: r1}\n"
    bundle = Bundle({**HR.files, "hr/salary_test.yaml": suite})
    assert Catalogue(bundle).subject_of("hr/salary_test.yaml", "ann", "pay1").kinds == {"review"}
    assert "hr/review.yaml" in compose(bundle, [FAILING]).files


@pytest.mark.parametrize(
    "broken", ["resources: [", "resources:\n  pay1: &a\n   kind: salary\n  pay1: *b\n", "[" * 200_000]
)
def test_fixtures_that_cannot_be_read_still_lead_to_their_kinds(broken: str) -> None:
    bundle = Bundle({**HR.files, "hr/testdata/resources.yaml": broken + "\n  x: {kind: salary}\n"})
    assert "hr/salary.yaml" in compose(bundle, [FAILING]).files


def test_an_import_that_leads_nowhere_brings_the_sets_with_similar_names() -> None:
    bundle = Bundle({**HR.files, "hr/bad.yaml": policy("bad", "  importDerivedRoles: [hr_role]\n")})
    lost = finding(error_class=ErrorClass.COMPILE, file="hr/bad.yaml", message="import not found: hr_role")
    shown = compose(bundle, [lost]).files
    assert next(iter(shown)) == "hr/bad.yaml"
    assert "hr/roles.yaml" in shown
    assert "hr/limits.yaml" not in shown


def test_files_named_in_a_message_are_shown() -> None:
    twice = finding(file="hr/salary.yaml", message='duplicate definition: also in "hr/review.yaml".')
    assert list(compose(HR, [twice]).files)[:2] == ["hr/salary.yaml", "hr/review.yaml"]


def test_a_scoped_policy_brings_those_above_it() -> None:
    shown = compose(HR, [finding(file="hr/salary_acme_uk.yaml")]).files
    assert {"hr/salary.yaml", "hr/salary_acme.yaml"} <= set(shown)
    assert "hr/salary_other.yaml" not in shown


@pytest.mark.parametrize("request_", ["Clerks may view salaries", "who sees the SALARY?"])
def test_a_request_brings_the_policies_that_its_words_name(request_: str) -> None:
    shown = compose(HR, [], request=request_).files
    assert next(iter(shown)).startswith("hr/salary")
    assert {"hr/roles.yaml", "hr/salary_test.yaml", "hr/testdata/resources.yaml"} <= set(shown)
    assert "crm/lead.yaml" not in shown


def test_a_request_that_names_nothing_known_still_shows_some_policies() -> None:
    assert compose(HR, [], request="xyzzy").files
    assert compose(HR, [], request="").files
    assert compose(Bundle({}), [], request="anything") == compose(Bundle({}), [finding()])


def test_what_was_asked_for() -> None:
    wanted = ["crm/lead.yaml", "hr", "_schemas/", "no/such.yaml", "../etc/passwd"]
    chosen = compose(HR, [finding(file="hr/review.yaml")], wanted=wanted)
    assert "crm/lead.yaml" in chosen.files
    assert "no/such.yaml: no such file or folder" in chosen.index
    assert "../etc/passwd: no such file or folder" in chosen.index
    assert "hr/testdata/ (2 files)" in chosen.index
    assert {"hr/salary.yaml", "hr/bob.yaml", "_schemas/else.json"} <= set(chosen.index)


def test_asking_for_very_much_gets_no_more() -> None:
    wanted = ["x" * 1_000_000, *(f"no/{n}.yaml" for n in range(100_000))]
    chosen = compose(HR, [finding(file="hr/review.yaml")], wanted=wanted)
    assert len(chosen.index) <= MAX_ENTRIES
    assert sum(map(len, chosen.index)) < 3_000


def test_the_root_can_be_listed() -> None:
    for root in (".", "/", "./"):
        index = compose(HR, [finding(file="hr/review.yaml")], wanted=[root]).index
        assert {"crm/ (1 file)", "_schemas/ (3 files)"} <= set(index)


def test_the_index_begins_with_what_is_near() -> None:
    index = compose(HR, [finding(file="hr/review.yaml")]).index
    assert index[0] == "hr/ann.yaml"
    assert index.index("hr/testdata/principals.yaml") < index.index("crm/lead.yaml")
    assert "hr/review.yaml" not in index


def big(folders: int, each: int) -> dict[str, str]:
    return {
        f"area{f:03}/kind{f:03}_{n:03}.yaml": policy(f"kind{f:03}_{n:03}") for f in range(folders) for n in range(each)
    }


def test_the_index_is_bounded_and_counts_the_rest() -> None:
    bundle = Bundle({**HR.files, **big(40, 50)})
    chosen = compose(bundle, [FAILING], wanted=["area001", *(f"nothing{n}" for n in range(500))])
    assert len(chosen.index) <= MAX_ENTRIES
    counted = compose(bundle, [FAILING]).index
    total = sum(int(entry.rsplit("(", 1)[1].split()[0]) for entry in counted if entry.endswith("files)"))
    assert total + sum(not entry.endswith(")") for entry in counted) + len(compose(bundle, [FAILING]).files) == len(
        bundle
    )


def test_the_text_is_bounded() -> None:
    huge = {f"p{n:02}.yaml": policy(f"p{n}") + "# filler line\n" * 5_000 for n in range(40)}
    findings = [finding(file=path, line=4_000) for path in huge]
    files = compose(Bundle(huge), findings).files
    assert sum(len(text.encode()) for text in files.values()) < MAX_BYTES * 1.1
    assert len(files) >= 10
    assert all(is_cut(text) for text in files.values())


def test_a_long_file_is_cut_to_the_part_around_its_findings() -> None:
    lines = [f"line-{n}: é" for n in range(1, 9_001)]
    bundle = Bundle({"a.yaml": "\n".join(lines)})
    text = compose(bundle, [finding(line=5_000), finding(line=8_999)]).files["a.yaml"]
    assert len(text.encode()) < MAX_FILE_BYTES * 1.05
    for shown in ("line-1: é", "line-4990: é", "line-5000: é", "line-5010: é", "line-8999: é"):
        assert shown in text.split("\n")
    gaps = [line for line in text.split("\n") if line.startswith(CUT_MARK)]
    assert len(gaps) == 2
    assert "lines 13 to " in gaps[0]
    # Every line that is not a gap is exact, so that an old/new edit of it works.
    kept = [line for line in text.split("\n") if not line.startswith(CUT_MARK)]
    assert set(kept) <= set(lines)
    first, last = (int(number) for number in (gaps[0].split()[3], gaps[0].split()[5]))
    assert [f"line-{n}: é" in kept for n in (first - 1, first, last, last + 1)] == [True, False, False, True]


def test_one_endless_line_is_cut_too() -> None:
    text = compose(Bundle({"a.json": "[" + "1, " * 400_000 + "1]"}), [finding(file="a.json", line=1)]).files["a.json"]
    assert len(text) < 5_000
    assert is_cut(text)


def test_a_short_file_is_not_cut() -> None:
    assert cut("a\nb\n", 4) == "a\nb\n"
    assert not is_cut("a: 1\n# policyloop: a remark\n")


def test_secrets_are_marked_before_a_file_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "hush" + "-7d81f0-" * 3
    monkeypatch.setenv("SOME_API_KEY", secret)
    bundle = Bundle({"a.yaml": f"k: {secret}\n", "b.yaml": "x" * 1_990 + secret + "\nb: 1\n" * 9_000})
    files = compose(bundle, [finding(file="a.yaml"), finding(file="b.yaml", line=1)]).files
    assert files["a.yaml"] == f"k: {MARK}\n"
    assert secret[:10] not in files["b.yaml"]


def test_a_file_that_was_not_shown_whole_is_not_written_whole() -> None:
    files = {"a.yaml": "a: 1\n", "b.yaml": "b: 1\n"}
    assert blind_rewrite([Write("a.yaml", "a: 2\n")], {"a.yaml": "a: 1\n"}, files) is None
    assert blind_rewrite([Write("c.yaml", "c: 2\n")], {}, files) is None
    assert blind_rewrite([Write("b.yaml", "b: 2\n")], {"a.yaml": "a: 1\n"}, files) == "b.yaml"
    assert blind_rewrite([Write("a.yaml", "a: 2\n")], {"a.yaml": f"a: {MARK}\n"}, files) == "a.yaml"
    assert blind_rewrite([Replace("b.yaml", "1", "2"), Write("b.yaml", "b: 3\n")], {}, files) == "b.yaml"
    assert blind_rewrite([Delete("b.yaml"), Write("b.yaml", "b: 3\n")], {}, files) is None


def test_reading_a_policy_without_a_parser() -> None:
    odd = {
        "flow.yaml": 'resourcePolicy: {resource: "flow:kind", version: default, importDerivedRoles: [one, "two"]}\n',
        "late.yaml": "resourcePolicy:\n  rules:\n    - name: n\n  importDerivedRoles:\n  - one # c\n  resource: late\n",
        "json.json": '{"resourcePolicy":{"importDerivedRoles":["one"],"resource":"json"}}',
        "derived.yaml": "derivedRoles:\n  definitions:\n    - name: inner\n      parentRoles: [x]\n  name: one\n",
        "two.yaml": export("derivedRoles", "two"),
        "broken.yaml": "resourcePolicy:\n  resource: broken\n   version: : [\n  importDerivedRoles: [one]\n",
    }
    catalogue = Catalogue(Bundle(odd))
    names = {path: fact.name for path in odd if (fact := catalogue.fact(path))}
    assert names == {
        "flow.yaml": "flow:kind",
        "late.yaml": "late",
        "json.json": "json",
        "derived.yaml": "one",
        "two.yaml": "two",
        "broken.yaml": "broken",
    }
    assert list(catalogue.needs("flow.yaml")) == ["derived.yaml", "two.yaml"]
    for path in ("late.yaml", "json.json", "broken.yaml"):
        assert list(catalogue.needs(path)) == ["derived.yaml"]


def proposal_size(bundle: Bundle, findings: list[Finding], request: str = "") -> int:
    """The bytes of all that one call sends: what holds always, the reference, the message."""
    chosen = compose(bundle, findings, request=request)
    error_class = findings[0].error_class if findings else None
    asked = task(
        request=request, error_class=error_class, findings=tuple(findings), files=chosen.files, index=chosen.index
    )
    lessons = map(references.text, references.needed(error_class))
    return sum(len(text.encode()) for text in (references.system(), *lessons, render(asked)))


def generated(policies: int) -> Bundle:
    """`policies` resource policies, ten to a folder, each with its suite and fixtures."""
    files: dict[str, str] = {}
    for number in range(policies):
        folder, kind = f"area{number // 10:03}", f"thing{number:04}"
        roles = f"roles_{number // 10:03}"
        files[f"{folder}/{kind}.yaml"] = policy(kind, f"  importDerivedRoles: [{roles}]\n")
        files[f"{folder}/{roles}.yaml"] = export("derivedRoles", roles)
        files[f"{folder}/tests/{kind}_test.yaml"] = (
            f"name: {kind}\nresources:\n  r: {{kind: {kind}, id: r}}\nprincipals:\n  p: {{id: p, roles: [user]}}\n"
            "tests:\n  - name: T\n    input: {principals: [p], resources: [r], actions: [view]}\n"
        )
    return Bundle(files)


SUITE_0 = "area000/tests/thing0000_test.yaml"
KINDS_OF_TASK = {
    "syntax": ([finding(error_class=ErrorClass.SYNTAX, file="area000/thing0000.yaml")], ""),
    "schema": ([finding(error_class=ErrorClass.SCHEMA, file="area000/thing0000.yaml")], ""),
    "compile": ([finding(error_class=ErrorClass.COMPILE, file="area000/thing0000.yaml")], ""),
    "test": (
        [
            finding(
                error_class=ErrorClass.TEST,
                file=SUITE_0,
                assertion=AssertionId(SUITE_0, "thing0000", "T", "p", "r", "view"),
            )
        ],
        "",
    ),
    "request": ([], "Users may edit thing0000 things"),
}


@pytest.mark.parametrize(("findings", "request_"), KINDS_OF_TASK.values(), ids=KINDS_OF_TASK)
def test_a_proposal_costs_at_1000_policies_at_most_a_fifth_more_than_at_10(
    findings: list[Finding], request_: str
) -> None:
    small = proposal_size(generated(10), findings, request_)
    large = proposal_size(generated(1_000), findings, request_)
    assert large <= small * 1.2
