"""The real command line in a process of its own, and bundles small enough to read at a glance."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import warm

SPEAKER = Path(__file__).parent / "speaker.py"


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one JSON object on stdout."""
        return json.loads(self.out)


def environment(**more: str) -> dict[str, str]:
    """A bare environment: no key, no colours, little asked about access, the compiler's cache of this user.

    Who has another HOME has the state of that one.
    """
    keep = ("PATH", "HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "DOCKER_HOST", "LANG", "POLICYLOOP_CERBOS")
    access = {"POLICYLOOP_ACCESS_PROVE": "off", "POLICYLOOP_ACCESS_REQUESTS": "500"}
    access["POLICYLOOP_SPEC_MUTANTS"] = "0"
    kept = {name: os.environ[name] for name in keep if name in os.environ}
    if "HOME" in more:
        kept.pop("XDG_STATE_HOME", None)
    return {**kept, "NO_COLOR": "1", **access, **more}


def policyloop(
    *arguments: object,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    timeout: float = 120,
) -> Done:
    """Run `policyloop` with these arguments, in a process of its own."""
    return bare([*map(str, arguments)], cwd=cwd, env=environment(**(env or {})), stdin=stdin, timeout=timeout)


def bare(
    arguments: Sequence[str], *, cwd: Path | None, env: Mapping[str, str], stdin: bytes = b"", timeout: float = 120
) -> Done:
    """The same with no environment but this one. The interpreter is a warm one, where it was set up as a new one is."""
    if warm.set_up_alike(env):
        done = warm.run(arguments, cwd=cwd, env=env, stdin=stdin, timeout=timeout)
    else:
        done = subprocess.run(
            [sys.executable, "-m", "policyloop", *arguments],
            cwd=cwd,
            env=env,
            input=stdin,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


def speaker(replies: Sequence[object], folder: Path) -> str:
    """A `--model-command` that gives these replies in turn, then repeats the last one."""
    file = folder / "replies.json"
    file.write_text(json.dumps(list(replies)))
    return f"{sys.executable} {SPEAKER} {file}"


def lay(files: Mapping[str, str], folder: Path) -> Path:
    """Write `files` below `folder`."""
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    return folder


def picture(folder: Path) -> dict[str, bytes]:
    """Every file below `folder` with its bytes."""
    return {str(f.relative_to(folder)): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}


POLICY = """\
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  version: default
  resource: doc
  rules:
    - actions: [read]
      effect: EFFECT_ALLOW
      roles: [user]
      condition: {match: {expr: R.attr.owner == P.id}}
    - actions: [write]
      effect: EFFECT_ALLOW
      roles: [user]
"""
"""Lets every user write every document; `FIXED` lets only the owner."""

FIXED = POLICY + "      condition: {match: {expr: R.attr.owner == P.id}}\n"

SUITE = """\
# yaml-language-server: $schema=https://api.cerbos.dev/latest/cerbos/policy/v1/TestSuite.schema.json
name: Docs
options: {now: "2026-01-01T00:00:00Z"}
tests:
  - name: owners
    input: {principals: [alice], resources: [hers, his], actions: [read, write]}
    expected:
      - {principal: alice, resource: hers, actions: {read: EFFECT_ALLOW, write: EFFECT_ALLOW}}
  - name: strangers
    input: {principals: [bob], resources: [hers], actions: [read, write]}
    expected:
      - {principal: bob, resource: hers, actions: {read: EFFECT_DENY, write: EFFECT_DENY}}
"""
PRINCIPALS = """\
principals:
  alice: {id: alice, roles: [user]}
  bob: {id: bob, roles: [user]}
"""
RESOURCES = """\
resources:
  hers: {kind: doc, id: d1, attr: {owner: alice}}
  his: {kind: doc, id: d2, attr: {owner: bob}}
"""
DOCS: Mapping[str, str] = {
    "doc.yaml": POLICY,
    "doc_test.yaml": SUITE,
    "testdata/principals.yaml": PRINCIPALS,
    "testdata/resources.yaml": RESOURCES,
}
"""Compiles; two assertions fail, since anybody may write."""

FIX = {"edits": [{"path": "doc.yaml", "content": FIXED}], "note": "only owners write"}
