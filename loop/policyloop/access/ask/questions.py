"""Questions put to the compiler's own test engine: the real one, and the only one whose clock can be set.

A server answers at its own moment. `cerbos compile` runs the same engine with `options.now`, strictly or not, and says
the effect of every assertion also where it is not the one expected. So a suite of ours is a list of questions.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from policyloop.access.ask.request import Request, canonical
from policyloop.bundle import Bundle
from policyloop.cerbos.broken import spoken
from policyloop.cerbos.run import Runner, Staged
from policyloop.cerbos.shape import text as text_of
from policyloop.cerbos.sources import Sources
from policyloop.cerbos.suites import details_of, read_failure
from policyloop.effects import ALLOW, DENY
from policyloop.errors import Unavailable
from policyloop.guard.canon import decode
from policyloop.guard.demand import NOTHING, Assertion
from policyloop.guard.exam import write
from policyloop.suite_document import Asked, SuiteDocument

DEFAULT_NOW = "2026-01-01T00:00:00Z"
"""The moment of a question that does not say one."""
PER_SUITE = 400
"""Questions in one suite: the engine runs suites side by side."""
MAX_QUESTIONS = 20_000
"""The most questions of one run, so that what comes back can be held."""

_FOLDER = "policyloop_questions"
_ANYTHING = '{"$schema":"https://json-schema.org/draft/2020-12/schema"}'


@dataclass(frozen=True)
class Question:
    """A request and the moment at which it is made, as RFC 3339."""

    request: Request
    now: str = DEFAULT_NOW

    @property
    def key(self) -> tuple[str, str]:
        """The same for the same question."""
        return self.request.key, self.now


class Questionnaire:
    """Some questions, written as suites. At most `MAX_QUESTIONS`."""

    def __init__(self, questions: Sequence[Question]) -> None:
        if len(questions) > MAX_QUESTIONS:
            raise ValueError(len(questions))
        self.questions = tuple(questions)
        self._suites: dict[str, str] = {}
        self._names: dict[tuple[str, str], int] = {}
        for start in range(0, len(questions), PER_SUITE):
            name = f"questions {start // PER_SUITE + 1}"
            self._suites[f"questions_{start // PER_SUITE + 1:03}_test.json"] = self._suite(name, start)

    def __len__(self) -> int:
        return len(self.questions)

    def bundle(self, of: Bundle, *, schemas: bool = True) -> Bundle:
        """The policies of a bundle with the questions as its only tests.

        Without `schemas` every schema lets everything through, as on a server that does not enforce them.
        """
        kept = of.without_tests()
        if not schemas:
            kept = kept.overlaid(dict.fromkeys(kept.schemas(), _ANYTHING))
        folder = _FOLDER
        while any(path.casefold().startswith(folder) for path in kept):
            folder += "_"
        return kept.overlaid({f"{folder}/{name}": text for name, text in self._suites.items()})

    def answers(self, staged: Staged, of: Bundle, *, strict: bool = False) -> tuple[str | None, ...]:
        """The effect of each question, None where the engine gave none, from a bundle made by `bundle` and staged."""
        if not self.questions:
            return ()
        data = spoken(staged.compile(strict=strict), Sources(of))
        if isinstance(data, tuple):
            raise Unavailable(f"The questions could not be put to the compiler: {data[0].message}")
        effects: list[str | None] = [None] * len(self.questions)
        for assertion, details in details_of(data):
            number = self._names.get((assertion.suite, assertion.test))
            if number is not None:
                passed = details.get("result") == "RESULT_PASSED"
                effects[number] = DENY if passed else read_failure(details).actual
        if all(effect is None for effect in effects):
            why = next((text_of(one.get("error"), "error") for one in data.get("suites") or () if one.get("error")), "")
            raise Unavailable(f"The compiler answered none of {len(effects)} questions. {why}".strip())
        return tuple(effect if effect in (ALLOW, DENY) else None for effect in effects)

    def _suite(self, name: str, start: int) -> str:
        suite = SuiteDocument(name, canonical)
        for number, question in enumerate(self.questions[start : start + PER_SUITE], start):
            request = question.request
            self._names[name, str(number)] = number
            asked = Asked(
                principal=suite.principals.named(request.principal.to_json()),
                resource=suite.resources.named(request.resource.to_json()),
                effects={request.action: DENY},
                aux_data=suite.aux_data.named({"jwt": dict(request.claims)}) if request.claims else None,
                options={"now": question.now},
            )
            suite.put(str(number), asked)
        return write(_floats(suite.to_json()))


def _floats(value: Any) -> Any:
    """Numbers as Cerbos keeps them."""
    if isinstance(value, Mapping):
        return {key: _floats(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_floats(item) for item in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def put(
    runner: Runner, bundle: Bundle, questions: Sequence[Question], *, strict: bool = False, schemas: bool = True
) -> tuple[str | None, ...]:
    """What the policies of `bundle` answer to `questions`, in order. Raises `Unavailable`."""
    effects: list[str | None] = []
    for start in range(0, len(questions), MAX_QUESTIONS):
        part = Questionnaire(questions[start : start + MAX_QUESTIONS])
        asked = part.bundle(bundle, schemas=schemas)
        with runner.stage(asked) as staged:
            effects.extend(part.answers(staged, asked, strict=strict))
    return tuple(effects)


def asked_by(assertions: Iterable[Assertion]) -> Iterator[tuple[Question, str]]:
    """The questions that a bundle's own tests ask, and the effects that they demand; what could not be read is left
    out, and so is what is asked with globals or a default version of its own.
    """
    from policyloop.access.ask.request import Principal, Resource

    for one in assertions:
        inputs = one.demand.inputs
        options = decode(inputs.options) or {}
        if not one.known or not options.keys() <= {"now"}:
            continue
        who, what = decode(inputs.principal), decode(inputs.resource)
        claims = decode(inputs.aux_data) if inputs.aux_data != NOTHING else {}
        principal = Principal(
            who["id"],
            tuple(sorted(who["roles"])),
            who.get("attr", {}),
            who.get("policyVersion", ""),
            who.get("scope", ""),
        )
        resource = Resource(
            what["kind"], what["id"], what.get("attr", {}), what.get("policyVersion", ""), what.get("scope", "")
        )
        jwt = claims.get("jwt", {}) if isinstance(claims, dict) else {}
        yield (
            Question(Request(principal, resource, inputs.action, jwt), options.get("now", DEFAULT_NOW)),
            one.demand.effect,
        )
