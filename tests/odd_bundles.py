"""Policies with odd scalars: as names, constants, variables and conditions, in every style that YAML has.

`odd_policy` is one policy; `odd_bundle` some of them that do not get in each other's way. `respelt` writes one scalar
of a policy in another way, which may or may not be another value to Cerbos: that is what a reader has to know.
"""

import json
import random
import re

from guard_yaml import Writer

WORDS = (
    *("0x10", "1_000", "1e3", "1E3", "tRUE", "true", "True", "TRUE", "on", "yes", "n", "~", "null", "Null", "nUll"),
    *("0o17", "017", "08", "0b11", "+1", "-0x10", "1.0_1", "1.5", ".5", "1.", "-.5", "1" * 31, "9223372036854775808"),
    *(
        "-9223372036854775809",
        "0x",
        "0xG",
        "1.2.3",
        "2026-01-31",
        "2026-01-31T08:00:00Z",
        "12:30",
        "1,0",
        ".inf",
        ".nan",
    ),
    *(
        "a b",
        "a:b",
        "a#b",
        "a?",
        "é",
        "=",
        "<<",
        "a'b",
        'a"b',
        "a&b",
        "100%",
        "-a",
        "?a",
        "!a",
        "*",
        "view:*",
        "x.y",
        "_",
    ),
    *("a\u0085b", "a\u2028b", "a\tb", "a\u00a0b", "\ufeffa", "a\\b", "a\nb", " a", "a ", "", "@a", "`a", "#a", "a: b"),
)
SCRAPS = ("0", "1", "7", "9", ".", "e", "E", "+", "-", "_", "x", "o", "b", "A", "0x", "0o", "0b", "12", ".5", "inf")


def word(rng: random.Random) -> str:
    """A text that YAML readers like to take for something else."""
    if rng.random() < 0.35:
        return "".join(rng.choices(SCRAPS, k=rng.randint(1, 6)))
    return rng.choice(WORDS)


def spelling(rng: random.Random, text: str, indent: int = 12) -> str:
    """`text` as a YAML scalar: bare (which it may not be), in quotes, or folded; `indent` is that of a second line."""
    style = rng.random()
    if style < 0.55 and text.strip() and "\n" not in text:
        return _folded(rng, text, indent)
    if style < 0.8:
        return json.dumps(text, ensure_ascii=rng.random() < 0.7)
    return "'" + _folded(rng, text.replace("'", "''").replace("\n", "\n\n"), indent) + "'"


def _folded(rng: random.Random, text: str, indent: int) -> str:
    return text.replace(" ", "\n" + " " * indent) if rng.random() < 0.3 else text


def _constants(rng: random.Random) -> str:
    """The local constants, as a mapping indented by six."""
    if rng.random() < 0.4:
        return Writer(rng).text(2)
    lines = []
    for number in range(rng.randint(1, 3)):
        anchor = f"&a{number} " if rng.random() < 0.2 else ""
        lines.append(f"      k{number}: {anchor}{spelling(rng, word(rng))}")
    if rng.random() < 0.3:
        lines.append(f"      m: &m {{a: {rng.choice(('1', '0x1', 'yes', 'tRUE'))}}}")
        lines.append(f"      n:\n        <<: *m\n        b: {spelling(rng, word(rng))}")
    return "\n".join(lines)


def literal(rng: random.Random) -> str:
    """A CEL expression that is a text: `string("...")`, with JSON inside the brackets."""
    inner = rng.choice(
        ("it is", "a  b", "a b c d", "x: y", "a #b", "é", "a\u0085b", "\\", "'", "a\tb", "1e3", "a\u2028b")
    )
    return f"string({json.dumps(inner, ensure_ascii=rng.random() < 0.5)})"


def odd_policy(rng: random.Random, kind: str = "", version: str = "default") -> str:
    """A resource policy with one rule: odd kind (or `kind`), role, action and constants, a variable that is a text.

    Its rule puts out the variable, and `"c": C`, for which a test may put the constants that it knows of.
    """
    return f"""apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: {kind or spelling(rng, word(rng))}
  version: {version}
  constants:
    local:
{_constants(rng)}
  variables:
    local:
      v: {spelling(rng, literal(rng))}
  rules:
    - actions: [{spelling(rng, word(rng))}]
      effect: {rng.choice(("EFFECT_ALLOW",) * 8 + ("1", "'EFFECT_ALLOW'", "effect_allow"))}
      roles:
        - {spelling(rng, word(rng))}
      output:
        when:
          ruleActivated: '{{"c": C, "v": V.v}}'
"""


def odd_bundle(rng: random.Random, policies: int = 3) -> dict[str, str]:
    """Some odd policies, each of its own version, so that no two are one to Cerbos."""
    return {f"p{number}.yaml": odd_policy(rng, version=f"v{number}") for number in range(policies)}


_SCALAR = re.compile(r"(?m)(?<=: )[^\s{\[&*][^\n]*$|(?<=- )[^\s{\[&*a][^\n]*$")


def respelt(rng: random.Random, text: str) -> str:
    """`text` with one of its scalars written otherwise."""
    places = [match for match in _SCALAR.finditer(text) if not match.group().startswith("api.cerbos")]
    place = rng.choice(places)
    new = rng.choice((spelling(rng, word(rng)), json.dumps(place.group().strip("'\"")), place.group().strip("'\"")))
    return text[: place.start()] + new + text[place.end() :]
