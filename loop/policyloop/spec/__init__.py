"""The spec: what a person confirmed, in words and in concrete decisions, and the tests written from it. Pure code."""

from policyloop.spec.answers import (
    answer_text,
    assumed_answers,
    assuming,
    assumptions,
    check_choices,
    confirm,
    releases_of,
    with_answers,
)
from policyloop.spec.arrange import FOLDER
from policyloop.spec.changes import changes
from policyloop.spec.check import check_spec
from policyloop.spec.contradicted import Contradiction, contradicted
from policyloop.spec.gap import OPEN_QUESTION, Gap
from policyloop.spec.model import FILE_NAME, Spec
from policyloop.spec.parse import parse_spec, spec_of, spec_schema
from policyloop.spec.printing import spec_to_yaml
from policyloop.spec.renewed import lost_comments, renewed
from policyloop.spec.suites import suites_from
from policyloop.spec.trace import Traced, trace

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
    "releases_of",
    "renewed",
    "spec_of",
    "spec_schema",
    "spec_to_yaml",
    "suites_from",
    "trace",
    "with_answers",
]
