"""Small ways to let more in, and rewritings that let in nothing: a condition before and after, each in its own kind."""

import json
from collections.abc import Mapping

from policyloop.bundle import Bundle

NAMED: Mapping[str, tuple[str, str]] = {
    "matches_on_an_id": ("R.id.matches('^inv-[0-9]+$')", "R.id.matches('^inv-[0-9a-f]+$')"),
    "another_pattern": ("R.attr.m.matches('^[a-z]+@corp[.]example$')", "R.attr.m.matches('@corp[.]example')"),
    "a_lists_element": ("R.attr.l[3] == 'gold'", "R.attr.l[2] == 'gold'"),
    "a_maps_key": ("R.attr.grants[P.id] == 'write'", "R.attr.grants[P.id] in ['write', 'read']"),
    "char_at": ("R.attr.code.charAt(2) == 'A'", "R.attr.code.charAt(2) in ['A', 'B']"),
    "split": ("R.attr.path.split('/')[1] == 'team'", "R.attr.path.split('/')[1] in ['team', 'all']"),
    "format": (
        "'%s-%s'.format([R.attr.a, P.attr.b]) == 'x-y'",
        "'%s-%s'.format([R.attr.a, P.attr.b]) in ['x-y', 'x-z']",
    ),
    "base64": ("base64.decode(R.attr.k) == b'master'", "base64.decode(R.attr.k) in [b'master', b'minor']"),
    "reverse": ("R.attr.k.reverse() == 'drow'", "R.attr.k.reverse() in ['drow', 'yek']"),
    "numbers_of_roles": ("size(P.roles) == 4", "size(P.roles) >= 3"),
    "a_policy_version": ("P.policyVersion == 'v9'", "P.policyVersion in ['v9', 'v8']"),
    "hours": ("timestamp(R.attr.t).getHours() >= 9", "timestamp(R.attr.t).getHours() >= 8"),
    "weekdays": ("timestamp(R.attr.t).getDayOfWeek() in [1, 2]", "timestamp(R.attr.t).getDayOfWeek() in [1, 2, 6]"),
    "time_zones": (
        "timestamp(R.attr.t).getHours('Asia/Tokyo') == 9",
        "timestamp(R.attr.t).getHours('Asia/Tokyo') in [9, 10]",
    ),
    "the_clocks_hour": ("now().getHours() == 3 && R.attr.on", "now().getHours() in [3, 4] && R.attr.on"),
    "arithmetic": ("R.attr.used + R.attr.req <= R.attr.cap", "R.attr.used + R.attr.req <= R.attr.cap * 1.1"),
    "a_factor": ("double(R.attr.x) * 1.2 < 100.0", "double(R.attr.x) * 1.1 < 100.0"),
    "counts_after_filter": ("size(R.attr.l.filter(x, x.ok)) >= 2", "size(R.attr.l.filter(x, x.ok)) >= 1"),
    "results_of_map": ("R.attr.l.map(x, x.id) == ['a', 'b']", "R.attr.l.map(x, x.id) in [['a', 'b'], ['a']]"),
    "exists_one": ("R.attr.l.exists_one(x, x == 'k')", "R.attr.l.exists(x, x == 'k')"),
    "spiffe_paths": ("spiffeID(R.attr.s).path() == '/ns/a'", "spiffeID(R.attr.s).path() in ['/ns/a', '/ns/b']"),
    "a_lost_end": ("R.attr.m.matches('^doc-[0-9]{3}$')", "R.attr.m.matches('^doc-[0-9]{3}')"),
}
"""Those that went by in silence once."""

OWN: Mapping[str, tuple[str, str]] = {
    "a_digit_more": ("R.attr.pin.matches('^[0-9]{6}$')", "R.attr.pin.matches('^[0-9]{6,7}$')"),
    "a_dot_unescaped": ("R.attr.host.matches('^api[.]corp$')", "R.attr.host.matches('^api.corp$')"),
    "optional_group": ("R.attr.k.matches('^rel-[a-z]+$')", "R.attr.k.matches('^(rel-)?[a-z]+$')"),
    "either_anchor": ("R.attr.k.matches('^(a|b)$')", "R.attr.k.matches('^a|b$')"),
    "substring": ("R.attr.k.substring(4) == 'east'", "R.attr.k.substring(5) == 'ast'"),
    "index_of": ("R.attr.k.indexOf('!') == 0", "R.attr.k.indexOf('!') <= 1"),
    "replace": ("R.attr.k.replace('-', '') == 'abcd'", "R.attr.k.replace('-', '').replace('_', '') == 'abcd'"),
    "lower": ("R.attr.k == 'Root'", "R.attr.k.lowerAscii() == 'root'"),
    "trim": ("R.attr.k == 'root'", "R.attr.k.trim() == 'root'"),
    "join": ("R.attr.l.join('/') == 'a/b'", "R.attr.l.join('/').startsWith('a/b')"),
    "prefix_shorter": ("R.attr.k.startsWith('eu-west-1')", "R.attr.k.startsWith('eu-west-')"),
    "concatenated": ("R.attr.a + ':' + R.attr.b == 'x:y'", "R.attr.a + ':' + R.attr.b in ['x:y', 'x:z']"),
    "modulo": ("int(R.attr.n) % 10 == 0", "int(R.attr.n) % 5 == 0"),
    "difference": ("R.attr.total - R.attr.paid <= 0.0", "R.attr.total - R.attr.paid <= 0.5"),
    "product": ("R.attr.price * R.attr.count < 1000.0", "R.attr.price * R.attr.count < 1010.0"),
    "ratio": ("R.attr.done / R.attr.all > 0.9", "R.attr.done / R.attr.all > 0.88"),
    "far_constant": ("R.attr.amount < 1000.0", "R.attr.amount < 1000.001"),
    "months": ("timestamp(R.attr.t).getMonth() == 0", "timestamp(R.attr.t).getMonth() in [0, 11]"),
    "day_of_month": ("timestamp(R.attr.t).getDate() <= 10", "timestamp(R.attr.t).getDate() <= 11"),
    "minutes": ("timestamp(R.attr.t).getMinutes() < 15", "timestamp(R.attr.t).getMinutes() < 16"),
    "two_moments": (
        "timestamp(R.attr.to) - timestamp(R.attr.since) <= duration('720h')",
        "timestamp(R.attr.to) - timestamp(R.attr.since) <= duration('744h')",
    ),
    "the_clocks_weekday": ("now().getDayOfWeek() == 1", "now().getDayOfWeek() in [1, 0]"),
    "duration_given": ("duration(R.attr.ttl) <= duration('1h')", "duration(R.attr.ttl) <= duration('61m')"),
    "all_to_exists": ("R.attr.l != [] && R.attr.l.all(x, x.ok)", "R.attr.l.exists(x, x.ok)"),
    "a_field_of_each": ("R.attr.l.exists(x, x.n > 5 && x.k == 'a')", "R.attr.l.exists(x, x.n > 4 && x.k == 'a')"),
    "sets_contains": ("sets.contains(R.attr.l, ['a', 'b'])", "sets.contains(R.attr.l, ['a'])"),
    "nested_list": ("R.attr.m.rows[0].owner == P.id", "R.attr.m.rows.exists(r, r.owner == P.id)"),
    "last_of_split": ("R.attr.f.split('.')[2] == 'txt'", "R.attr.f.split('.')[2] in ['txt', 'sh']"),
    "a_role_in_the_list": ("P.roles.exists(r, r.startsWith('adm-'))", "P.roles.exists(r, r.startsWith('ad'))"),
    "scope_of_who_asks": ("P.scope == 'hr.emea'", "P.scope.startsWith('hr')"),
    "hierarchy": (
        "hierarchy(R.attr.unit).descendentOf(hierarchy('corp.eu'))",
        "hierarchy(R.attr.unit).descendentOf(hierarchy('corp'))",
    ),
    "ternary": ("(R.attr.big ? R.attr.n < 5 : R.attr.n < 9)", "(R.attr.big ? R.attr.n < 6 : R.attr.n < 9)"),
    "claim": ("request.aux_data.jwt.plan.matches('^pro$')", "request.aux_data.jwt.plan.matches('^pro')"),
    "address": ("R.attr.ip.inIPAddrRange('10.1.0.0/24')", "R.attr.ip.inIPAddrRange('10.1.0.0/23')"),
    "network_mask_of_two": (
        "R.attr.k.endsWith('@a.example') && size(R.attr.k) < 20",
        "R.attr.k.endsWith('a.example') && size(R.attr.k) < 20",
    ),
    "number_as_text": ("string(R.attr.n) == '7'", "string(R.attr.n) in ['7', '8']"),
}
"""Others."""

SAME: Mapping[str, tuple[str, str]] = {
    "de_morgan": ("!(R.attr.a == 1 || R.attr.b == 2)", "R.attr.a != 1 && R.attr.b != 2"),
    "turned_round": ("R.attr.n <= 5", "5 >= R.attr.n"),
    "twice": ("R.attr.k == 'x'", "R.attr.k == 'x' && R.attr.k == 'x'"),
}
"""Nothing changes, except where a value is missing or of another type."""


def bundle_of(pairs: Mapping[str, tuple[str, str]], side: int) -> Bundle:
    """One side of the pairs as one bundle."""
    return Bundle({f"{name}.json": policy(name, pair[side]) for name, pair in pairs.items()})


def policy(kind: str, condition: str) -> str:
    rule = {
        "actions": ["lift"],
        "effect": "EFFECT_ALLOW",
        "roles": ["porter"],
        "condition": {"match": {"expr": condition}},
    }
    whole = {"resource": kind, "version": "default", "rules": [rule]}
    return json.dumps({"apiVersion": "api.cerbos.dev/v1", "resourcePolicy": whole}, indent=1)
