"""What mvdan/sh sees in a text of shell: its simple commands, for tests to hold our reading against."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from policyloop.shell.marks import shown
from policyloop.shell.quotes import ansi_c
from policyloop.shell.statements import read
from policyloop.shell.tree import Simple

OPEN = "…"


def shfmt() -> str:
    """The program, where the package shfmt-py put it."""
    return str(Path(sys.executable).parent / "shfmt")


def oracle(text: str) -> list[str] | None:
    """The simple commands of a text, words joined by blanks, what is expanded as `…`; None where it does not parse."""
    ran = subprocess.run([shfmt(), "--to-json"], input=text, capture_output=True, text=True, check=False)
    if ran.returncode:
        return None
    return sorted(_commands(json.loads(ran.stdout)))


def _commands(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _commands(item)
    elif isinstance(node, dict):
        if node.get("Type") == "CallExpr" and node.get("Args"):
            yield " ".join(_word(word["Parts"], quoted=False) for word in node["Args"])
        for value in node.values():
            yield from _commands(value)


def _word(parts: list[dict[str, Any]], *, quoted: bool) -> str:
    return "".join(_part(part, quoted=quoted) for part in parts)


def _part(part: dict[str, Any], *, quoted: bool) -> str:
    kind = part["Type"]
    if kind == "Lit":
        pattern = r'\\([$`"\\\n])' if quoted else r"\\(.)"
        return re.sub(pattern, lambda match: match[1].replace("\n", ""), part.get("Value", ""), flags=re.DOTALL)
    if kind == "SglQuoted":
        value = part.get("Value", "")
        return ansi_c(value) if part.get("Dollar") else value
    if kind == "DblQuoted":
        return _word(part.get("Parts", []), quoted=True)
    return OPEN


def ours(text: str) -> list[str]:
    """The same from our reading. Raises `Unparsed`."""
    return sorted(_ours(read(text)))


def _ours(node: Any) -> Iterator[str]:
    if isinstance(node, Simple) and node.words:
        yield " ".join(_our_word(word) for word in node.words)
    if isinstance(node, tuple | list):
        for item in node:
            yield from _ours(item)


def _our_word(word: Any) -> str:
    if isinstance(word, str):
        return shown(word)
    return "".join(shown(part) if isinstance(part, str) else OPEN for part in word)
