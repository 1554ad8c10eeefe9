"""How many tokens a request costs with a spec and without one, stage by stage: recorded replies, everything else real.

Tokens are characters / 4. What a request repeats is read from the cache as far as the Messages API would: whole blocks
(tools, system, content), up to a breakpoint that an earlier request wrote. All else is new input.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from command import Done, policyloop
from messages_api import Request
from policyloop.specification import FILE_NAME
from worked import released, replies, request_of, scripted, start_of

CHARACTERS_PER_TOKEN = 4
MOST_INPUT, MOST_OUTPUT = 2.0, 1.8
"""How many times the tokens of `--no-spec` the same task may take with a spec."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One call of the model, in tokens."""

    stage: str
    new: float
    cached: float
    output: float


@dataclass(frozen=True, slots=True)
class Use:
    """What one task cost, and how it ended. `exits`: how often it ended for a person first; `cycles`: compiles."""

    turns: tuple[Turn, ...]
    done: Done
    exits: int
    cycles: int
    policies: Path

    @property
    def new(self) -> float:
        return sum(turn.new for turn in self.turns)

    @property
    def output(self) -> float:
        return sum(turn.output for turn in self.turns)

    @property
    def spec(self) -> Path:
        return self.policies.parent / FILE_NAME


def with_spec(example: Path, folder: Path) -> Use:
    """From the request to questions, and from the answers with one yes to the end."""
    policies, said = start_of(example, folder), replies(example)
    with scripted(*said) as api:
        first = _run(api.url, example, policies)
        exits = [first] if first.code == 5 else []
        answers = ("--answers", example / "answers.yaml") if (example / "answers.yaml").exists() else ()
        said_yes = (*answers, *released(policies), "--yes", "--by", "a reviewer")
        done = _run(api.url, example, policies, *said_yes) if exits else first
        requests = list(api.requests)
    cycles = sum(one["stage"] == "policies" and not one["refusal"] for one in done.json["attempts"]) + 1
    return Use(tuple(_turns(requests, said)), done, len(exits), cycles, policies)


def without_spec(example: Path, folder: Path) -> Use:
    """The same task with `--no-spec`: the policies and the tests in one go."""
    policies = start_of(example, folder)
    said = yaml.safe_load((example / "no-spec.yaml").read_text())
    release = ("--release", example / "release.yaml") if (example / "release.yaml").exists() else ()
    with scripted(*said) as api:
        done = _run(api.url, example, policies, "--no-spec", *release)
        requests = list(api.requests)
    return Use(tuple(_turns(requests, said)), done, 0, done.json["cycles"], policies)


def _run(url: str, example: Path, policies: Path, *more: object) -> Done:
    env = {"ANTHROPIC_API_KEY": "test", "ANTHROPIC_BASE_URL": url}
    fixed = ("--policies", policies, "--runner", "native", "--format", "json")
    return policyloop("run", request_of(example), *fixed, *more, env=env)


def _turns(requests: Sequence[Request], said: Sequence[Any]) -> Iterator[Turn]:
    written: set[tuple[str, ...]] = set()
    for request, reply in zip(requests, said, strict=True):
        blocks, breakpoints = _blocks(request.body)
        texts = [text for text, _ in blocks]
        reached = max((end for end in range(1, len(texts) + 1) if tuple(texts[:end]) in written), default=0)
        cached = sum(map(len, texts[:reached]))
        written |= {tuple(texts[:end]) for end in breakpoints}
        output = len(json.dumps(reply, ensure_ascii=False))
        new = sum(map(len, texts)) - cached
        yield Turn(_stage(texts), *(count / CHARACTERS_PER_TOKEN for count in (new, cached, output)))


def _blocks(body: dict[str, Any]) -> tuple[list[tuple[str, bool]], list[int]]:
    """The blocks of a request in the order of its prefix, and after how many of them a breakpoint stands."""
    blocks = [(json.dumps(tool, ensure_ascii=False), "cache_control" in tool) for tool in body["tools"]]
    blocks += [(block["text"], "cache_control" in block) for block in body["system"]]
    for message in body["messages"]:
        blocks += [(_text(block), "cache_control" in block) for block in message["content"]]
    # A `cache_control` of the request itself stands for one on its last block.
    ends = [number for number, (_, cached) in enumerate(blocks, 1) if cached]
    return blocks, [*ends, len(blocks)] if "cache_control" in body else ends


def _text(block: dict[str, Any]) -> str:
    if block["type"] == "text":
        return str(block["text"])
    said = block["input"] if block["type"] == "tool_use" else block["content"]
    return json.dumps(said, ensure_ascii=False)


def _stage(texts: Sequence[str]) -> str:
    return "policies" if any(text.startswith("# Policies: how Cerbos decides") for text in texts) else "spec"
