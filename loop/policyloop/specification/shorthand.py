"""What a model leaves out of a draft because code can write it: the request, ids, and whatever is as in the control.

    - {rule: managers-see-reviews, principal: mia, resource: review}
    - {rule: managers-see-reviews, shows: {absent: resource.attr.manager}}

The second one is a denial; its control is the first allowed decision of the rule, and its resource is an example `like`
that one's without the attribute. Nothing that stands in the draft is changed, and the check sees only what came of it.
"""

import re
from collections.abc import Mapping
from typing import Any

STRANGERS = ("visitor", "stranger", "outsider", "passer_by")
"""Names for a role that a spec does not know."""
_TAKEN_OVER = ("actions", "now", "claims", "globals")
"""What a denial has as its control has it, unless it says otherwise."""

_NAMED = frozenset({"rule", "principal", "resource"})

Plain = dict[str, Any]


def spelled_out(data: object, request: str) -> object:
    """The data of a draft with what it leaves out. What is no mapping, or no list, is left for the parser to name."""
    if not isinstance(data, dict):
        return data
    whole = {"version": 1, "request": request, **data}
    decisions, examples = whole.get("decisions"), whole.get("examples", {})
    if not isinstance(decisions, list) or not isinstance(examples, dict):
        return whole
    writer = _Writer(whole, examples)
    whole["decisions"] = [writer.spelled_out(entry) for entry in decisions]
    if writer.examples:
        whole["examples"] = writer.examples
    return whole


def abbreviated(decisions: list[Plain], *, ids: bool) -> list[Plain]:
    """The decisions without what `spelled_out` writes again, as far as single values go; they are not changed.

    `ids`: keep also those that it may write again, which it does not where two decisions would have the same.
    """
    by_id = {str(one["id"]): one for one in decisions}
    first: dict[str, Plain] = {}
    short = []
    for one in decisions:
        denies = one["expect"] == "deny"
        written = {"deny" if "shows" in one or "control" in one else "allow": "expect"}
        left_out = {written.get(one["expect"])}
        control = by_id.get(str(one.get("control"))) if denies else None
        if control is not None:
            is_first = "shows" in one and first.get(one["rule"]) is control
            same = {key for key in (*_NAMED, *_TAKEN_OVER) if key in one and one[key] == control.get(key)}
            if same & _NAMED - {"rule"} or not is_first:
                left_out |= same
            if is_first:
                left_out = left_out - {"rule"} | {"control"}
        if not denies:
            first.setdefault(one["rule"], one)
        short.append({key: value for key, value in one.items() if key not in left_out})
    named = {one["control"] for one in short if "control" in one}
    for whole, one in zip(decisions, short, strict=True):
        if not ids and one["id"] not in named and one["id"] == _usual_id(whole, whole.get("control")):
            del one["id"]
    return short


def _usual_id(decision: Plain, control: object) -> str:
    """The id that a decision gets which names none, where no other one has it."""
    shows = decision.get("shows")
    shown = str(next(iter(shows.values()), "")).rpartition("attr.")[2] if isinstance(shows, dict) else ""
    denied = "-no" * (decision.get("expect") == "deny")
    return slug(f"{control}-not-{slug(shown)}" if control else f"{decision.get('rule', 'decision')}{denied}")


def slug(text: object) -> str:
    """A text as a part of an id."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", str(text)).strip("-.") or "other"


def unknown_role(known: object) -> str:
    """A role that is not among the `known` ones."""
    names = set(known) if isinstance(known, Mapping | set | frozenset) else set()
    return next((name for name in STRANGERS if name not in names), f"{STRANGERS[0]}_{len(names)}")


class _Writer:
    """Writes out the decisions of one draft, one after the other, and the examples that they need."""

    def __init__(self, whole: Plain, examples: Plain) -> None:
        self._whole = whole
        self.examples: Plain = {kind: dict(part) if isinstance(part, dict) else part for kind, part in examples.items()}
        for name, example in self._part("resources").items():
            bare = isinstance(example, dict) and not example.keys() & {"kind", "like"}
            if bare and name in _mapping(whole.get("resources")):
                self.examples["resources"][name] = {"kind": name, **example}
        self._decisions: dict[str, Plain] = {}
        self._allowed_by: dict[str, Plain] = {}
        given = [entry for entry in whole["decisions"] if isinstance(entry, dict)]
        self._ids = {str(entry["id"]) for entry in given if "id" in entry}

    def spelled_out(self, entry: object) -> object:
        if not isinstance(entry, dict):
            return entry
        denies = entry.get("expect", "deny" if entry.get("shows") or "control" in entry else "allow") == "deny"
        control = self._control(entry) if denies else None
        whole = self._denied(entry, control) if control else dict(entry)
        whole.setdefault("expect", "deny" if denies else "allow")
        if "id" not in whole:
            whole["id"] = self._unused(_usual_id(whole, control["id"] if control else None), self._ids)
            self._ids.add(whole["id"])
        self._decisions.setdefault(str(whole["id"]), whole)
        if not denies:
            self._allowed_by.setdefault(str(whole.get("rule")), whole)
        return whole

    def _control(self, entry: Plain) -> Plain | None:
        if "control" in entry:
            return self._decisions.get(str(entry["control"]))
        return self._allowed_by.get(str(entry.get("rule")))

    def _denied(self, entry: Plain, control: Plain) -> Plain:
        # One that names all three is written out, and what it leaves out is not there.
        short = not _NAMED.issubset(entry)
        taken = {key: control[key] for key in (*_NAMED, *_TAKEN_OVER) if key in control and short}
        whole = {**taken, "control": control["id"], **entry}
        if short and "actions" not in whole and whole["rule"] != control.get("rule"):
            both = [action for action in self._actions(whole["rule"]) if action in self._actions(control.get("rule"))]
            whole |= {"actions": both} if both and both != self._actions(whole["rule"]) else {}
        shows = entry.get("shows")
        if isinstance(shows, dict) and len(shows) == 1:
            kind, name = next(iter(shows.items()))
            if self._where(kind, str(name)) not in entry:
                whole |= self._changed(kind, name, control)
        return whole

    def _actions(self, rule: object) -> list[str]:
        rules = self._whole.get("rules")
        mappings = [_mapping(one) for one in rules] if isinstance(rules, list) else []
        actions = next((one.get("actions") for one in mappings if one.get("id") == rule), None)
        return [action for action in actions if isinstance(action, str)] if isinstance(actions, list) else []

    @staticmethod
    def _where(kind: str, name: str) -> str:
        """The key of a decision in which a denial that shows this differs from its control."""
        if kind == "absent":
            return name.partition(".")[0]
        return {"role": "principal", "unknown_role": "principal", "action": "actions"}.get(kind, "resource")

    def _changed(self, kind: str, name: object, control: Plain) -> Plain:
        """In what a denial that shows this differs from its control, where that follows from what it shows."""
        who, what = str(control.get("principal")), str(control.get("resource"))
        if kind == "role":
            return {
                "principal": self._like("principals", who, f"without_{name}", {"roles": self._left(who, str(name))})
            }
        if kind == "unknown_role":
            return {"principal": self._like("principals", who, f"as_{name}", {"roles": [name]})}
        if kind == "action":
            return {"actions": [name]}
        if kind == "scope":
            return {"resource": self._like("resources", what, f"in_{name}", {"scope": name})}
        if kind == "tenant":
            attribute = _mapping(_mapping(self._whole.get("resources")).get(str(self._kind(what)))).get("tenant")
            changed = {"attr": {attribute: name}}
            return {"resource": self._like("resources", what, f"of_{name}", changed)} if attribute else {}
        return self._without(str(name), control) if kind == "absent" else {}

    def _without(self, field: str, control: Plain) -> Plain:
        for key, prefix in (("resource", "resource.attr."), ("principal", "principal.attr."), ("claims", "claims.")):
            if field.startswith(prefix) and control.get(key):
                attribute = field.removeprefix(prefix)
                section = "claims" if key == "claims" else f"{key}s"
                return {key: self._like(section, str(control[key]), f"without_{attribute}", {"absent": [attribute]})}
        return {}

    def _left(self, principal: str, lost: str) -> list[str]:
        """The roles of an example without one (or the parents of a derived one); another role where none is left."""
        derived = _mapping(_mapping(self._whole.get("derived_roles")).get(lost))
        gone = {lost, *(derived.get("parents") or ())}
        roles = self._inherited("principals", principal, "roles") or []
        left = [role for role in roles if role not in gone]
        declared = _mapping(self._whole.get("roles"))
        return left or [next((role for role in declared if role not in gone), unknown_role(declared))]

    def _kind(self, resource: str) -> object:
        return self._inherited("resources", resource, "kind")

    def _inherited(self, section: str, name: str, key: str) -> Any:
        """What an example says, or the one that it is like; None where nobody says it."""
        seen: set[str] = set()
        while name not in seen:
            seen.add(name)
            example = _mapping(self._part(section).get(name))
            if key in example or "like" not in example:
                return example.get(key)
            name = str(example["like"])
        return None

    def _like(self, section: str, name: str, difference: str, changed: Plain) -> str:
        """The name of an example that is like another but for what is `changed`: one that is there, or a new one."""
        wanted = {"like": name, **changed}
        part = self._part(section)
        known = next((other for other, example in part.items() if example == wanted), None)
        if known is not None:
            return str(known)
        new = self._unused(f"{name}_{slug(difference).replace('-', '_').replace('.', '_')}", part)
        self.examples.setdefault(section, {})[new] = wanted
        return new

    def _part(self, section: str) -> Plain:
        return _mapping(self.examples.get(section))

    def _unused(self, base: str, taken: object) -> str:
        base = base.rstrip("-")
        names = (base, *(f"{base}-{number}" for number in range(2, 10_000)))
        return next(name for name in names if name not in taken)  # type: ignore[operator]


def _mapping(value: object) -> Plain:
    return value if isinstance(value, dict) else {}
