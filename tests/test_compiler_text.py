"""Excerpts, outlines and places: what a reader is shown of a file."""

from hypothesis import given, settings
from hypothesis import strategies as st

from policyloop.bundle import Bundle
from policyloop.cerbos.classes import of_load_failure, of_suite_message
from policyloop.cerbos.outline import Place, loops, nearest, outline, path_of, second_document
from policyloop.cerbos.policy_places import rule_place
from policyloop.cerbos.sources import Sources
from policyloop.cerbos.text import MAX_WIDTH, block, excerpt, one_line, visible
from policyloop.findings import ErrorClass

TEXT = st.text(st.characters(codec="utf-8"), max_size=300)


def test_an_excerpt_marks_the_line_and_the_column() -> None:
    lines = ["one", "two: 2", "\tthree: 3", "four", "five", "six"]
    assert excerpt(lines, 3, 2) == (
        "    1 | one\n    2 | two: 2\n>   3 | \\tthree: 3\n      |   ^\n    4 | four\n    5 | five"
    )


def test_an_excerpt_of_a_long_line_shows_the_part_around_the_column() -> None:
    shown = excerpt(["x" * 5000 + "HERE" + "y" * 5000], 1, 5001)
    assert shown is not None
    line, caret = shown.split("\n")
    assert "HERE" in line
    assert line[caret.index("^")] == "H"
    assert len(line) < MAX_WIDTH + 30


def test_an_excerpt_shows_control_characters_as_escapes() -> None:
    shown = excerpt(["a\x1b[31mb"], 1, 7)
    assert shown is not None
    line, caret = shown.split("\n")
    assert line == r">   1 | a\x1b[31mb"
    assert line[caret.index("^")] == "b"


@settings(deadline=None)
@given(TEXT, st.integers(-2, 12), st.none() | st.integers(1, 500))
def test_an_excerpt_is_printable_and_bounded(text: str, line: int, column: int | None) -> None:
    shown = excerpt(text.split("\n"), line, column)
    if shown is not None:
        assert all(part.isprintable() for part in shown.split("\n"))
        assert len(shown) < 8 * 1000


@given(TEXT)
def test_shown_text_is_printable(text: str) -> None:
    assert visible(text).isprintable()
    assert one_line(text).isprintable()
    assert all(line.isprintable() for line in block(text, 5, 50).split("\n"))


def test_cut_text_says_how_much_is_missing() -> None:
    assert one_line("x" * 2500).endswith("x ... (500 more characters)")
    assert block("1\n2\n3\n4", 2, 100) == "1\n2\n... (3 more characters)"


def test_an_outline_gives_places_of_keys_and_items() -> None:
    places = outline("a:\n  - b: 1\n    c: [x, y]\n  - d\n---\nother: 1\n")
    assert {path: (place.line, place.column, place.value) for path, place in places.items()} == {
        (): (1, 1, None),
        ("a",): (1, 1, None),
        ("a", 0): (2, 5, None),
        ("a", 0, "b"): (2, 5, "1"),
        ("a", 0, "c"): (3, 5, None),
        ("a", 0, "c", 0): (3, 9, "x"),
        ("a", 0, "c", 1): (3, 12, "y"),
        ("a", 1): (4, 5, "d"),
    }


@settings(deadline=None)
@given(TEXT)
def test_an_outline_of_anything_is_an_outline(text: str) -> None:
    for place in outline(text).values():
        assert place.line >= 1
        assert place.column >= 1
    loops(text)
    second_document(text)


def test_an_outline_of_hostile_nesting_ends() -> None:
    assert len(outline("[" * 50_000)) < 100
    assert len(outline("a: {" * 50_000)) < 200
    assert loops("&a [" * 5_000) is None


def test_a_path_is_read_as_the_compiler_writes_it() -> None:
    assert path_of('tests[0].expected[12].actions["view:\\"x\\""]') == (
        "tests",
        0,
        "expected",
        12,
        "actions",
        'view:\\"x\\"',
    )
    places = outline("tests:\n  - name: x\n")
    assert nearest(places, path_of("tests[0].expected")) == Place(2, 5, None)
    assert nearest(places, path_of("name")) is None


def test_an_alias_in_its_own_anchor_is_found() -> None:
    assert loops("a: &x\n  b: [*x]\n") == Place(2, 7, None)
    assert loops("a: &x [1]\nb: *x\n") is None


def test_the_second_document_is_found() -> None:
    assert second_document("---\na: 1\n---\nb: 1\n") == Place(3, 1, None)
    assert second_document("# c\n---\na: 1\n") is None


def test_words_nobody_foresaw_are_placed_by_what_can_be_seen() -> None:
    new = "the moon is in the wrong house"
    assert of_load_failure(new, 1, has_path=False) == (ErrorClass.SYNTAX, "unparsable")
    assert of_load_failure(new, 1, has_path=True) == (ErrorClass.SCHEMA, "invalid-value")
    assert of_load_failure(new, 2, has_path=False) == (ErrorClass.SCHEMA, "invalid-value")
    assert of_load_failure(new, 0, has_path=False) == (ErrorClass.COMPILE, "other")
    assert of_suite_message(new, lambda: True)[0] is ErrorClass.SCHEMA
    assert of_suite_message(new, lambda: False)[0] is ErrorClass.SYNTAX


def test_a_rule_is_found_by_name_and_by_number() -> None:
    policy = (
        "resourcePolicy:\n  resource: 'leave:request'\n  version: default\n  scope: acme\n  rules:\n"
        "    - effect: EFFECT_DENY\n    - name: rule-001\n      effect: EFFECT_ALLOW\n"
    )
    principal = (
        "principalPolicy:\n  principal: ana\n  version: default\n  rules:\n    - resource: leave:request\n"
        "      actions:\n        - effect: EFFECT_DENY\n"
    )
    sources = Sources(Bundle({"hr/leave.yaml": policy, "ana.yaml": principal}))
    key = "cerbos.resource.leave_request.vdefault/acme"
    first = rule_place(sources, key, "acme", "rule-001")
    assert first is not None
    assert (first.file, first.line, first.effect) == ("hr/leave.yaml", 6, "EFFECT_DENY")
    owner = rule_place(sources, key, "", "leave:request_rule-001")
    assert owner is not None
    assert (owner.file, owner.line, owner.effect) == ("ana.yaml", 7, "EFFECT_DENY")
    assert rule_place(sources, key, "acme", "rule-009") is None
    assert rule_place(sources, "nonsense", "", "rule-001") is None
