"""The pages of a spec and of its gaps, and what became of it, as rows and lines that other pages show too."""

import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from policyloop.events import Against, AskedQuestion, Clarified, RuleProof
from policyloop.printing import WHOLE, one_line
from policyloop.view.blocks import Alarm, Block, Code, Item, Line, Mark, Page, Verdict
from policyloop.view.plain import lines
from policyloop.view.words import plural

if TYPE_CHECKING:
    from policyloop.results import SpecCheck, SpecResult
    from policyloop.specification import Gap, Spec

Row = tuple[str, ...]

TESTS_HEAD = ("rule", "where it lives", "assertions", "result")


def spec_page(result: "SpecResult") -> Page:
    """A spec, whole, for a person to say yes or no to."""
    from policyloop.documents.spec import spec_document
    from policyloop.view.pages.spec_sentences import spec_blocks

    blocks = (*spec_blocks(result.spec, result.changes), _state(result))
    return Page(title="policyloop spec", blocks=blocks, document=partial(spec_document, result))


def spec_screens(result: "SpecResult", columns: int) -> tuple[Page, Page | None]:
    """What a person sees before they are asked, and what else there is: None where all of it fits."""
    from policyloop.view.pages.spec_sentences import screen, spec_blocks

    first, rest = screen(tuple(spec_blocks(result.spec, result.changes)), columns)
    if not rest:
        return Page(blocks=(*first, _state(result))), None
    left = sum(1 for _ in lines(rest))
    command = shlex.join(["policyloop", "spec", "show", one_line(result.path, WHOLE)])
    more = Line(f"{plural(left, 'line')} more: press m, or see {command}", "warn")
    state = replace(_state(result), text=state_line(result.spec))
    return Page(blocks=(*first, more, state)), Page(blocks=rest)


def _state(result: "SpecResult") -> Line:
    mark: Mark = "good" if result.spec.is_confirmed else "warn"
    return Line(f"{one_line(result.path)}: {state_line(result.spec)}", mark)


def spec_check_page(result: "SpecCheck") -> Page:
    """The gaps of a spec."""
    from policyloop.documents.spec import spec_check_document
    from policyloop.specification import paste_of

    blocks: list[Block] = []
    for gap in result.gaps:
        alarm = Alarm(level="error", title=f"spec/{gap.code}", text=str(gap), file=result.path, line=gap.line)
        line = gap_line(gap, result.path)
        blocks.append(Item(text=line, tone="bad" if gap.contradiction else "", alarm=alarm))
    paste = paste_of(result.gaps)
    if paste:
        title = f"# Lines for {one_line(result.path)}, to be put under what stands there"
        blocks.append(Code(paste, "yaml", title, to_paste=True))
    blocks.extend(Line(one_line(note, WHOLE), "warn") for note in result.notes)
    word, _, words = check_line(result).partition(": ")
    return Page(
        title="policyloop spec check",
        blocks=tuple(blocks),
        verdict=Verdict(word, words, "good" if result.outcome == "complete" else "bad"),
        document=partial(spec_check_document, result),
    )


def state_line(spec: "Spec") -> str:
    """Who confirmed the spec and when, or that nobody did."""
    from policyloop.specification import assumed_answers

    known = spec.confirmed
    if known is None:
        return "NOT confirmed: nobody has said yes to it."
    if spec.is_confirmed:
        count = len(assumed_answers(spec))
        unseen = f" {plural(count, 'answer')} in it assumed: nobody has looked at that." if count else ""
        return f"Confirmed by {one_line(known.by)} at {one_line(known.at)}.{unseen}"
    return f"NOT confirmed: it was changed after {one_line(known.by)} confirmed it at {one_line(known.at)}."


def gap_line(gap: "Gap", path: str) -> str:
    """A gap on one line, with its place."""
    where = f"{one_line(path)}:{gap.line}" if gap.line else one_line(path)
    return f"{where}: {gap.code}: {one_line(str(gap), 1000)}"


def check_line(result: "SpecCheck") -> str:
    """The verdict of `spec check`."""
    words = {"complete": "nothing is missing", "gaps": plural(len(result.gaps), "gap")}
    what = words.get(result.outcome, f"{plural(len(result.gaps), 'gap')} that a person must settle")
    undecided = dict.fromkeys(told for gap in result.gaps for told in gap.undecided)
    kinds = Counter(told.partition(" ")[0] for told in undecided)
    counted = ", ".join(plural(count, kind) for kind, count in kinds.items())
    nothing = f" Nothing is decided about {counted}." if kinds else ""
    return f"{result.outcome}: {what}.{nothing} {state_line(result.spec)}"


def clarified_line(event: Clarified) -> str:
    """What a spec came to, on one line."""
    by = event.used.confirmed_by
    parts = [plural(event.rules, "rule"), plural(event.decisions, "decision")]
    if event.questions:
        parts.append(plural(len(event.questions), "open question"))
    if event.assumptions:
        parts.append(plural(len(event.assumptions), "assumption"))
    parts.append(f"confirmed by {one_line(by)}" if by else "not confirmed")
    reused = "as it was confirmed before" if event.reused else one_line(event.used.path)
    return f"spec: {', '.join(parts)}; {reused}"


def question_blocks(questions: Sequence[AskedQuestion]) -> Iterator[Line]:
    """Questions with their options, as they are to be answered."""
    for question in questions:
        yield Line(f"question {question.id}: {question.text}", "warn")
        for option in question.options:
            best = " (recommended)" if option.recommended else ""
            yield Line(f"{one_line(option.id)}: {one_line(option.text, WHOLE)}{best}", depth=1)


def against_line(one: Against) -> str:
    """A contradicted assertion on one line."""
    says = "deny" if one.demands == "allow" else "allow"
    names = f"{one.suite} / {one.test}: {one.principal} {one.action} {one.resource}"
    if one.by_model:
        return one_line(f"{names} demands {one.demands}; the draft says that rule {one.rule} makes it {says}", 1000)
    how = f" (likely: it has other {', '.join(one.differs)})" if one.differs else ""
    by = f": {one.decision}" if one.decision else ", by what it states"
    return one_line(f"{names} demands {one.demands}, but rule {one.rule} says {says}{by}{how}", 1000)


def test_rows(rules: Sequence[RuleProof]) -> list[Row]:
    """A row a rule, under `TESTS_HEAD`."""
    rows = []
    for rule in rules:
        place = f"{rule.file}:{rule.line}" if rule.line else rule.file or "nowhere"
        results = [one.result for one in rule.assertions]
        bad = [f"{one.principal} {one.action} {one.resource}: {one.result}" for one in rule.assertions]
        failing = [words for words, result in zip(bad, results, strict=True) if result != "passed"]
        said = f"{results.count('passed')} of {len(results)} passed"
        verdict = "tested" if rule.tested else "; ".join(failing[:3]) or "nothing tests it"
        rows.append(_row(rule.rule, place, said, verdict))
    return rows


def _row(*cells: str) -> Row:
    return tuple(one_line(cell, WHOLE) for cell in cells)
