"""`all` became `any`, `any` became `all`, `none` became `any`."""

from collections.abc import Iterator

from policyloop.access.mutate.operator import Edit, Operator, Subject
from policyloop.access.source.splice import rewritten

_OTHER = {"all": "any", "any": "all", "none": "any"}


def _swapped(subject: Subject) -> Iterator[Edit]:
    for where, condition in subject.conditions():
        for node in condition.below():
            for name, other in _OTHER.items():
                pair = node.pair(name)
                parts = pair[1].get("of") if pair is not None else None
                if pair is None or parts is None or parts.shape != "list":
                    continue
                # `all` and `any` of a single part are the same; `none` of it is its opposite.
                if len(parts.items) > 1 or name == "none":
                    words = f"`{name}` became `{other}`"
                    yield Edit(where, pair[0], words, rewritten(subject.text, pair[0], other))


OPERATOR = Operator(name="match", in_policy=_swapped)
