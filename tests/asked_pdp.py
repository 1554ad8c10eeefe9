"""A real PDP over policies, as what `decide.judge` puts its requests to."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from policyloop.access.ask.request import Principal, Request, Resource
from policyloop.access.pdp import Settings, serving
from policyloop.access.pdp.client import batch_of
from policyloop.bundle import Bundle
from policyloop.decide.judge import Ask


@contextmanager
def asking(policies: Bundle) -> Iterator[Ask]:
    """With strict evaluation: what a rule cannot work out is a denial."""
    with serving(policies, Settings(runner="native", strict=True)) as started:
        none = batch_of(Request(Principal("nobody", ("none",)), Resource("none", "none"), "none"))

        def ask(request: Mapping[str, Any]) -> object:
            body = json.dumps(request, ensure_ascii=False).encode()
            ((_, reply),) = started.answers([(none, body)])
            return json.loads(reply)

        yield ask
