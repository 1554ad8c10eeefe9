"""The prompts: every example compiles and passes under the real compiler, and what they claim of Cerbos is so."""

import json
import re
from typing import Any

import pytest

from bundles import FIXTURES
from policyloop.bundle import Bundle
from policyloop.cerbos.run import Runner
from policyloop.findings import ErrorClass
from policyloop.models import references, render
from policyloop.models.tool import INPUT_SCHEMA
from policyloop.specification import spec_schema
from policyloop.specification.model import Shows

EXAMPLE = re.compile(r"^```(?:yaml|json) (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CLASSES = [*ErrorClass, None]
LESSONS = {error_class: references.needed(error_class) for error_class in CLASSES}


def lesson(error_class: ErrorClass | None) -> str:
    """All that a turn about this class is taught."""
    return "\n".join(references.text(name) for name in LESSONS[error_class])


def run(cerbos: Runner, files: dict[str, str], *, strict: bool = False) -> tuple[int | None, Any]:
    """The exit code and the JSON of one compile."""
    with cerbos.stage(Bundle(files)) as staged:
        done = staged.compile(strict=strict)
    return done.exit_code, json.loads(done.stdout)


@pytest.mark.parametrize("strict", [False, True], ids=["normal", "strict"])
@pytest.mark.parametrize("error_class", CLASSES, ids=lambda c: c.value if c else "request")
def test_every_example_is_green(cerbos: Runner, error_class: ErrorClass | None, *, strict: bool) -> None:
    text = lesson(error_class)
    examples = dict(EXAMPLE.findall(text))
    assert examples
    assert len(examples) * 2 == text.count("\n```")
    code, said = run(cerbos, examples, strict=strict)
    assert code == 0, said
    suites = [path for path in examples if path.endswith("_test.yaml")]
    assert len(said.get("suites", [])) == len(suites)


def policy(expression: str, *, plain: bool = False, effect: str = "EFFECT_ALLOW", also: bool = False) -> str:
    """A policy whose rule for `edit` has this condition; `also`: another rule allows it without any."""
    written = expression if plain else f">-\n            {expression}"
    more = "    - actions: [edit]\n      effect: EFFECT_ALLOW\n      roles: [user]\n" if also else ""
    return (
        "apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: doc\n  version: default\n  rules:\n"
        f"{more}    - actions: [edit]\n      effect: {effect}\n      roles: [user]\n"
        f"      condition:\n        match:\n          expr: {written}\n"
    )


SUITE = """name: S
principals:
  u: {id: u, roles: [user]}
resources:
  d: {kind: doc, id: d1, attr: {n: 3, locked: false, title: "a: b", tags: [a, b]}}
tests:
  - name: T
    input: {principals: [u], resources: [d], actions: [edit]}
    expected:
      - {principal: u, resource: d, actions: {edit: EFFECT_ALLOW}}
"""


def outcome(cerbos: Runner, text: str, *, strict: bool = False) -> str:
    """`allowed`, `denied`, or the stage at which the compiler stopped."""
    code, said = run(cerbos, {"doc.yaml": text, "doc_test.yaml": SUITE}, strict=strict)
    if code == 0:
        return "allowed"
    return "denied" if "suites" in said else next(iter(said))


PLAIN: list[str] = re.findall(r"^\| `expr: (.*?)` \|", references.text("syntax"), re.MULTILINE)


def test_the_table_of_yaml_mistakes_is_read() -> None:
    assert len(PLAIN) == 6


@pytest.mark.parametrize("expression", PLAIN)
def test_written_plainly_it_is_a_mistake_and_as_a_block_it_is_none(cerbos: Runner, expression: str) -> None:
    expression = expression.replace("R.attr.n == 1 ? true : false", "R.attr.n == 3 ? true : false")
    assert outcome(cerbos, policy(expression, plain=True)) in {"lintErrors", "compileErrors"}
    assert outcome(cerbos, policy(expression)) in {"allowed", "denied"}


@pytest.mark.parametrize("line", ["actions: [*]", "actions: [`a]", "actions: [@a]", "\tactions: [a]"])
def test_what_a_plain_value_may_not_begin_with(cerbos: Runner, line: str) -> None:
    assert outcome(cerbos, policy("true").replace("actions: [edit]", line)) == "lintErrors"


def test_a_key_stands_once_and_a_file_is_one_document(cerbos: Runner) -> None:
    text = policy("true")
    assert outcome(cerbos, text.replace("effect:", "effect: EFFECT_DENY\n      effect:")) == "lintErrors"
    assert outcome(cerbos, f"{text}---\n{text}") == "lintErrors"
    assert outcome(cerbos, text.replace("edit", "on")) == "denied"


CLAIMS = {
    # Numbers from attr have a point.
    "R.attr.n == 3 && R.attr.n > 2": ("allowed", "allowed"),
    "R.attr.n + 1.0 > 3.0": ("allowed", "allowed"),
    "R.attr.n + 1 > 3": ("denied", "denied"),
    "R.attr.n * 2 == 6.0": ("compileErrors", "compileErrors"),
    "int(R.attr.n) % 2 == 1": ("allowed", "allowed"),
    '"a" + 1 == "a1"': ("compileErrors", "compileErrors"),
    '"a" + string(1) == "a1"': ("allowed", "allowed"),
    '1 == "a"': ("compileErrors", "compileErrors"),
    # Names.
    "R.owner == P.id": ("compileErrors", "compileErrors"),
    'R.id == "d1" && R.kind == "doc" && R.scope == "" && R.policyVersion == ""': ("allowed", "allowed"),
    'P.id == "u" && "user" in P.roles && P.scope == "" && P.policyVersion == ""': ("allowed", "allowed"),
    "V.x": ("compileErrors", "compileErrors"),
    "C.x == 1": ("compileErrors", "compileErrors"),
    # Missing attributes.
    "R.attr.missing == 1": ("denied", "denied"),
    "!has(R.attr.missing)": ("allowed", "allowed"),
    'R.attr.?missing.orValue("none") == "none"': ("allowed", "allowed"),
    "R.attr.missing == 1 || R.attr.n == 3": ("allowed", "allowed"),
    # Functions.
    'hasIntersection(R.attr.tags, ["b"]) && R.attr.tags.isSubset(["a", "b", "c"])': ("allowed", "allowed"),
    'R.attr.tags.except(["a"]) == ["b"] && intersect(R.attr.tags, ["a"]) == ["a"]': ("allowed", "allowed"),
    'R.attr.tags.map(t, t.upperAscii()) == ["A", "B"] && R.attr.tags.filter(t, t == "a") == ["a"]': (
        "allowed",
        "allowed",
    ),
    'R.attr.tags.all(t, size(t) == 1) && R.attr.tags.exists(t, t == "b") && size(R.attr.tags) == 2': (
        "allowed",
        "allowed",
    ),
    '"a,b".split(",")[0].replace("a", "x").trim().indexOf("x") == 0 && "%s".format(["x"]) == "x"': (
        "allowed",
        "allowed",
    ),
    'timestamp("2024-01-01T00:00:00Z").getFullYear() == 2024 && duration("36h") > duration("1h")': (
        "allowed",
        "allowed",
    ),
    'R.attr["n"] == 3 && "10.1.2.3".inIPAddrRange("10.0.0.0/8")': ("allowed", "allowed"),
    'hierarchy("a.b").ancestorOf(hierarchy("a.b.c")) && "a.txt".matches(r"\\.txt$")': ("allowed", "allowed"),
    # A test that asks for the time must say what time it is.
    'now() > timestamp("2024-01-01T00:00:00Z")': ("denied", "denied"),
}


@pytest.mark.parametrize("expression", CLAIMS)
def test_what_is_said_of_expressions(cerbos: Runner, expression: str) -> None:
    text = policy(expression)
    assert (outcome(cerbos, text), outcome(cerbos, text, strict=True)) == CLAIMS[expression]


def test_a_condition_that_fails_at_run_time(cerbos: Runner) -> None:
    for effect in ("EFFECT_DENY", "EFFECT_ALLOW"):
        text = policy("R.attr.missing == 1", effect=effect, also=True)
        assert (outcome(cerbos, text), outcome(cerbos, text, strict=True)) == ("allowed", "denied")


def test_any_of_looks_at_its_members_in_order(cerbos: Runner) -> None:
    guarded, missing = "R.attr.n == 3", "R.attr.missing == 1"

    def any_of(first: str, second: str) -> str:
        members = f"any:\n            of:\n              - expr: {first}\n              - expr: {second}"
        return policy("true").replace("expr: >-\n            true", members)

    assert outcome(cerbos, any_of(guarded, missing), strict=True) == "allowed"
    assert outcome(cerbos, any_of(missing, guarded), strict=True) == "denied"
    assert outcome(cerbos, any_of(missing, guarded)) == "allowed"


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("version: default", 'version: "1.0"'),
        ("EFFECT_ALLOW", "ALLOW"),
        ("EFFECT_ALLOW", "effect_allow"),
        ("actions: [edit]", "actions: edit"),
        ("actions: [edit]", "actions: [edit, edit]"),
        ("roles: [user]", "roles: []"),
        ("rules:", "rulez:"),
        ("rules:", "effect: EFFECT_ALLOW\n  rules:"),
        ("rules:", "rules:" + "\n    - {name: a, actions: [b], effect: EFFECT_DENY, roles: [c]}" * 2),
    ],
)
def test_what_is_said_of_fields(cerbos: Runner, was: str, becomes: str) -> None:
    assert outcome(cerbos, policy("true")) == "allowed"
    assert outcome(cerbos, policy("true").replace(was, becomes)) == "lintErrors"


def test_a_role_policy_narrows_and_a_schema_denies(cerbos: Runner) -> None:
    narrow = "apiVersion: api.cerbos.dev/v1\nrolePolicy:\n  role: user\n  rules:\n    - resource: doc\n"
    for actions, code in (("[edit]", 0), ("[view]", 4)):
        files = {
            "doc.yaml": policy("true"),
            "doc_test.yaml": SUITE,
            "user.yaml": f"{narrow}      allowActions: {actions}\n",
        }
        assert run(cerbos, files)[0] == code
    schemas = policy("true").replace("  rules:", "  schemas:\n    resourceSchema: {ref: cerbos:///doc.json}\n  rules:")
    for required, code in (('["n"]', 0), ('["missing"]', 4)):
        schema = f'{{"type": "object", "required": {required}}}'
        files = {"doc.yaml": schemas, "doc_test.yaml": SUITE, "_schemas/doc.json": schema}
        assert run(cerbos, files)[0] == code


def test_scopes_have_no_gaps(cerbos: Runner) -> None:
    def scoped(scope: str) -> str:
        return policy("true").replace("version: default", f"version: default\n  scope: {scope}")

    assert run(cerbos, {"doc.yaml": policy("true"), "b.yaml": scoped("a.b")})[0] == 3
    assert run(cerbos, {"doc.yaml": policy("true"), "a.yaml": scoped("a"), "b.yaml": scoped("a.b")})[0] == 0


def test_the_rules_are_for_this_tool_and_this_compiler(cerbos: Runner) -> None:
    system = references.system()
    assert f"version {cerbos.info.version}" in system
    for name in ("edits", "read", "dispute"):
        assert name in INPUT_SCHEMA["properties"]
        assert f"`{name}`" in system or f"`{name}" in system
    assert all(len(lesson(error_class)) < 8_000 for error_class in CLASSES)


def test_every_prompt_is_told_somewhere() -> None:
    told = {name for stage in ("spec", "policies") for one in CLASSES for name in references.needed(one, stage)}
    told |= {name for one in CLASSES for name in references.needed(one, confirmed=True)} | references.READABLE
    assert told == {*references.NAMES}
    there = {path.stem for path in (FIXTURES.parent / "prompts").glob("*.md")}
    assert there == {"system", *references.NAMES}


# --- the constructs of a spec -----------------------------------------------------------------------------------------

PEOPLES_OWN = {
    "answer",
    "assumed",
    "confirmed",
    "by",
    "at",
    "digest",
    "releases",
    "file",
    "demanded",
    "suite",
    "test",
    "replaced_by",
    "request",
    "version",
}
"""What a person or code writes: the request, answers, confirmations and releases."""


def keys_of(schema: dict[str, Any]) -> set[str]:
    """Every key that a spec may have, at any depth."""
    return {key for part in (schema, *schema["$defs"].values()) for key in part.get("properties", {})}


def shown_in(text: str) -> set[str]:
    """What stands between backticks, or before a colon in an example."""
    code = [*re.findall(r"`([^`\n]+)`", text), *re.findall(r"^```.*?^```", text, re.MULTILINE | re.DOTALL)]
    return set(re.findall(r"[a-z_]+", " ".join(code)))


def test_the_prompt_shows_every_construct_that_a_spec_can_have() -> None:
    prompt = references.text("spec") + references.text("spec_more") + render.OLD_TESTS
    assert keys_of(spec_schema()) - shown_in(prompt) - PEOPLES_OWN == set()
    assert set(Shows.model_fields) <= shown_in(prompt)
    assert {f"{shows}:" for shows in ("tenant", "scope", "person", "unknown_action")} <= set(
        re.findall(r"shows: \{(\w+:)", prompt)
    )


def test_how_a_construct_becomes_policy_is_shown() -> None:
    told = references.text("policies") + references.text("generate") + references.text("generate_more")
    for construct in ("`person`", "principalPolicy", "`scope`", "`may_only_narrow`", "everything_else"):
        assert construct in told, construct
