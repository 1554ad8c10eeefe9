"""The `recorded` model, and choosing a model."""

import json
from pathlib import Path
from typing import Any, Literal

import pytest

from policyloop.bundle import Delete, Replace, Write
from policyloop.errors import Unavailable, UsageError
from policyloop.findings import ErrorClass
from policyloop.models.claude import ClaudeModel
from policyloop.models.command import CommandModel
from policyloop.models.recorded import RecordedModel
from policyloop.models.select import open_model
from policyloop.task import Dispute, Proposal
from policyloop.usage import Usage
from tasks import task

YAML = """# a recording
- expect_class: schema
  note: first
  edits:
    - {path: a.yaml, old: x, new: y}
    - path: b.yaml
      content: |
        on: yes
  usage: {input_tokens: 10, output_tokens: 2, usd: 0.5}
- malformed: the model answered with prose
- edits:
    - {path: c.yaml, delete: true}
  read: [hr]
"""


def test_the_replies_come_in_turn(tmp_path: Path) -> None:
    file = tmp_path / "replies.yaml"
    file.write_text(YAML)
    model = RecordedModel(file)
    first, second, third = (model.propose(task()) for _ in range(3))
    assert first.proposal == Proposal(edits=(Replace("a.yaml", "x", "y"), Write("b.yaml", "on: yes\n")), note="first")
    assert first.usage == Usage(input_tokens=10, output_tokens=2, usd=0.5)
    assert (second.proposal, second.malformed) == (None, "the model answered with prose")
    assert third.proposal == Proposal(edits=(Delete("c.yaml"),), read=("hr",))
    with pytest.raises(Unavailable, match="no more replies"):
        model.propose(task())
    model.close()


def test_a_recording_may_be_json_or_a_list(tmp_path: Path) -> None:
    names = ("suite", "test", "principal", "resource", "action", "reason")
    reply = {"edits": [], "note": "ä 🙂", "dispute": dict.fromkeys(names, "d")}
    file = tmp_path / "replies.json"
    file.write_text(json.dumps([reply], indent="\t"))
    expected = Proposal(note="ä 🙂", dispute=Dispute(**dict.fromkeys(names, "d")))
    assert RecordedModel(str(file)).propose(task()).proposal == expected
    assert RecordedModel([reply]).propose(task()).proposal == expected


@pytest.mark.parametrize(("expect", "found"), [("request", None), ("test", ErrorClass.TEST)])
def test_a_reply_for_the_class_at_hand(expect: str, found: ErrorClass | None) -> None:
    model = RecordedModel([{"expect_class": expect}, {"expect_class": "syntax"}])
    asked = task(error_class=found, findings=())
    assert model.propose(asked).proposal == Proposal()
    wrong = model.propose(asked)
    assert wrong.proposal is None
    assert "for class syntax" in (wrong.malformed or "")
    assert expect in (wrong.malformed or "")


BAD = {
    "not a list": ("note: a\n", "a list of replies"),
    "empty": ("", "a list of replies"),
    "not YAML": ("- a: [\n", r"replies\.yaml:2: this is neither YAML nor JSON"),
    "tab": ("- note: a\n\t- b\n", r"replies\.yaml:2"),
    "not an object": ("- note: a\n- just words\n", r"replies\.yaml:2: a reply holds keys"),
    "unknown key": ("- note: a\n\n- nota: a\n", r"replies\.yaml:3: unknown key 'nota'"),
    "wrong edit": ("- edits: [{path: a}]\n", r"replies\.yaml:1: edit 1"),
    "wrong class": ("- {expect_class: tests}\n", r"replies\.yaml:1: expect_class is 'tests'.*syntax"),
    "wrong usage": ("- {usage: {usd: -1}}\n", r"replies\.yaml:1: usage\.usd"),
    "malformed and more": ("- {malformed: a, note: b}\n", r"replies\.yaml:1: malformed"),
    "too deep": ("[" * 5_000, r"replies\.yaml:1: nested deeper"),
    "other tags": ("- !!python/object/apply:os.getcwd []\n", r"replies\.yaml:1"),
}


@pytest.mark.parametrize(("text", "words"), BAD.values(), ids=BAD)
def test_a_file_that_is_no_recording(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "replies.yaml"
    file.write_text(text)
    with pytest.raises(UsageError, match=words) as caught:
        RecordedModel(file)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{}", "a list of replies"),
        ('[{"note": "a"},\n {"note"}]', r"replies\.json:2: this is not JSON"),
        ('[{"note": "a"}, {"nota": "b"}]', r"reply 2: unknown key 'nota'"),
        ("[" * 200_000, "too deep"),
    ],
)
def test_a_json_file_that_is_no_recording(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "replies.json"
    file.write_text(text)
    with pytest.raises(UsageError, match=words):
        RecordedModel(file)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"- note: \xe4\n")
    for name in ("missing.yaml", ".", "latin.yaml"):
        with pytest.raises(UsageError):
            RecordedModel(tmp_path / name)


def test_choosing_a_model(tmp_path: Path) -> None:
    file = tmp_path / "replies.yaml"
    file.write_text("[]")
    assert isinstance(open_model("recorded", replay=str(file)), RecordedModel)
    command = open_model("command", command="/usr/bin/env python3")
    assert isinstance(command, CommandModel)
    assert command.name == "env"
    claude = open_model("claude", name="claude-opus-5-5", max_output_tokens=512)
    assert isinstance(claude, ClaudeModel)
    assert claude.name == "claude-opus-5-5"
    assert open_model("claude").name.startswith("claude-sonnet-")


@pytest.mark.parametrize(("kind", "given"), [("command", {}), ("recorded", {}), ("command", {"command": ""})])
def test_a_model_that_lacks_what_it_needs(kind: Literal["command", "recorded"], given: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="there is no"):
        open_model(kind, **given)
