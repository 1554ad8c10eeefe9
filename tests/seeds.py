"""What `lint` and `mutate` say of several policy directories with one seed, as JSON on standard output.

`python tests/seeds.py KEPT SEED DIRECTORY...`, with PYTHONHASHSEED set by the caller. What the compiler and the servers
answered is kept in KEPT, by all that they were asked: a later seed that asks the same need not ask them again, and what
it asks otherwise it asks anew. So ten seeds cost little more than one, and differ in our own order alone.
"""

import contextlib
import hashlib
import io
import json
import pickle
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import policyloop.access.pdp as pdp_room
from policyloop.access.ask.request import Batch, Request
from policyloop.access.pdp import Settings, allowed, encode
from policyloop.access.pdp.client import Refused
from policyloop.bundle import Bundle
from policyloop.validators.native import NativeRunner

REAL_SERVING, REAL_STAGE = pdp_room.serving_all, NativeRunner.stage


class Kept:
    """Answers by what was asked."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.held: dict[str, Any] = pickle.loads(file.read_bytes()) if file.exists() else {}
        self.anew = 0

    def get(self, answer: Callable[[], Any], *asked: object) -> Any:
        key = digest(*asked)
        if key not in self.held:
            self.held[key] = answer()
            self.anew += 1
        return self.held[key]

    def close(self) -> None:
        self._file.write_bytes(pickle.dumps(self.held))


def digest(*asked: object) -> str:
    return hashlib.sha256(repr(asked).encode()).hexdigest()


def name_of(bundle: Bundle) -> str:
    return digest(sorted(bundle.files.items()))


class KeptPdp:
    """A server that is started when it is asked what is not known yet."""

    def __init__(self, kept: Kept, bundle: Bundle, settings: Settings, stack: ExitStack) -> None:
        self._kept, self._bundle, self._settings, self._stack = kept, bundle, settings, stack
        self._name = name_of(bundle), settings
        self._real: Any = None
        self.asked = self.refused = 0
        log = kept.get(self._started, "starts", self._name)
        if log is not None:
            raise Refused(log)

    def _started(self) -> str | None:
        try:
            self.real()
        except Refused as refused:
            return refused.log
        return None

    def real(self) -> Any:
        if self._real is None:
            (self._real,) = self._stack.enter_context(REAL_SERVING((self._bundle,), self._settings))
        return self._real

    @property
    def info(self) -> Any:
        return self._kept.get(lambda: self.real().info, "info", self._settings)

    def answers(self, asked: Iterable[tuple[Batch, bytes]]) -> Iterator[tuple[Batch, bytes]]:
        pairs = list(asked)
        keys = [digest("answer", self._name, body) for _, body in pairs]
        missing = {key: pair for key, pair in zip(keys, pairs, strict=True) if key not in self._kept.held}
        if missing:
            told = self.real().answers(iter(missing.values()))
            self._kept.held.update({key: answer for key, (_, answer) in zip(missing, told, strict=True)})
            self._kept.anew += len(missing)
        yield from ((batch, self._kept.held[key]) for key, (batch, _) in zip(keys, pairs, strict=True))

    def effects(self, batches: Iterable[Batch]) -> Iterator[tuple[Batch, list[bool]]]:
        for batch, answer in self.answers((one, encode(one)) for one in batches):
            yield batch, allowed(answer, batch)

    def check(self, batch: Batch) -> Any:
        return self._kept.get(lambda: self.real().check(batch), "check", self._name, encode(batch, meta=True))

    def decide(self, request: Request) -> Any:
        return self._kept.get(lambda: self.real().decide(request), "decide", self._name, request.key)

    def plan(self, *asked: Any, **more: Any) -> Any:
        return self._kept.get(lambda: self.real().plan(*asked, **more), "plan", self._name, asked, sorted(more.items()))

    def policies(self) -> Any:
        return self._kept.get(lambda: self.real().policies(), "policies", self._name)


class KeptStage:
    """A bundle that is laid out when the compiler is asked what is not known yet."""

    def __init__(self, kept: Kept, runner: NativeRunner, bundle: Bundle) -> None:
        self._kept, self._runner, self._bundle = kept, runner, bundle

    def compile(self, *, strict: bool = False, verbose: bool = False, filters: Sequence[str] = ()) -> Any:
        def asked() -> Any:
            with REAL_STAGE(self._runner, self._bundle) as staged:
                return staged.compile(strict=strict, verbose=verbose, filters=filters)

        return self._kept.get(asked, "compile", name_of(self._bundle), strict, verbose, tuple(filters))


def keep(kept: Kept) -> None:
    """From here on whoever imports them gets servers and compilers whose answers are kept."""

    @contextmanager
    def serving_all(bundles: Sequence[Bundle], settings: Settings) -> Iterator[tuple[KeptPdp, ...]]:
        with ExitStack() as stack:
            yield tuple(KeptPdp(kept, bundle, settings, stack) for bundle in bundles)

    @contextmanager
    def stage(runner: NativeRunner, bundle: Bundle) -> Iterator[KeptStage]:
        yield KeptStage(kept, runner, bundle)

    room: Any = pdp_room
    room.serving_all = serving_all
    native: Any = NativeRunner
    native.stage = stage


def said(command: str, directory: str, seed: str) -> Any:
    """The document that the command prints, without its seed."""
    from policyloop.cli import main

    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        main([command, directory, "--runner", "native", "--format", "json", "--seed", seed])
    document = json.loads(printed.getvalue())
    return {name: value for name, value in document.items() if name != "seed"}


if __name__ == "__main__":
    file, seed, *directories = sys.argv[1:]
    answers = Kept(Path(file))
    keep(answers)
    documents = {f"{command} {one}": said(command, one, seed) for one in directories for command in ("lint", "mutate")}
    answers.close()
    json.dump({"documents": documents, "anew": answers.anew}, sys.stdout)
