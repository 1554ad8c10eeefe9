"""The spec: what a person confirmed, in words and in concrete decisions, and the tests written from it. Pure code."""

from policyloop.specification.answers import (
    answer_text,
    assumed_answers,
    assuming,
    assumptions,
    check_choices,
    confirm,
    releases_of,
    with_answers,
    wrong_choice,
)
from policyloop.specification.arrange import FOLDER
from policyloop.specification.changes import changes
from policyloop.specification.check import check_spec
from policyloop.specification.contradicted import Contradiction, contradicted
from policyloop.specification.gap import OPEN_QUESTION, Gap
from policyloop.specification.model import FILE_NAME, Spec
from policyloop.specification.parse import parse_spec, spec_of, spec_schema
from policyloop.specification.paste import paste_of
from policyloop.specification.printing import spec_to_yaml
from policyloop.specification.renewed import lost_comments, renewed
from policyloop.specification.suites import suites_from
from policyloop.specification.trace import Traced, trace

__all__ = [
    "FILE_NAME",
    "FOLDER",
    "OPEN_QUESTION",
    "Contradiction",
    "Gap",
    "Spec",
    "Traced",
    "answer_text",
    "assumed_answers",
    "assuming",
    "assumptions",
    "changes",
    "check_choices",
    "check_spec",
    "confirm",
    "contradicted",
    "lost_comments",
    "parse_spec",
    "paste_of",
    "releases_of",
    "renewed",
    "spec_of",
    "spec_schema",
    "spec_to_yaml",
    "suites_from",
    "trace",
    "with_answers",
    "wrong_choice",
]
