"""What the loop's judge says of a spec that a model drafts: the same shape of report as the compiler's, without one.

What cannot be read is of class `syntax`, what has no place in a spec `schema`, a gap `compile`. An open question is no
finding: it is for a person. So is everything that only people may say, and a draft that says it for them is refused.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from policyloop.bundle import Bundle
from policyloop.errors import UsageError
from policyloop.findings import CompilerInfo, ErrorClass, Finding, Report
from policyloop.guard import Assertion
from policyloop.redact import redact
from policyloop.specification.answers import is_answered
from policyloop.specification.check import check_spec
from policyloop.specification.document import read_document
from policyloop.specification.gap import OPEN_QUESTION
from policyloop.specification.implied import completed, without_implied
from policyloop.specification.model import FILE_NAME, Question, Spec
from policyloop.specification.outdated import not_outdated
from policyloop.specification.parse import spec_of
from policyloop.specification.printing import dense_yaml, spec_to_yaml
from policyloop.specification.shorthand import abbreviated, spelled_out

MOST_QUESTIONS = 8
"""How many open questions a draft may ask at a time."""

_PLACE = re.compile(rf"{re.escape(FILE_NAME)}:(\d+): ")


@dataclass(frozen=True, slots=True)
class Terms:
    """What a draft must keep: the person's `request`, and what they said in the spec `before` it.

    With another request than before, an answer may be opened again or dropped, but never changed.
    """

    request: str
    before: Spec | None = None
    tests: tuple[Assertion, ...] = ()
    """What the tests that are there demand."""

    @property
    def same_request(self) -> bool:
        """Whether the spec before it was about the same request."""
        return self.before is not None and same_words(self.before.request, self.request)


def same_words(one: str, other: str) -> bool:
    """Whether two requests are the same but for spaces and secrets, which a model is not shown."""
    return " ".join(redact(one).split()) == " ".join(redact(other).split())


def read_draft(text: str, request: str) -> Spec:
    """The spec that a draft stands for, with what code writes of it. Raises `UsageError` as `parse_spec` does."""
    document = read_document(text, FILE_NAME)
    return completed(spec_of(spelled_out(document.data, request), FILE_NAME, document))


def draft_text(spec: Spec) -> str:
    """A spec as a model is shown it: without the request, which the task says, and without what code writes again.

    `read_draft` makes the same spec of it.
    """
    bare: Spec = spec.model_copy(update={"confirmed": None})
    short = without_implied(bare)
    for shorter, ids in ((short, False), (short, True), (bare, True)):
        text = _abbreviated(shorter, ids=ids)
        try:
            if read_draft(text, spec.request) == bare:
                return text
        except UsageError:
            continue
    return spec_to_yaml(bare)


def _abbreviated(spec: Spec, *, ids: bool) -> str:
    plain = spec.plain()
    plain["decisions"] = abbreviated(plain.get("decisions", []), ids=ids)
    return dense_yaml({key: value for key, value in plain.items() if key not in ("version", "request")})


def judge_draft(bundle: Bundle, terms: Terms, info: CompilerInfo) -> Report:
    """The report on a bundle that shall hold one file, the drafted spec. `info` is put into it as it is."""
    return Report(info, tuple(_findings(bundle, terms)))


def only_drafted(spec: Spec, request: str) -> Spec:
    """A first draft that was refused, without all that it says in a person's place: fit to be kept in their file."""
    questions = tuple(one.model_copy(update={"answer": None, "assumed": False}) for one in spec.questions)
    changed: Spec = spec.model_copy(
        update={"request": request, "questions": questions, "releases": (), "confirmed": None}
    )
    return changed


def _findings(bundle: Bundle, terms: Terms) -> Iterator[Finding]:
    for path in bundle:
        if path != FILE_NAME:
            message = f"only {FILE_NAME} is written in this stage; delete this file"
            yield Finding(error_class=ErrorClass.SYNTAX, code="not-the-spec", message=message, file=path)
    text = bundle.files.get(FILE_NAME)
    if text is None:
        message = f"there is no {FILE_NAME} yet: write it"
        yield Finding(error_class=ErrorClass.SYNTAX, code="no-spec", message=message)
        return
    try:
        document = read_document(text, FILE_NAME)
    except UsageError as error:
        yield _unusable(error, ErrorClass.SYNTAX, "unreadable")
        return
    try:
        spec = spec_of(spelled_out(document.data, terms.request), FILE_NAME, document)
    except UsageError as error:
        yield _unusable(error, ErrorClass.SCHEMA, "not-a-spec")
        return
    yield from _overstepped(spec, terms)
    for number, code, words in not_outdated(completed(spec), terms.tests):
        line = spec.line(("outdated", number))
        yield Finding(error_class=ErrorClass.COMPILE, code=code, message=words, file=FILE_NAME, line=line, column=None)
    gaps = check_spec(completed(spec))
    asking = any(gap.code == OPEN_QUESTION for gap in gaps)
    for gap in gaps:
        # Before anybody has said what is wanted, a spec may consist of questions.
        if gap.code == OPEN_QUESTION or (gap.code == "no-rules" and asking):
            continue
        yield Finding(
            error_class=ErrorClass.COMPILE, code=gap.code, message=str(gap), file=FILE_NAME, line=gap.line, column=None
        )


def _unusable(error: UsageError, error_class: ErrorClass, code: str) -> Finding:
    found = _PLACE.match(error.message)
    message = f"{_PLACE.sub('', error.message)} {error.hint}".strip()
    line = int(found[1]) if found else None
    return Finding(error_class=error_class, code=code, message=message, file=FILE_NAME, line=line)


def _overstepped(spec: Spec, terms: Terms) -> Iterator[Finding]:
    """What a draft says in a person's place."""
    if not same_words(spec.request, terms.request):
        yield _refused(spec, ("request",), "request-changed", "`request` must be the person's request, word for word")
    before = terms.before
    known = {one.id: one for one in before.questions} if before else {}
    for number, question in enumerate(spec.questions):
        if words := _not_theirs(question, known.get(question.id), terms):
            yield _refused(spec, ("questions", number), "answered-by-model", words)
    asked = {one.id for one in spec.questions}
    for name, question in known.items():
        if name not in asked and (terms.same_request or question.assumed):
            words = f"the question `{name}`, which is a person's to settle, is gone; put it back as it was"
            yield _refused(spec, ("questions",), "question-lost", words)
    left = sum(not is_answered(one) for one in spec.questions)
    if left > MOST_QUESTIONS:
        words = f"{left} questions are open, and nobody reads more than {MOST_QUESTIONS}; ask the most important ones"
        yield _refused(spec, ("questions",), "too-many-questions", words)
    if spec.releases != (before.releases if before else ()):
        words = "`releases` are a person's to write; leave them as they were"
        yield _refused(spec, ("releases",), "released-by-model", words)


def _not_theirs(question: Question, before: Question | None, terms: Terms) -> str:
    """Why the answer of a question is none that a person gave; empty when it is theirs, or open."""
    if before is not None and before.answer is not None:
        opened = not terms.same_request and question.answer is None
        words = f"a person answered the question `{question.id}`; leave it and its options as they were"
        return "" if question == before or opened else words
    if question.answer is not None or question.assumed:
        return f"the question `{question.id}` is answered, but only a person answers; leave `answer` out"
    return ""


def _refused(spec: Spec, path: tuple[str | int, ...], code: str, message: str) -> Finding:
    return Finding(
        error_class=ErrorClass.SCHEMA, code=code, message=message, file=FILE_NAME, line=spec.line(path), column=None
    )
