"""An allow became a deny, or the other way round."""

from collections.abc import Iterator

from policyloop.access.mutate.operator import Edit, Operator, Subject, rule_words
from policyloop.access.source.splice import rewritten
from policyloop.effects import ALLOW, DENY

_OTHER = {ALLOW: DENY, DENY: ALLOW}


def _flipped(subject: Subject) -> Iterator[Edit]:
    for rule in subject.policy.rules:
        effect = rule.node.get("effect")
        if effect is not None and effect.text in _OTHER:
            other = _OTHER[effect.text]
            words = f"{effect.text} became {other}"
            yield Edit(rule_words(rule), effect, words, rewritten(subject.text, effect, other))


OPERATOR = Operator(name="effect-flipped", in_policy=_flipped)
