"""The JSON Schemas that `policyloop schema NAME` prints, by name: the documents that scripts may rely on."""

import difflib

from policyloop.config import json_schema
from policyloop.decide.effects import Effects
from policyloop.documents.access import DiffDocument
from policyloop.documents.audit import (
    AuditCoverageDocument,
    AuditDoneDocument,
    AuditProofDocument,
    AuditProvedDocument,
    AuditReportDocument,
    AuditSearchDocument,
    AuditVerifyDocument,
)
from policyloop.documents.doctor import DoctorDocument
from policyloop.documents.error import ErrorDocument
from policyloop.documents.harden import HardenDocument
from policyloop.documents.judged import CheckDocument, GuardDocument
from policyloop.documents.lint import LintDocument
from policyloop.documents.mutate import MutateDocument
from policyloop.documents.recover import RecoverDocument
from policyloop.documents.report import ReportDocument
from policyloop.documents.run import RunDocument
from policyloop.documents.schema import Schema, described
from policyloop.documents.session import SessionDocument
from policyloop.documents.spec import Answers, SpecCheckDocument, SpecShowDocument
from policyloop.errors import UsageError
from policyloop.events import AskedQuestion
from policyloop.protocol import ProposalJson, TaskDocument
from policyloop.specification import spec_schema

DOCUMENTS = {
    "check": CheckDocument,
    "guard": GuardDocument,
    "run": RunDocument,
    "session": SessionDocument,
    "doctor": DoctorDocument,
    "harden": HardenDocument,
    "report": ReportDocument,
    "recover": RecoverDocument,
    "effects": Effects,
    "error": ErrorDocument,
    "task": TaskDocument,
    "proposal": ProposalJson,
    "diff": DiffDocument,
    "lint": LintDocument,
    "mutate": MutateDocument,
    "spec-show": SpecShowDocument,
    "spec-check": SpecCheckDocument,
    "questions": tuple[AskedQuestion, ...],
    "answers": Answers,
    "audit-search": AuditSearchDocument,
    "audit-verify": AuditVerifyDocument,
    "audit-proved": AuditProvedDocument,
    "audit-proof": AuditProofDocument,
    "audit-done": AuditDoneDocument,
    "audit-report": AuditReportDocument,
    "audit-coverage": AuditCoverageDocument,
}
MADE_ELSEWHERE = {"config": json_schema, "spec": spec_schema}
"""The files that people write are read by pydantic, which knows their schemas."""

NAMES = (*MADE_ELSEWHERE, *DOCUMENTS)


def schema_of(name: str) -> Schema:
    """The schema of that name. Raises `UsageError` for an unknown one."""
    if name in MADE_ELSEWHERE:
        return MADE_ELSEWHERE[name]()
    if name not in DOCUMENTS:
        near = difflib.get_close_matches(name, NAMES, 1)
        hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(NAMES)}."
        raise UsageError(f"There is no schema {name!r}.", hint)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": f"policyloop {name}"}
    return {**head, **described(DOCUMENTS[name])}
