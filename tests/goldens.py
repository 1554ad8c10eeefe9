"""What fixtures recorded of the compiler and of the lock. The one flag that records it anew is `--regenerate`."""

import json
from collections.abc import Callable
from pathlib import Path

Golden = Callable[[Path, object], None]
"""The fixture `golden`: a file, and what was found now."""


def hold(file: Path, found: object, *, regenerate: bool) -> None:
    """Compare what was found with what is recorded, which with `regenerate` it is first."""
    if regenerate:
        file.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    assert found == json.loads(file.read_text(encoding="utf-8"))
