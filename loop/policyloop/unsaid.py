"""What no decision of a spec says: mistakes in its policies that no test noticed, as questions in plain words.

A witness, the request that tells a mistake from the policies, is put into the spec's own words: who asks, for what, of
which thing, where. What the spec states to be irrelevant is not asked.
"""

import json
from collections.abc import Callable, Iterator, Sequence

from policyloop.access.ask.request import Request
from policyloop.access.mutate import Mutant, MutateResult, Survivor
from policyloop.access.mutate.search import Witness
from policyloop.access.mutate.suggest import suite_of
from policyloop.effects import ALLOW
from policyloop.events import LookedFor, Unsaid
from policyloop.specification import Spec
from policyloop.specification.irrelevant import Cell, is_irrelevant
from policyloop.specification.vocabulary import Attribute

_MOST_VALUE = 60


def rules_of(spec: Spec) -> Callable[[Mutant], bool]:
    """Which mutants are mistakes in the rules of the spec, or in its derived roles."""
    names = {rule.id for rule in spec.rules} | set(spec.derived_roles)
    return lambda mutant: any(mutant.where.endswith(f" {name}") for name in names)


def unsaid(spec: Spec, result: MutateResult, most: int) -> tuple[Unsaid, ...]:
    """At most `most` questions: what is allowed now first, about what the spec knows first, each once."""
    asked: dict[str, tuple[tuple[bool, bool], Unsaid]] = {}
    for survivor in result.survivors:
        told = _told(spec, survivor)
        if told is not None:
            asked.setdefault(told[1].question, told)
    ranked = sorted(asked.values(), key=lambda pair: pair[0])
    return tuple(question for _, question in ranked[:most])


def said_suite(result: MutateResult, questions: Sequence[Unsaid], by: str) -> str:
    """What a person said yes to, as it is now, as a suite: each question a test that holds the answer of today."""
    found, words = [], []
    for question in questions:
        survivor = next(one for one in result.survivors if one.witness and _request_of(one.witness) == question.request)
        assert survivor.witness is not None
        found.append((survivor.mutant, survivor.witness))
        now = "They may." if question.allowed else "They may not."
        words.append(f"{by} was asked: {question.question} {now}")
    head = "# What a person said when a run asked what nobody had said. It is locked like any other test.\n"
    return suite_of(found, "What a person said", head=head, words=words)


def _request_of(witness: Witness) -> str:
    return json.dumps(witness.question.request.to_json(), ensure_ascii=False)


def looked_for(result: MutateResult, most: int) -> LookedFor:
    """How far it was looked. `most`: the bound on mutants."""
    cuts = []
    if result.cut_off is not None:
        cuts.append(f"{result.cut_off.because} (spec.seconds)")
    if result.made > most:
        cuts.append(f"no more than {most} are tried (spec.mutants)")
    tried = result.killed + len(result.invalid) + len(result.survivors)
    return LookedFor(result.made, tried, len(result.survivors), "; ".join(cuts))


def _told(spec: Spec, survivor: Survivor) -> tuple[tuple[bool, bool], Unsaid] | None:
    witness = survivor.witness
    if witness is None:
        return None
    request = witness.question.request
    kind = request.resource.kind
    if kind not in spec.resources or any(is_irrelevant(spec, kind, cell) for cell in _cells(spec, request)):
        return None
    allowed = witness.effect == ALLOW
    known = request.action in spec.resources[kind].actions and not _strangers(spec, request)
    question = f"Nobody said whether {_who(spec, request)} may {_does(spec, request)}."
    return (not known, not allowed), Unsaid(question, allowed, _request_of(witness))


def _cells(spec: Spec, request: Request) -> Iterator[Cell]:
    """What a statement of irrelevance could be about."""
    resource, scope = request.resource, request.resource.scope or None
    for role in request.principal.roles:
        yield Cell(scope=scope, role=role, action=request.action)
    for name, declared in spec.resources[resource.kind].attributes.items():
        value = resource.attr.get(name)
        if declared.one_of and isinstance(value, str):
            yield Cell(f"resource.attr.{name}", value, scope, None, request.action)


def _strangers(spec: Spec, request: Request) -> list[str]:
    return [role for role in request.principal.roles if role not in spec.roles]


def _who(spec: Spec, request: Request) -> str:
    person = next((rule.person for rule in spec.rules if rule.person == request.principal.id), None)
    known = [role for role in request.principal.roles if role in spec.roles]
    roles = " and ".join(_with_article(role) for role in known) if known else "somebody whose role nobody knows"
    who = f"{person}, {roles}," if person is not None else roles
    return who + _described(spec.principals.attributes, request.principal.attr, request, "whose", absent=False)


def _does(spec: Spec, request: Request) -> str:
    resource = spec.resources[request.resource.kind]
    thing = _with_article(request.resource.kind)
    verb = (
        request.action.replace("_", " ") if request.action in resource.actions else "do anything that is not listed to"
    )
    described = _described(resource.attributes, request.resource.attr, request, "whose", absent=True)
    scope = f" in {request.resource.scope}" if request.resource.scope else ""
    claims = ", ".join(f"{name} {_value(value)}" for name, value in request.claims.items())
    return f"{verb} {thing}{described}{scope}" + (f", with a token that says {claims}" if claims else "")


def _described(declared: dict[str, Attribute], given: object, request: Request, word: str, *, absent: bool) -> str:
    """The attributes that the spec knows, in a few words each."""
    assert hasattr(given, "get")
    parts = [
        part
        for name, attribute in declared.items()
        if (part := _attribute(name, attribute, given.get(name, _MISSING), request, absent=absent))
    ]
    return f" {word} {' and '.join(parts)}" if parts else ""


_MISSING = object()


def _attribute(name: str, declared: Attribute, value: object, request: Request, *, absent: bool) -> str:
    said = name.replace("_", " ")
    if value is _MISSING:
        return f"{said} is not given" if absent and (declared.one_of or declared.optional) else ""
    if isinstance(value, str) and value == request.principal.id and absent:
        return f"{said} is the person who asks"
    return f"{said} is {_value(value)}"


def _value(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MOST_VALUE else f"{text[: _MOST_VALUE - 1]}…"


def _with_article(noun: str) -> str:
    said = noun.replace("_", " ")
    return f"{'an' if said[:1].lower() in 'aeiou' else 'a'} {said}"
