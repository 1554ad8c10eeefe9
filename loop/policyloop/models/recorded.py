"""A model whose answers were written down beforehand: for the demo, for tests, for showing what happened.

A recording is a list, in YAML or JSON. Each entry is a proposal in the published shape, with two keys more:

    - expect_class: compile        # syntax, schema, compile, test or request: what this answer is for
      edits: [{path: a.yaml, old: "x", new: "y"}]
      note: corrects the import
      usage: {input_tokens: 900, output_tokens: 40, usd: 0.01}
    - malformed: the model answered with prose      # an answer that is no proposal
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from policyloop.errors import Unavailable, UsageError
from policyloop.findings import ErrorClass
from policyloop.models.tally import usage_from_json
from policyloop.protocol import proposal_from_json
from policyloop.task import Malformed, Proposal, Reply, Task
from policyloop.usage import Usage

MAX_BYTES = 16 * 1_048_576
MAX_DEPTH = 100
_HINT = "See `policyloop schema proposal`."
_CLASSES = ("request", *(c.value for c in ErrorClass))


@dataclass(frozen=True, slots=True)
class _Recorded:
    proposal: Proposal | None
    malformed: str | None
    expect_class: str | None
    usage: Usage


class RecordedModel:
    """Gives the replies of a recording, one a turn.

    Raises `UsageError` when the recording cannot be used: which file, which line, what is wrong.
    """

    name = "recorded"
    note: str | None = None

    def __init__(self, recording: Path | str | Sequence[Mapping[str, Any]]) -> None:
        if isinstance(recording, str | Path):
            self._replies = _read(Path(recording))
        else:
            self._replies = [_entry(entry, f"reply {number}") for number, entry in enumerate(recording, 1)]
        self._given = 0

    def propose(self, task: Task) -> Reply:
        """The next reply. Raises `Unavailable` when there is none left."""
        if self._given == len(self._replies):
            raise Unavailable("The recording has no more replies.", f"It holds {self._given}; the run needs another.")
        reply = self._replies[self._given]
        self._given += 1
        found = task.error_class.value if task.error_class else "request"
        if reply.expect_class not in (None, found):
            why = f"Reply {self._given} of the recording is for class {reply.expect_class}, but the task is {found}."
            return Reply(None, why, reply.usage)
        return Reply(reply.proposal, reply.malformed, reply.usage)

    def close(self) -> None:
        """Nothing is held open."""


def _read(file: Path) -> list[_Recorded]:
    try:
        data = file.read_bytes()
        if len(data) > MAX_BYTES:
            raise UsageError(f"{file} has {len(data)} bytes; a recording has at most {MAX_BYTES}.")
        text = data.decode()
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.", "Give a recording to --replay.") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is not UTF-8 at byte {error.start}.", "Save it as UTF-8.") from None
    return _read_json(text, file) if file.suffix.lower() == ".json" else _read_yaml(text, file)


def _read_json(text: str, file: Path) -> list[_Recorded]:
    """YAML would not do: it forbids tabs, and takes the two halves of an escaped emoji for two characters."""
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise UsageError(f"{file}:{error.lineno}: this is not JSON: {error.msg}.") from None
    except RecursionError:
        raise UsageError(f"{file}: nested too deep.") from None
    if not isinstance(data, list):
        raise UsageError(f"{file}: a recording is a list of replies.", _HINT)
    return [_entry(item, f"{file}: reply {number}") for number, item in enumerate(data, 1)]


def _read_yaml(text: str, file: Path) -> list[_Recorded]:
    try:
        _check_depth(text, file)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it cannot be read"
        raise UsageError(f"{file}{line}: this is neither YAML nor JSON: {problem}.") from None
    if not isinstance(node, yaml.SequenceNode):
        raise UsageError(f"{file}: a recording is a list of replies.", _HINT)
    return list(_entries(node, file))


def _check_depth(text: str, file: Path) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH and event.start_mark:
            raise UsageError(f"{file}:{event.start_mark.line + 1}: nested deeper than {MAX_DEPTH} levels.")


def _entries(node: yaml.SequenceNode, file: Path) -> Iterator[_Recorded]:
    loader = yaml.SafeLoader("")
    for item in node.value:
        where = f"{file}:{item.start_mark.line + 1}"
        try:
            value = loader.construct_object(item, deep=True)
        except (yaml.YAMLError, ValueError) as error:
            raise UsageError(f"{where}: {getattr(error, 'problem', None) or error}.") from None
        except (LookupError, ArithmeticError, AttributeError):  # `!!bool maybe`, `!!int ""`
            raise UsageError(f"{where}: a value is not of the type that its tag says.") from None
        yield _entry(value, where)


def _entry(value: object, where: str) -> _Recorded:
    if not isinstance(value, Mapping):
        raise UsageError(f"{where}: a reply holds keys with values.", _HINT)
    rest = dict(value)
    expect = rest.pop("expect_class", None)
    malformed = rest.pop("malformed", None)
    if expect is not None and expect not in _CLASSES:
        raise UsageError(f"{where}: expect_class is {expect!r}.", f"It is one of {', '.join(_CLASSES)}.")
    try:
        usage = usage_from_json(rest.pop("usage", None))
        if malformed is None:
            return _Recorded(proposal_from_json(rest), None, expect, usage)
    except Malformed as error:
        raise UsageError(f"{where}: {error}.", _HINT) from None
    if rest or not isinstance(malformed, str):
        raise UsageError(f"{where}: malformed is a text that stands for the whole reply.")
    return _Recorded(None, malformed, expect, usage)
