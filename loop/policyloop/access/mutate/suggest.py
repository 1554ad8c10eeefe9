"""Survivors' witnesses as a suite, ready to be added: what the policies say today, as tests that the mutants fail."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from policyloop.access.ask.questions import DEFAULT_NOW
from policyloop.access.ask.request import canonical
from policyloop.access.mutate.mutants import Mutant
from policyloop.access.mutate.search import Witness
from policyloop.effects import ALLOW
from policyloop.suite_document import Asked, SuiteDocument
from policyloop.yaml_text.writing import block

_HEAD = "# yaml-language-server: $schema=https://api.cerbos.dev/latest/cerbos/policy/v1/TestSuite.schema.json\n"
_SAYS = (
    "# Written by policyloop mutate: each test holds what the policies decide today. See that it is what you want.\n"
)


def suite_of(
    found: Sequence[tuple[Mutant, Witness]], name: str, *, head: str = _SAYS, words: Sequence[str] = ()
) -> str:
    """The suite `name` in which each witness is a test that expects the effect of the policies as they are.

    `head`: comment lines on where it comes from. `words`: how each is described, else by the mutant that fails it.
    """
    suite = SuiteDocument(name, canonical, options={"now": DEFAULT_NOW})
    for place, (mutant, witness) in enumerate(found):
        request = witness.question.request
        who = suite.principals.named(request.principal.to_json(), _plain(request.principal.id))
        what = suite.resources.named(request.resource.to_json(), _plain(request.resource.id))
        token = suite.aux_data.named({"jwt": dict(request.claims)}, "token") if request.claims else None
        title = _title(witness, who, what, token)
        fails = f"Fails when, at {mutant.file}:{mutant.line}, in {mutant.where}: {mutant.words}."
        fails = words[place] if words else fails
        if title in suite:
            suite.put(title, replace(suite[title], description=f"{suite[title].description} {fails}"))
            continue
        asked = Asked(
            principal=who,
            resource=what,
            effects={request.action: witness.effect},
            aux_data=token,
            options=_options(witness),
            description=fails,
        )
        suite.put(title, asked)
    return _HEAD + head + "\n".join(block(suite.to_json(), open_levels=2)) + "\n"


def _options(witness: Witness) -> dict[str, Any]:
    options: dict[str, Any] = {} if witness.question.now == DEFAULT_NOW else {"now": witness.question.now}
    if witness.strict:
        options["strictEvaluation"] = True
    return options


def _title(witness: Witness, who: str, what: str, token: str | None) -> str:
    """What the test shows, in words that tell it from the others."""
    verb = "may" if witness.effect == ALLOW else "may not"
    title = f"{who} {verb} {witness.question.request.action} {what}"
    if token is not None:
        title += f" with {token}"
    if witness.question.now != DEFAULT_NOW:
        title += f" at {witness.question.now}"
    if witness.strict:
        title += ", strictly"
    return title


def _plain(wish: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]+", "_", wish).strip("_")[:40] or "one"
