"""YAML as people, and people with bad intentions, write it."""

import json
import random

WORDS = (
    *(
        "a",
        "b",
        "key",
        "view",
        "x y",
        "on",
        "yes",
        "1",
        "-1",
        "1.5",
        "0x1F",
        "1e3",
        "null",
        "~",
        "true",
        "",
        "a:b",
        "a#b",
    ),
    *(
        "http://x",
        "a, b",
        "[x",
        "{y",
        "a - b",
        "-x",
        "?x",
        ":x",
        "&x",
        "*x",
        "!x",
        "|x",
        "%x",
        "@x",
        "it's",
        'say "hi"',
    ),
    *(
        "#x",
        "a: b",
        "a #b",
        "é",
        "2026-01-31",
        "=",
        "<<",
        ".",
        "$x",
        "(x)",
        "a\\b",
        "x]",
        "x}",
        "x:",
        "- a",
        "-",
        "...",
    ),
    *("---", "a  b", " lead", "trail ", "<", "a&b", "x,y", "a'b", 'a"b', "::", "a:", "a?"),
)
BARE = frozenset(
    ("a", "b", "key", "view", "x y", "on", "yes", "1", "-1", "1.5", "0x1F", "1e3", "null", "~", "true", "a#b", "é", "=")
)
SCRAPS = (
    *(
        " ",
        "  ",
        "\n",
        "-",
        "- ",
        ":",
        ": ",
        ",",
        "[",
        "]",
        "{",
        "}",
        '"',
        "'",
        "#",
        " #",
        "&a ",
        "*a",
        "!",
        "!!str ",
        "|",
    ),
    *(
        ">",
        "?",
        "? ",
        "%",
        "\t",
        "\\",
        "\r\n",
        "<<: ",
        "~",
        '"a" ',
        "[a, b]",
        "{a:1}",
        "\n\n",
        "\n      ",
        "\n        ",
    ),
    *("|\n", ">\n", ",\n", "\\n", "\r", "\x85", "\u2028", "//", ":/", "''", "---\n", "...\n", "*n0", "\n      - ", "0"),
)


class Writer:
    """Writes a mapping, indented by six, in one of many ways."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._anchors: list[str] = []

    def text(self, depth: int) -> str:
        written = self._mapping(6, depth)
        for _ in range(self._rng.choice((0, 0, 0, 1, 1, 2))):
            at, scrap = self._rng.randrange(len(written)), self._rng.choice(SCRAPS)
            rest = self._rng.choice((written[at:], written[at + 1 :]))
            written = written[:at] + scrap + rest
        return written.rstrip("\n")

    def _scalar(self) -> str:
        word = self._rng.choice(WORDS)
        style = self._rng.random()
        if style < 0.45 and word and (word in BARE or self._rng.random() < 0.04):
            return word
        if style < 0.75:
            return json.dumps(word, ensure_ascii=self._rng.random() < 0.5)
        return "'" + word.replace("'", "''") + "'"

    def _key(self) -> str:
        return self._scalar() if self._rng.random() < 0.3 else self._rng.choice(("k1", "k2", '"k3"', "'k4'", "k5"))

    def _comment(self) -> str:
        return self._rng.choice(("",) * 10 + (" # c", "  # c: d", "#c", " #", ' # "x'))

    def _between(self) -> str:
        return self._rng.choice(("",) * 12 + ("\n", "  \n", "# c\n", "      # c\n", "          # c\n"))

    def _flow(self, depth: int) -> str:
        kind = self._rng.random()
        if depth <= 0 or kind < 0.5:
            return "*" + self._rng.choice(self._anchors) if self._anchors and kind < 0.03 else self._scalar()
        space = self._rng.choice(("", " ", "  ", "\n        "))
        items = [self._flow(depth - 1) for _ in range(self._rng.randint(0, 3))]
        if kind < 0.75:
            return f"[{space}" + f",{space}".join(items) + "]"
        return f"{{{space}" + f",{space}".join(f"{self._key()}{self._colon()}{item}" for item in items) + "}"

    def _colon(self) -> str:
        return self._rng.choice((": ", ": ", ": ", ":"))

    def _value(self, indent: int, depth: int) -> str:
        kind = self._rng.random()
        anchor = ""
        if self._rng.random() < 0.07:
            anchor = f" &n{len(self._anchors)}"
        written = anchor + self._unnamed(indent, depth, kind)
        if anchor:
            self._anchors.append(anchor[2:])
        return written

    def _unnamed(self, indent: int, depth: int, kind: float) -> str:
        if depth <= 0 or kind < 0.4:
            return " " + self._scalar() + self._comment() + "\n"
        if kind < 0.5:
            return " " + self._flow(2) + self._comment() + "\n"
        deeper = indent + self._rng.choice((2, 2, 2, 1, 4))
        if kind < 0.57:
            head = self._rng.choice(("|", "|-", "|+", ">", ">-", "|2", "| # c"))
            lines = [
                self._rng.choice(("", " " * deeper + self._rng.choice(WORDS), " " * deeper + "text")) for _ in range(3)
            ]
            return f" {head}\n" + "".join(line + "\n" for line in lines)
        if kind < 0.62:
            quote = self._rng.choice(('"', "'", ""))
            return f" {quote}a\n" + " " * deeper + f"b{quote}\n"
        head = self._comment() + "\n" + self._between()
        return head + (self._sequence(deeper, depth - 1) if kind < 0.8 else self._mapping(deeper, depth - 1))

    def _sequence(self, indent: int, depth: int) -> str:
        items = range(self._rng.randint(1, 3))
        return "".join(self._between() + " " * indent + "-" + self._value(indent, depth) for _ in items)

    def _mapping(self, indent: int, depth: int) -> str:
        written = ""
        for key in dict.fromkeys(self._key() for _ in range(self._rng.randint(1, 4))):
            if self._anchors and self._rng.random() < 0.05:
                written += " " * indent + "<<: *" + self._rng.choice(self._anchors) + "\n"
            else:
                written += self._between() + " " * indent + key + ":" + self._value(indent, depth)
        return written
