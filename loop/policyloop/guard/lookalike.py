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


def quoted(name: str) -> str:
    """A name in quotes, with the code points of letters in it that look like plain ones."""
    odd = [c for c in dict.fromkeys(name) if not c.isascii() and skeleton(c) != c and skeleton(c).isascii()]
    return repr(name) + (f" ({', '.join(map(code_point, odd))})" if odd else "")


def code_point(letter: str) -> str:
    """`U+0430 CYRILLIC SMALL LETTER A`."""
    return f"U+{ord(letter):04X} {unicodedata.name(letter, 'unnamed')}"


def odd_letters(before: str, after: str) -> str:
    """The letters by which `after` passes for `before`, with their code points; empty when they do not look alike."""
    if before == after or skeleton(before) != skeleton(after):
        return ""
    odd = [c for c in dict.fromkeys(after) if not c.isascii() and c not in before]
    odd = odd or [c for c in dict.fromkeys(before) if not c.isascii() and c not in after]
    return ", ".join(map(code_point, odd))
