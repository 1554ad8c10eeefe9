"""What changed in access, and the documents of `diff`, `mutate` and `lint`."""

from policyloop.schemas.judged import CERBOS
from policyloop.schemas.shapes import COUNT, FLAG, TEXT, Schema, about, many, one_of, or_null, shape

EFFECT = one_of("EFFECT_ALLOW", "EFFECT_DENY")
ATTRIBUTES: Schema = {"type": "object"}
REQUEST = shape(
    "What the PDP is asked, as it takes it.",
    {
        "principal": shape(
            "Who asks.",
            {"id": TEXT, "roles": many(TEXT), "attr": ATTRIBUTES, "policyVersion": TEXT, "scope": TEXT},
            ("attr", "policyVersion", "scope"),
        ),
        "resource": shape(
            "What is asked for.",
            {"kind": TEXT, "id": TEXT, "attr": ATTRIBUTES, "policyVersion": TEXT, "scope": TEXT},
            ("attr", "policyVersion", "scope"),
        ),
        "action": TEXT,
        "auxData": shape("The claims of a token.", {"jwt": ATTRIBUTES}),
    },
    ("auxData",),
)


def access() -> dict[str, Schema]:
    decided = {
        "effect": EFFECT,
        "policy": or_null(TEXT),
        "rule": or_null(TEXT),
        "file": or_null(TEXT),
        "line": or_null(COUNT),
    }
    reason = shape(
        "One change in access, with the smallest request found that shows it, confirmed on both PDPs.",
        {
            "direction": one_of("wider", "narrower"),
            "resource": TEXT,
            "action": TEXT,
            "roles": many(TEXT),
            "request": REQUEST,
            "before": shape("The decision before, and the rule that made it.", decided),
            "after": shape("The decision after, and the rule that makes it.", decided),
            "engine": one_of("decisions", "clock", "proof"),
            "strict": FLAG,
            "schemas": one_of("none", "reject"),
            "now": about(or_null(TEXT), "The moment at which it shows, where that is not now."),
            "asked_for": about(or_null(TEXT), "The rule that accepts it: of the spec, or named by a person."),
        },
    )
    rule = shape(
        "A rule that is not the same in both bundles, and what is known of whom it lets in.",
        {
            "file": TEXT,
            "line": or_null(COUNT),
            "rule": TEXT,
            "change": one_of("added", "changed", "removed"),
            "wider": about(
                one_of("shown", "proved", "searched", "uncovered"),
                "A request was shown; proved that there is none; none was found; or it was not covered.",
            ),
            "why": about(many(TEXT), "Why it is not covered."),
        },
    )
    proofs = shape(
        "Questions for which there is no resource whatsoever that gets in now, and the others.",
        {"proved": COUNT, "refuted": COUNT, "unproved": COUNT, "because": many(TEXT)},
    )
    return {
        "result": or_null(one_of("PASS", "FAIL")),
        "totals": shape(
            "All changes that were found, those that are not among the reasons too.",
            {"wider": COUNT, "narrower": COUNT, "accepted": COUNT},
        ),
        "reasons": many(reason),
        "rules": many(rule),
        "requests": about(COUNT, "How many requests both bundles answered."),
        "complete": about(FLAG, "Whether all that were planned fitted into the bound."),
        "seed": {"type": "integer"},
        "moment": TEXT,
        "proofs": or_null(proofs),
        "notes": many(TEXT),
        "skipped": about(or_null(TEXT), "Why nothing was compared."),
    }


def diff() -> Schema:
    return shape(
        "What `policyloop diff --format json` prints; for a bundle that does not compile, what `check` prints.",
        {
            "outcome": one_of("kept", "wider", "person"),
            "exit_code": one_of(0, 5, 7),
            "old": TEXT,
            "new": TEXT,
            **access(),
            "cerbos": CERBOS,
        },
    )


def mutate() -> Schema:
    mutant = {"operator": TEXT, "file": TEXT, "line": COUNT, "where": TEXT, "change": TEXT}
    witness = shape(
        "The request that shows it, its moment, and what the bundle and the mutant say.",
        {"request": REQUEST, "now": TEXT, "strict": FLAG, "effect": EFFECT, "mutated": EFFECT},
    )
    survivor = shape(
        "A mutant that no test noticed. Without a witness: proved to be like the original, or not told apart.",
        {
            **mutant,
            "witness": or_null(witness),
            "alike": or_null(one_of("proved", "asked")),
            "asked": COUNT,
            "proved": about(COUNT, "For so many principals with an action no resource whatsoever tells them apart."),
            "test": about(or_null(TEXT), "A suite with the test that would have noticed it."),
        },
    )
    return shape(
        "What `policyloop mutate --format json` prints; for a bundle that is not green, what `check` prints.",
        {
            "outcome": one_of("done", "below", "cut off"),
            "exit_code": one_of(0, 4, 8, 130),
            "score": about(or_null(COUNT), "Killed, in percent of all but the invalid and those proved to be alike."),
            "min_score": or_null(COUNT),
            "cut_off": about(or_null(TEXT), "Why not all was done; what is told is then about those that were tried."),
            "mutants": shape(
                "How many there were.",
                {
                    "made": COUNT,
                    "killed": COUNT,
                    "survived": about(COUNT, "Unnoticed, and a request shows it."),
                    "untold": about(COUNT, "Unnoticed, and no request that was asked shows it; they count as well."),
                    "proved": about(COUNT, "Proved to be like the original; they do not count."),
                    "invalid": COUNT,
                    "untried": COUNT,
                },
            ),
            "survivors": many(survivor),
            "invalid": many(shape("A mutant that is no bundle.", mutant)),
            "unread": about(many(TEXT), "Where a policy was not read with certainty, so that mutants may be missing."),
            "seed": COUNT,
            "cerbos": CERBOS,
        },
    )


def lint() -> Schema:
    from policyloop.access.lint import CODES

    witness = shape(
        "A request that shows it, its moment, the answer, and who gave that answer.",
        {
            "request": REQUEST,
            "now": TEXT,
            "effect": EFFECT,
            "because": TEXT,
            "confirmed_by": one_of("engine", "server"),
        },
    )
    finding = shape(
        "One thing that compiles and that people rarely mean. Lines and columns count from 1.",
        {
            "level": one_of("warning", "note"),
            "code": one_of(*CODES),
            "file": TEXT,
            "line": or_null(COUNT),
            "column": or_null(COUNT),
            "message": TEXT,
            "excerpt": or_null(TEXT),
            "why": many(TEXT),
            "witness": or_null(witness),
            "asked": COUNT,
        },
    )
    return shape(
        "What `policyloop lint --format json` prints; for a bundle that does not compile, what `check` prints.",
        {
            "outcome": one_of("clean", "holes"),
            "exit_code": one_of(0, 4),
            "fail_on": one_of("never", "warning", "note"),
            "findings": many(finding),
            "asked": COUNT,
            "unasked": about(many(TEXT), "What was not looked at."),
            "cerbos": CERBOS,
        },
    )
