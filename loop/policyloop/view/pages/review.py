"""The page of `report`: everything about a run that the person who signs for it wants to see."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from policyloop.effects import WORDS
from policyloop.events import Attempted, Clarified, Ended, Judged, RuleProof, Started
from policyloop.printing import one_line
from policyloop.view.blocks import Block, Code, Details, Fact, Facts, Line, Mark, Page, Quote, Section, Table, Verdict
from policyloop.view.pages.access import access_line, uncovered_line
from policyloop.view.pages.lint import hole_item, lint_mark, unasked_blocks
from policyloop.view.pages.matrix import CELLS, STATES, changed_details, matrix_blocks
from policyloop.view.pages.mutate import mutant_line, score_line, score_mark, survivor_line
from policyloop.view.pages.run import event_line
from policyloop.view.pages.spec import TESTS_HEAD, against_line, question_blocks, test_rows
from policyloop.view.words import plural

if TYPE_CHECKING:
    from policyloop.review import Review


def review_page(review: "Review") -> Page:
    """A run, what it changed in access, and how far its tests bite."""
    well, word, words = headline(review)
    run = review.started.run if review.started else "?"
    glance = Facts(tuple(Fact(name, value, mark) for name, value, mark in facts(review)), cards=True)
    sections = (
        Section("request", "What was asked for", tuple(_request(review))),
        Section("rules", "Rules and their tests", tuple(_rules(review))),
        Section("access", "What changed in access", tuple(_access(review)), first=True),
        Section("tests", "Do the tests bite?", tuple(_tests(review))),
        Section("holes", "Holes that compile", tuple(_holes(review))),
        Section("files", "What changed in the files", tuple(_files(review))),
        Section("timeline", "How it went", tuple(_timeline(review))),
        Section("ledger", "What this rests on", tuple(_ledger(review))),
    )
    return Page(
        title=f"Review of run {one_line(run)}",
        verdict=Verdict(word, words, "good" if well else "bad"),
        blocks=(glance, *(Line(one_line(reason), "warn") for reason in review.missing), *sections),
    )


def _request(review: "Review") -> Iterator[Block]:
    started, ended = review.started, review.ended
    if started is None:
        yield Line("The ledger does not say.")
        return
    yield Quote(started.request or "Repair what is there.")
    if ended is None:
        return
    used = ended.spec
    if used is not None:
        by = f"confirmed by {used.confirmed_by} at {used.confirmed_at}" if used.confirmed_by else "NOT confirmed"
        yield Line(f"The spec {used.path} was {by}. {used.digest}")
    yield from (Line(f"ASSUMED, nobody confirmed it: {text}", "warn") for text in ended.assumptions)
    yield from (Line(f"Released by a person: {name}", "warn") for name in ended.released)
    yield from (Line(f"Contradicts: {against_line(test)}", "warn") for test in ended.contradictions)
    yield from question_blocks(ended.questions)


def _rules(review: "Review") -> Iterator[Block]:
    rules = review.ended.rules if review.ended else ()
    if not rules:
        yield Line("The run had no spec, so there are no rules to test.")
        return
    yield Table(TESTS_HEAD, tuple(test_rows(rules)))
    yield from map(_rule, rules)


def _rule(rule: RuleProof) -> Details:
    passed = sum(test.result == "passed" for test in rule.assertions)
    word = "tested" if rule.tested else "NOT tested"
    blocks: list[Block] = []
    for decision in rule.decisions:
        blocks.append(Line(decision.decision))
        for test in decision.assertions:
            got = f"{WORDS.get(test.effect or '', 'no effect')}, {test.result}"
            who = f"{test.principal} {test.action} {test.resource}"
            blocks.append(Line(f"{who}: {got} ({test.file}, {test.test})", depth=1))
    title = f"{rule.rule}: {word}, {passed} of {plural(len(rule.assertions), 'assertion')}"
    return Details(title, tuple(blocks), look="good" if rule.tested else "bad")


def _access(review: "Review") -> Iterator[Block]:
    from policyloop.review import unplaced

    access = review.access
    if access is None:
        yield Line("Access was not compared.")
    else:
        yield Line(f"{access_line(access)}.")
        if review.against:
            yield Line(f"Compared with: {review.against}.")
        yield from (Line(uncovered_line(rule), "warn") for rule in access.uncovered)
        yield from (Line(f"Not proved, because {why}") for why in (access.proofs.because if access.proofs else ()))
        yield from (Line(note) for note in access.notes)
    if review.matrices:
        legend = "; ".join(f"{sign} {word}: {meaning}" for sign, word, meaning in STATES.values() if sign)
        yield Line(f"{legend}. ▲ wider, ▼ narrower: follow it to the request that shows it. {CELLS}", "quiet")
    for matrix in review.matrices:
        yield from matrix_blocks(matrix, review)
    for number, reason in unplaced(review):
        yield changed_details(number, reason, linked=bool(review.matrices))


def _tests(review: "Review") -> Iterator[Block]:
    result = review.mutation
    if result is None:
        yield Line("Not measured.")
        return
    yield Line(f"{score_line(result)}.")
    yield Line(
        "Small mistakes were made in the policies, one at a time, and the tests were run on each with the real "
        "compiler.",
        "quiet",
    )
    for survivor in result.shown:
        shown = Line(f"Shown by: {survivor_line(survivor)}")
        code = Code(survivor.test or "", "yaml", "A test that would notice it")
        yield Details(f"unnoticed: {mutant_line(survivor.mutant)}", (shown, code), look="warn")
    for survivor in result.untold:
        yield Line(f"unnoticed: {mutant_line(survivor.mutant)}: {survivor_line(survivor)}", "warn")
    alike = [f"{mutant_line(survivor.mutant)}: {survivor_line(survivor)}" for survivor in result.proved]
    alike += [f"invalid: {mutant_line(mutant)}" for mutant in result.invalid]
    if alike:
        count = plural(len(alike), "mistake")
        yield Details(f"{count} that cannot be noticed", tuple(Line(line) for line in alike))


def _holes(review: "Review") -> Iterator[Block]:
    if review.lint is None:
        yield Line("Not searched for.")
        return
    yield from (hole_item(hole) for hole in review.lint.holes)
    if not review.lint.holes:
        yield Line(f"None was found; {plural(review.lint.asked, 'request')} were asked.")
    yield from unasked_blocks(review.lint)


def _files(review: "Review") -> Iterator[Block]:
    diff = review.ended.diff if review.ended else ""
    for name, part in files_of(diff):
        yield Details(name, (Code(part, "diff"),), open=True)
    if not diff:
        yield Line("Nothing.")


def _timeline(review: "Review") -> Iterator[Block]:
    yield from _spent(review)
    for event in review.events:
        if isinstance(event, Started | Judged | Attempted | Clarified | Ended):
            yield Line(event_line(event, None))
        if isinstance(event, Attempted) and event.diff:
            yield Details("Its edits", (Code(event.diff, "diff"),))


def _spent(review: "Review") -> Iterator[Block]:
    if review.started is None or review.ended is None:
        return
    budget, spent = review.started.budget, review.ended.spent
    rows: tuple[tuple[str, float, float, str], ...] = (
        ("Compile cycles", spent.cycles, budget.compile_cycles, "{:.0f}"),
        ("Refusals", spent.refusals, budget.refusals, "{:.0f}"),
        ("Tokens", spent.usage.tokens, budget.tokens, "{:,.0f}"),
        ("Dollars", spent.usage.usd, budget.usd, "{:.2f}"),
        ("Seconds", spent.seconds, budget.wall_seconds, "{:.0f}"),
    )
    yield Facts(
        tuple(
            Fact(name, f"{form.format(used)} of {form.format(cap)}", share=_share(used, cap))
            for name, used, cap, form in rows
        )
    )


def _share(used: float, cap: float) -> float:
    return min(used / cap, 1.0) if cap else 1.0 if used else 0.0


def _ledger(review: "Review") -> Iterator[Block]:
    yield Line(ledger_line(review), "bad" if review.broken else "good")
    started = review.started
    if started is None:
        return
    compiler = started.compiler
    rows = {
        "Policies": f"{started.policies} ({plural(started.files, 'file')}, SHA-256 {started.bundle} at the start)",
        "Compiler": f"Cerbos {compiler.version}, {compiler.runner}, {compiler.digest}",
        "Model": started.model,
        "Lock": plural(started.locked, "assertion"),
        "policyloop": started.policyloop or "?",
    }
    yield Facts(tuple(Fact(name, value) for name, value in rows.items()))


def headline(review: "Review") -> tuple[bool, str, str]:
    """Whether all is well, how the run ended in a word, and in a sentence."""
    ended = review.ended
    if ended is None:
        return False, "no end", "The run has no end."
    return ended.exit_code == 0 and review.broken is None, ended.ending.value, one_line(ended.message, 1000)


def facts(review: "Review") -> Iterator[tuple[str, str, Mark]]:
    """What a person wants to know at a glance: name, value, and whether it is good."""
    access, ended = review.access, review.ended
    if access is None or access.skipped is not None:
        yield "Access", "not compared", "warn"
    else:
        wider, narrower, asked = access.count.wider, access.count.narrower, access.count.accepted
        words = f"{wider} wider, {narrower} narrower" if wider or narrower or asked else "no change found"
        words += f", {asked} wider as asked for" if asked else ""
        words += f", {len(access.uncovered)} changed rules not covered" if access.uncovered else ""
        yield "Access", words, "bad" if wider else "warn" if access.uncovered else "good"
    if ended is not None:
        tested = sum(rule.tested for rule in ended.rules)
        if ended.rules:
            yield "Rules tested", f"{tested} of {len(ended.rules)}", "good" if tested == len(ended.rules) else "bad"
        yield (
            "Assertions",
            f"{ended.tally.passed} of {ended.tally.ran} passed",
            _mark(ended.tally.passed, ended.tally.ran),
        )
        if ended.released:
            yield "Tests released", str(len(ended.released)), "warn"
    if review.mutation is not None:
        score, unnoticed = review.mutation.score, len(review.mutation.shown) + len(review.mutation.untold)
        said = "nothing to measure" if score is None else f"{score}%"
        yield (
            "Mistakes noticed",
            said + (f", {unnoticed} unnoticed" if unnoticed else ""),
            score_mark(review.mutation),
        )
    if review.lint is not None:
        warnings, notes = review.lint.warnings, len(review.lint.holes) - review.lint.warnings
        told = [plural(count, word) for count, word in ((warnings, "warning"), (notes, "note")) if count]
        told += ["not all was looked at"] if review.lint.unasked else []
        yield "Holes", ", ".join(told) or "none found", lint_mark(review.lint)
    yield (
        "Ledger",
        "NOT whole" if review.broken else f"whole, {plural(review.records, 'record')}",
        _mark(not review.broken, 1),
    )


def _mark(have: int, want: int) -> Mark:
    return "good" if have == want and want else "bad"


def ledger_line(review: "Review") -> str:
    """Whether the ledger can be relied on."""
    if review.broken:
        return (
            f"The ledger {one_line(review.ledger)} is NOT whole: {one_line(review.broken)}. Do not rely on this page."
        )
    records = plural(review.records, "record")
    return f"The hash chain of {one_line(review.ledger)} was verified over {records} when this page was written."


def files_of(diff: str) -> list[tuple[str, str]]:
    """The parts of a unified diff, each with the name of its file."""
    found: list[list[str]] = []
    for line in diff.splitlines(keepends=True):
        if line.startswith("diff --git ") or not found:
            found.append([])
        found[-1].append(line)
    return [(_name("".join(part)), "".join(part)) for part in found]


def _name(part: str) -> str:
    first = part.split("\n", 1)[0]
    return first.rpartition(" b/")[2].strip('"') if first.startswith("diff --git ") else "changes"
