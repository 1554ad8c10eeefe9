"""Letters that look like other letters: U+0430 is not `a`, and no eye can tell."""

import unicodedata

_LATIN = dict(
    zip(
        "аеорсухіјѕһԁԛԝьαοрντικυγАВЕКМНОРСТУХІЈЅΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
        "aeopcyxijshdqwbaopvtikuyABEKMHOPCTYXIJSABEZHIKMNOPTYX",
        strict=True,
    )
)


def skeleton(text: str) -> str:
    """What `text` looks like: compatibility forms, marks, invisible characters and look-alike letters folded away."""
    if text.isascii():
        return text
    plain = unicodedata.normalize("NFKD", text)
    kept = (c for c in plain if unicodedata.category(c) not in ("Mn", "Me", "Cf"))
    return "".join(_LATIN.get(c, " " if unicodedata.category(c) == "Zs" else c) for c in kept)


def odd_letters(before: str, after: str) -> str:
    """The letters by which `after` passes for `before`, with their code points; empty when they do not look alike."""
    if before == after or skeleton(before) != skeleton(after):
        return ""
    odd = [c for c in dict.fromkeys(after) if not c.isascii() and c not in before]
    odd = odd or [c for c in dict.fromkeys(before) if not c.isascii() and c not in after]
    return ", ".join(f"U+{ord(c):04X} {unicodedata.name(c, 'unnamed')}" for c in odd)
