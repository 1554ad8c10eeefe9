"""The page of `mutate`: the mistakes that no test noticed, the tests that would, then the score."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from policyloop.printing import one_line
from policyloop.view.blocks import Alarm, Block, Code, Item, Line, Mark, Page, Verdict
from policyloop.view.pages.access import effect_word
from policyloop.view.pages.request import request_words
from policyloop.view.words import plural

if TYPE_CHECKING:
    from policyloop.access.ask.questions import Question
    from policyloop.access.mutate import Mutant, MutateResult, Survivor


def mutant_line(one: "Mutant", policies: str = "") -> str:
    """A mutant on one line, its place first."""
    prefix = f"{one_line(policies)}/" if policies else ""
    return f"{prefix}{one_line(one.file)}:{one.line}: {one.operator}: in {one_line(one.where)}, {one_line(one.words)}"


def question_words(question: "Question") -> str:
    """Who asks for what, on one line."""
    from policyloop.access.ask.questions import DEFAULT_NOW

    now = question.now if question.now != DEFAULT_NOW else None
    return request_words(question.request.to_json(), now)


def survivor_line(one: "Survivor") -> str:
    """What is known about a mutant that no test noticed."""
    if one.witness is None:
        if not one.asked:
            return "no request was searched for that shows it"
        asked = plural(one.asked, "request")
        if one.alike != "proved":
            return f"not told apart by {asked}"
        questions = plural(one.proved, "question")
        return f"equivalent (proved): {questions} to the solver cover all that the file can touch; nor did {asked} tell"
    how = " under strict evaluation" if one.witness.strict else ""
    before, after = effect_word(one.witness.effect), effect_word(one.witness.mutated)
    return f"{question_words(one.witness.question)}: {before}, but {after} by the mutant{how}"


def score_line(result: "MutateResult") -> str:
    """The verdict of `mutate`."""
    score = "no score" if result.score is None else f"score {result.score}%"
    least = f" (asked for: {result.min_score}%)" if result.min_score is not None else ""
    parts = [f"{result.killed} of {plural(result.counted, 'mutant')} killed", f"{len(result.shown)} unnoticed"]
    parts += [f"{len(result.untold)} not told apart"] if result.untold else []
    parts += [f"{len(result.proved)} proved like the original"] if result.proved else []
    parts += [f"{len(result.invalid)} invalid"] if result.invalid else []
    parts += [f"{result.made - result.tried} not tried"] if result.made > result.tried else []
    parts += [f"{plural(len(result.unread), 'file')} not read whole"] if result.unread else []
    ended = f"; cut off: {one_line(result.cut_off.because)}" if result.cut_off else ""
    return f"{score}{least}: {', '.join(parts)}{ended}"


def score_mark(result: "MutateResult") -> Mark:
    """`good` only where every mutant was tried and every one that counts was noticed."""
    if result.exit_code:
        return "bad"
    whole = not result.unread and result.counted > 0 and result.killed == result.counted and result.made == result.tried
    return "good" if whole else "warn"


def mutate_page(result: "MutateResult") -> Page:
    """Mutants were made: those that no test noticed, the tests that would, then the score."""
    from policyloop.documents.mutate import mutate_document

    blocks: list[Block] = [*survivor_items(result)]
    alike = [
        f"like the original: {mutant_line(one.mutant, result.policies)}: {survivor_line(one)}" for one in result.proved
    ]
    alike += [f"invalid: {mutant_line(mutant, result.policies)}" for mutant in result.invalid]
    blocks += [Line(line, "quiet") for line in alike]
    blocks += [Line(f"not looked at: {one_line(line)}", "warn") for line in result.unread]
    suite = result.suite()
    if suite:
        blocks.append(Code(suite, "yaml", "tests to add, as a suite"))
    verdict = Verdict(result.outcome, score_line(result), score_mark(result))
    return Page(
        title="policyloop mutate", blocks=tuple(blocks), verdict=verdict, document=partial(mutate_document, result)
    )


def survivor_items(result: "MutateResult") -> Iterator[Item]:
    """Every mistake that no test noticed, and what shows it."""
    for survivor in (*result.shown, *result.untold):
        mutant, known = survivor.mutant, survivor_line(survivor)
        alarm = Alarm(
            level="warning",
            title=f"mutate/{mutant.operator}",
            text=f"{mutant_line(mutant)}\n{known}",
            file=f"{result.policies}/{mutant.file}",
            line=mutant.line,
        )
        line = f"UNNOTICED {mutant_line(mutant, result.policies)}"
        if survivor.witness is None:
            yield Item(text=f"{line}: {known}", tone="warn", alarm=alarm)
        else:
            yield Item(text=line, tone="warn", details=(f"shown by: {known}",), alarm=alarm)
