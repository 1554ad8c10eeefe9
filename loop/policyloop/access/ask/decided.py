"""A decision of a spec as the question that it is."""

from policyloop.access.ask.questions import Question
from policyloop.access.ask.request import Principal, Request, Resource
from policyloop.specification.case_request import CaseRequest


def question_of(case: CaseRequest) -> Question:
    """What is asked, and when."""
    principal = Principal(
        case.principal,
        tuple(sorted(case.roles)),
        dict(case.principal_attr),
        case.principal_version,
        case.principal_scope,
    )
    resource = Resource(case.kind, case.resource, dict(case.resource_attr), case.resource_version, case.resource_scope)
    return Question(Request(principal, resource, case.action, dict(case.claims)), case.now)
