"""Worked examples: a request, the answers, the spec, and what the model said at each turn."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from bundles import FIXTURES
from messages_api import Answer, MessagesApi, Request, answer

EXAMPLES = sorted(path for path in (FIXTURES / "examples").iterdir() if path.is_dir())


@contextmanager
def scripted(*proposals: Any) -> Iterator[MessagesApi]:
    """A Messages API that gives these proposals in turn; one more request than proposals is a 529."""
    from messages_api import refusal

    turns = iter(proposals)

    def script(_: Request) -> Answer:
        proposal = next(turns, None)
        return refusal(400, "no more turns were planned") if proposal is None else answer(whole(proposal))

    with MessagesApi(script) as api:
        yield api


def whole(proposal: dict[str, Any]) -> dict[str, Any]:
    """A proposal with every key that the tool wants."""
    return {"edits": [], "note": "n", "read": [], **proposal}


def writes(files: dict[str, str]) -> dict[str, Any]:
    """A proposal that writes these files whole."""
    return {"edits": [{"path": path, "content": text} for path, text in files.items()]}


def replies(example: Path) -> list[dict[str, Any]]:
    """What the model said, recorded."""
    return yaml.safe_load((example / "replies.yaml").read_text())


def request_of(example: Path) -> str:
    """What the person asked for."""
    return (example / "request.txt").read_text().strip()


def released(policies: Path) -> tuple[object, ...]:
    """`--release` with the file that the first exit kept, where old tests contradict what was asked for."""
    files = sorted((policies.parent / ".policyloop" / "runs").glob("*/release.yaml"))
    return ("--release", files[-1]) if files else ()


def recorded_again(example: Path, policies: Path, *, regenerate: bool) -> None:
    """With `--regenerate` what came of an example is written into its folder, the policies with their suites too."""
    if regenerate:
        shutil.copy(policies.parent / "policyloop.spec.yaml", example)
        shutil.rmtree(example / "policies", ignore_errors=True)
        shutil.copytree(policies, example / "policies")


def start_of(example: Path, folder: Path) -> Path:
    """The policy directory before the run."""
    policies = folder / "project" / "policies"
    if (example / "before").is_dir():
        shutil.copytree(example / "before", policies)
    else:
        policies.mkdir(parents=True)
    return policies
