"""Whether what a scope's rules say of narrowing can be so: it holds for a scope's policy as a whole."""

from policyloop.specification.gap import Gaps
from policyloop.specification.model import Spec
from policyloop.specification.vocabulary import Path


def check_narrowing(spec: Spec, gaps: Gaps) -> None:
    """The gaps of `may_only_narrow`."""
    add = "Say in which `scope` it holds, and let it allow; or leave `may_only_narrow` out."
    for number, rule in enumerate(spec.rules):
        path: Path = ("rules", number)
        if rule.may_only_narrow and not rule.scope:
            gaps.add("narrows-nothing", path, "it may only narrow, but it holds in no scope of its own", add)
        elif rule.may_only_narrow and rule.decision == "deny":
            gaps.add("narrows-nothing", path, "it may only narrow, but what denies never widens anything", add)
        if rule.may_only_narrow or rule.decision != "allow" or not rule.scope:
            continue
        for other in spec.rules:
            beside = (other.resource, other.scope, other.decision) == (rule.resource, rule.scope, "allow")
            if beside and other.may_only_narrow:
                message = f"in `{rule.scope}`, rule `{other.id}` may only narrow and this one may not"
                all_or_none = "Let all rules of the scope that allow something say `may_only_narrow: true`, or none."
                gaps.add("narrows-in-two-ways", path, message, all_or_none, contradiction=True)
