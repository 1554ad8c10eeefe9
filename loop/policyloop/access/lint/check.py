"""What a check is: its codes, and how it looks. A file in `checks/`, a section in docs/codes/lint.md, a fixture."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from policyloop.access.inquiry.question_pool import Pool
from policyloop.access.lint.hole import Code, Hole
from policyloop.access.lint.requests import Looked
from policyloop.access.source import Policy, Rule
from policyloop.bundle import Bundle


@dataclass(frozen=True, slots=True)
class Target:
    """What is looked at. `enforcement`: of schemas, in the server's configuration; None when nobody showed it."""

    bundle: Bundle
    policies: Sequence[Policy]
    pool: Pool
    enforcement: str | None = None

    def rules(self, what: str = "resource") -> Iterator[tuple[Policy, Rule]]:
        """Each rule with its policy, of the policies of one kind (`resource`, `principal`, `role`)."""
        for policy in self.policies:
            if policy.what == what:
                for rule in policy.rules:
                    yield policy, rule

    def parent_roles(self) -> Mapping[str, frozenset[str]]:
        """The parent roles of each derived role."""
        return {one.name: frozenset(one.parent_roles) for policy in self.policies for one in policy.definitions}


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One file of `checks/`. What can be seen in the texts is `written`; what only a request shows is `asked`.

    `asked` gives investigations, each with the place (`file:line`) that is named should the compiler not take the
    change that would tell.
    """

    codes: tuple[Code, ...]
    written: Callable[[Target], Iterable[Hole]] = lambda _: ()
    asked: Callable[[Target], Iterable[tuple[str, Looked]]] = lambda _: ()


def place(rule: Rule) -> str:
    """`file:line` of a rule."""
    return f"{rule.file}:{rule.line}"
