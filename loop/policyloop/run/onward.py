"""What a person can type after a run, by how it ended: whole commands, ready to paste."""

from collections.abc import Iterator
from pathlib import Path

from policyloop.errors import PolicyloopError
from policyloop.events import AskedQuestion, Ended
from policyloop.next_command import Next, policyloop
from policyloop.outcome import Ending
from policyloop.printing import WHOLE, one_line
from policyloop.run.asked import Asked, again
from policyloop.run.past import GOES_ON
from policyloop.run.prepared import Prepared
from policyloop.workspace.named import write_named
from policyloop.workspace.patch import how_to_apply
from policyloop.workspace.place import find_state
from policyloop.yaml_text.writing import scalar

ANSWERS = "answers.yaml"
RELEASES = "release.yaml"
"""In a run's folder, the file that lets go of exactly the tests that the run told a person of."""
_NOBODY = "Nobody said whether "


def onward(prepared: Prepared, told: Ended) -> tuple[Next, ...]:
    """The commands that lead on from this end, the best one first; none after green."""
    if told.ending is Ending.GREEN:
        return ()
    if told.ending.value in GOES_ON:
        resumed = again(prepared.asked, words="", resume=prepared.run_id) if not told.files_changed else None
        return (Next(resumed, "to go on"),) if resumed else (_look(prepared),)
    return tuple(_by_what_stopped(prepared, told))


def _by_what_stopped(prepared: Prepared, told: Ended) -> Iterator[Next]:
    asked = prepared.asked
    kept = prepared.folder / ANSWERS
    place = Path(told.spec.path) if told.spec else None
    match told.stopped_by:
        case "questions":
            yield from _answering(prepared, told)
        case "confirm" if place is not None:
            yield Next(_confirm(prepared, place), "to look at the spec and confirm it, in a terminal")
            yield Next(_as_confirmed(asked, place, prepared), "then")
        case "contradictions" if place is not None:
            yield Next(_confirm(prepared, place, release=True), "to release these tests and confirm it, in a terminal")
            yield Next(_as_confirmed(asked, place, prepared), "then")
        case "changed":
            yield Next(again(asked, resume=None), "to begin anew with what is there now")
        case "unsaid" if (told_so := _other_than_now(told)) is not None:
            yield Next(again(asked, words=f"{prepared.request.rstrip('.')}. {told_so}"), "with what you said")
        case "usage":
            yield Next(again(asked), "once it is mended")
        case _:
            if kept.exists():
                yield Next(again(asked, answers=_from_here(kept)), "with your answers")
            if told.patch is not None:
                yield from how_to_apply(prepared.policies, Path(told.patch))
            yield _look(prepared)


def _answering(prepared: Prepared, told: Ended) -> Iterator[Next]:
    """An answers file that holds every question and no answer yet: nobody's answer is filled in for them."""
    place = Path(told.spec.path) if told.spec else None
    about = _about(place, prepared) if place is not None else {}
    releases = prepared.folder / RELEASES
    if told.contradictions and releases.exists():
        about |= {"release": _from_here(releases)}
    file = prepared.folder / ANSWERS
    if not file.exists():
        try:
            write_named(file, answers_file(told.questions), "--answers", new=True)
        except PolicyloopError:
            return
    yield Next(
        again(prepared.asked, answers=_from_here(file), assume=False, **about), f"once your answers stand in {file}"
    )
    if all(any(option.recommended for option in question.options) for question in told.questions):
        yield Next(again(prepared.asked, assume=True, **about), "to take the recommended answers, marked as assumed")


def answers_file(questions: tuple[AskedQuestion, ...]) -> str:
    """The form of an answers file: each question with its options, and where the answer goes."""
    lines = ["# Behind each colon: the id of an option, or your own words in quotes."]
    for question in questions:
        lines += ["", f"# {one_line(question.text, WHOLE)}"]
        for option in question.options:
            best = " (recommended)" if option.recommended else ""
            lines.append(f"#   {one_line(option.id, WHOLE)}: {one_line(option.text, WHOLE)}{best}")
        lines.append(f"{scalar(question.id)}:")
    return "\n".join(lines) + "\n"


def _as_confirmed(asked: Asked, place: Path, prepared: Prepared) -> str:
    """The same over the spec once it is confirmed: nothing is answered or assumed any more."""
    return again(asked, answers=None, assume=False, yes=False, **_about(place, prepared))


def _other_than_now(told: Ended) -> str | None:
    """What a person said when they were asked and did not want it as it is, as a sentence of a request."""
    wrong = next((one for one in told.unsaid if one.question.removeprefix(_NOBODY) in told.message), None)
    if wrong is None:
        return None
    may = "may not" if wrong.allowed else "may"
    sentence = wrong.question.removeprefix(_NOBODY).replace(" may ", f" {may} ", 1)
    return f"{sentence[:1].upper()}{sentence[1:]}"


def _about(place: Path, prepared: Prepared) -> dict[str, object]:
    """The option that names the spec, where it does not lie where it is looked for."""
    known = prepared.known.path if prepared.known else None
    return {} if place == known else {"spec": _from_here(place)}


def _confirm(prepared: Prepared, place: Path, *, release: bool = False) -> str:
    policies = prepared.policies if prepared.policies.is_dir() else None
    return policyloop("spec", "confirm", release=release, policies=policies, named=place)


def _look(prepared: Prepared) -> Next:
    """The run's timeline, with where it is kept if it is not found from here."""
    state = prepared.asked.state or _elsewhere(prepared.hold.state)
    return Next(policyloop("show", state=state, named=prepared.run_id), "to see what was tried")


def _elsewhere(state: Path) -> Path | None:
    try:
        return None if find_state() == state else state
    except PolicyloopError:
        return state


def _from_here(path: Path) -> Path:
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
