"""Which spec a run is about, and whether what the person said of it fits."""

from pathlib import Path

from policyloop.confirmed.believed import believed, by_itself
from policyloop.confirmed.specfile import read_answers, read_text, spec_path
from policyloop.errors import PersonNeeded, UsageError
from policyloop.run.asked import Asked, Wishes
from policyloop.run.past import Past
from policyloop.run.prepared import Known
from policyloop.specification import check_choices, check_spec, parse_spec
from policyloop.specification.draft import same_words


def about(asked: Asked, policies: Path, past: Past | None) -> tuple[str, Known | None]:
    """The request, and the spec that it is about; None for a run without one. Raises `UsageError`.

    Without a request what is there is repaired, unless a spec is named: then its own request is meant.
    """
    request = asked.words or (past.started.request if past else "")
    if past and not same_words(request, past.started.request):
        raise UsageError(f"Run {past.started.run} was about another request.", "Leave the request out to resume it.")
    if _is_without_spec(asked, request, past):
        _check_unused(asked)
        return request, None
    known = _known(_path(asked, policies, past), policies)
    if known.spec is None:
        if not request.strip():
            raise UsageError(f"There is no spec {known.path}.", "Say what you want, or name another --spec.")
        return request, known
    if not (request or known.spec.request).strip():
        raise UsageError(f"{known.path} has no request.", "Say there what is wanted.")
    return request if request.strip() else known.spec.request, known


def _is_without_spec(asked: Asked, request: str, past: Past | None) -> bool:
    if asked.no_spec or (past and past.started.spec is None):
        return True
    return not request.strip() and asked.spec is None


def _path(asked: Asked, policies: Path, past: Past | None) -> Path:
    if asked.spec:
        return asked.spec
    if past and past.started.spec:
        return Path(past.started.spec)
    return spec_path(None, policies)


def _known(path: Path, policies: Path) -> Known:
    """The spec's file as it stands now, believed only as far as a person's confirmation of it is known."""
    if path.resolve().is_relative_to(policies.resolve()):
        raise UsageError(f"The spec {path} lies in the policy directory, where a model writes.", "Keep it beside it.")
    if not path.exists():
        return Known(path=path, text=None, spec=None)
    text = read_text(path)
    return Known(path=path, text=text, spec=believed(parse_spec(text, str(path)), path))


def check_fits(words: str, known: Known | None, wishes: Wishes, past: Past | None) -> None:
    """Raises what is wrong with the spec's file or the answers to it, before anything is begun."""
    if known and past:
        _check_unchanged(past, known)
    elif known:
        _check_answers(words, known, wishes)


def _check_answers(words: str, known: Known, wishes: Wishes) -> None:
    """Raises `UsageError` for answers that fit nothing in the spec that is there."""
    spec = known.spec
    if not wishes.answers or spec is None or not same_words(spec.request, words):
        return
    if spec.is_confirmed and not check_spec(spec):
        names = ", ".join(wishes.answers)
        raise UsageError(f"{known.path} is confirmed, so it asks nothing; answers were given to: {names}.")
    check_choices(spec, wishes.answers)


def _check_unchanged(past: Past, known: Known) -> None:
    """Raises `PersonNeeded` when the spec's file is not as the run to be resumed had it, or left it."""
    digest = known.spec.digest if known.spec else None
    agreed = past.clarified.used.digest if past.clarified and past.clarified.agreed else None
    if agreed is None and digest in {None, *past.digests}:
        return
    if agreed is not None and known.spec is not None and known.spec.is_confirmed and digest == agreed:
        return
    raise PersonNeeded(
        f"{known.path} is not what it was in run {past.started.run}, so that cannot be resumed.", "Start a new run."
    )


def _check_unused(asked: Asked) -> None:
    given = {"--spec": asked.spec, "--answers": asked.answers, "--assume": asked.assume, "--yes": asked.yes}
    unused = [name for name, value in given.items() if value]
    if unused:
        why = "--no-spec" if asked.no_spec else "a run without a request"
        raise UsageError(f"{unused[0]} means nothing with {why}.", "Leave one of them out.")


def wishes_of(asked: Asked) -> Wishes:
    """What the person said about the spec. Raises `UsageError` for an answers file that cannot be used."""
    return Wishes(
        answers=read_answers(asked.answers) if asked.answers else {},
        assume=asked.assume,
        yes=by_itself(asked.yes),
        by=asked.by.strip() or None if asked.by else None,
    )
