"""Commands that are drawn are read as mvdan/sh reads them, or not at all; and no text makes us fall over."""

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policyloop.decide.call import Call
from policyloop.decide.tools import effects_of, effects_of_command
from policyloop.shell.tree import Unparsed
from shell_oracle import oracle, ours

pytestmark = pytest.mark.sweep

TEXTS = int(os.environ.get("POLICYLOOP_SHELL_TEXTS", "60"))
WORD = st.sampled_from(
    [
        "rm",
        "-rf",
        "a",
        "'b c'",
        '"d $X"',
        "$X",
        "${Y:-e}",
        "r''m",
        "\\f",
        "$'\\x72'",
        "`g`",
        "$(h i)",
        '"$(j "k")"',
        "l*",
    ]
)
REDIRECT = st.sampled_from(["", "", "", " > m", " 2>&1", " < n", " >> o 2>p", " > q 0>&1", " <<< r", " &> s"])
SIMPLE = st.builds(lambda words, redirect: " ".join(words) + redirect, st.lists(WORD, min_size=1, max_size=4), REDIRECT)


def _around(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    two = st.tuples(inner, inner)
    return st.one_of(
        st.builds(
            lambda pair, sign: f"{pair[0]} {sign} {pair[1]}", two, st.sampled_from(["&&", "||", "|", "|&", ";", "&"])
        ),
        st.builds(lambda pair: f"if {pair[0]}; then {pair[1]}; fi", two),
        st.builds(lambda pair: f"while {pair[0]}; do {pair[1]}; done", two),
        st.builds(lambda one: f"( {one} )", inner),
        st.builds(lambda one: f"{{ {one}; }}", inner),
        st.builds(lambda one: f"for t in u v; do {one}; done", inner),
        st.builds(lambda one: f"case $w in x) {one};; *) y;; esac", inner),
        st.builds(lambda one: f"f() {{ {one}; }}", inner),
        st.builds(lambda one: f"cat <<END\n{one}\nEND", inner),
        st.builds(lambda one: f"cat <<'END' | sh\n{one}\nEND", inner),
        st.builds(lambda one: f"[[ -n $( {one} ) ]]", inner),
        st.builds(lambda one: f"z=$( {one} ) n", inner),
    )


TEXT = st.recursive(SIMPLE, _around, max_leaves=5)


@settings(max_examples=TEXTS, deadline=None)
@given(text=TEXT)
def test_what_is_read_is_what_another_reader_sees(text: str) -> None:
    try:
        read = ours(text)
    except Unparsed:
        return
    seen = oracle(text)
    assert seen is not None
    assert read == seen


@settings(max_examples=200, deadline=None)
@given(
    text=st.lists(
        st.sampled_from([*"${}()`'\"\\|&;<>*?[]~!#= \n-/ab1", "rm ", "$(", "<<E\n", "\ue000", "é"]), max_size=25
    ).map("".join)
)
def test_no_text_makes_it_fall_over(text: str) -> None:
    assert effects_of_command(text, "/w").places == "lexical"


@pytest.mark.parametrize(
    "text",
    [
        "$(" * 5000 + ")" * 5000,
        "( " * 3000 + "a" + " )" * 3000,
        "a" * 100_001,
        "a;" * 2000,
        "{" * 500,
        "a && " * 900 + "a",
    ],
)
def test_what_is_too_much_is_not_read_and_nothing_falls_over(text: str) -> None:
    effects = effects_of_command(text, "/w")
    assert effects.unparsed or "unknown-program" in effects.unknown


@settings(max_examples=100, deadline=None)
@given(
    tool=st.sampled_from(
        ["Bash", "Read", "Edit", "Grep", "Glob", "mcp__x__write_file", "Odd", "WebFetch", "PowerShell"]
    ),
    given_input=st.dictionaries(
        st.sampled_from(["command", "path", "file_path", "pattern", "url", "edits", "glob"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=9),
            lambda inner: st.lists(inner, max_size=3),
            max_leaves=4,
        ),
        max_size=4,
    ),
)
def test_no_input_of_a_tool_makes_it_fall_over(tool: str, given_input: dict[str, object]) -> None:
    effects_of(Call(event="PreToolUse", tool=tool, input=given_input, cwd="/w"))
