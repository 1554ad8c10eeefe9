"""The cases of fixtures/redteam: what was tried or said, and what must happen. The form is told in its README."""

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from bundles import FIXTURES
from command import Done, bare
from policyloop.access.ask.request import Principal, Request, Resource
from policyloop.access.pdp import Settings, serving
from policyloop.validators.install import install
from policyloop.validators.pinned import VERSION
from policyloop.workspace.read import read_bundle
from sessions import CLAUDE

pytestmark = pytest.mark.compiler

CASES = FIXTURES / "redteam"
KINDS = ("belief", "proof", "said", "search", "lock", "secret", "environment", "output")
TIMEOUT_SECONDS = 300


def case_names() -> list[str]:
    return sorted(folder.name for folder in CASES.iterdir() if folder.is_dir())


@dataclass(frozen=True)
class Field:
    """Where a case is played: a project, a folder beside it that nobody may touch, and a home."""

    root: Path

    @property
    def project(self) -> Path:
        return self.root / "project"

    @property
    def outside(self) -> Path:
        return self.root / "outside"

    @property
    def home(self) -> Path:
        """Not below the root: where a policy directory is the project itself, the folder that holds it is a project."""
        return self.root.parent / "home"

    def filled(self, text: str) -> str:
        places = {"project": self.project, "outside": self.outside, "home": self.home, "claude": CLAUDE}
        for name, place in places.items():
            text = text.replace("{" + name + "}", str(place))
        return text

    def environment(self, more: Mapping[str, object]) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "DOCKER_HOST") if name in os.environ}
        cache = os.environ.get("XDG_CACHE_HOME") or str(Path("~/.cache").expanduser())
        author = {f"GIT_{who}_{what}": "someone" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        ours = {"HOME": str(self.home), "XDG_CACHE_HOME": cache, "NO_COLOR": "1", "POLICYLOOP_CERBOS_RUNNER": "native"}
        given = {name: self.filled(str(value)) for name, value in more.items()}
        return {**kept, **author, "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "init.defaultBranch",
                "GIT_CONFIG_VALUE_0": "main", **ours, **given}  # fmt: skip

    def shell(self, script: str, step: Mapping[str, Any]) -> None:
        done = subprocess.run(
            ["bash", "-ceu", self.filled(script)],
            cwd=self.project,
            env=self.environment(step.get("env", {})),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def run(self, arguments: list[str], step: Mapping[str, Any], stdin: str) -> Done:
        env = self.environment(step.get("env", {}))
        return bare(arguments, cwd=self.project, env=env, stdin=stdin.encode(), timeout=TIMEOUT_SECONDS)

    def picture(self) -> dict[str, object]:
        """Every name in the project and outside of it, with what it is and holds."""
        seen: dict[str, object] = {}
        for top in (self.project, self.outside):
            for path in sorted(top.rglob("*")):
                if path.is_symlink():
                    seen[str(path)] = ("link", str(path.readlink()))
                elif path.is_file():
                    seen[str(path)] = (path.stat().st_mode, path.read_bytes())
                else:
                    seen[str(path)] = path.stat().st_mode
        return seen


@pytest.fixture
def field(request: pytest.FixtureRequest, tmp_path: Path) -> Field:
    field = Field(tmp_path / "root")
    for place in (field.outside, field.home):
        place.mkdir(parents=True)
    (field.outside / "kept.txt").write_text("nobody may touch this\n")
    folder = CASES / request.getfixturevalue("name")
    if (folder / "project").is_dir():
        shutil.copytree(folder / "project", field.project, symlinks=True)
    field.project.mkdir(exist_ok=True)
    like = yaml.safe_load((folder / "case.yaml").read_text()).get("like")
    if like:
        shutil.copytree(FIXTURES / like, field.project / "policies", dirs_exist_ok=True)
    return field


@pytest.mark.parametrize("name", case_names())
def test_what_must_happen_happens(name: str, field: Field) -> None:
    install(VERSION)
    case = yaml.safe_load((CASES / name / "case.yaml").read_text())
    assert name.partition("-")[0] in KINDS
    assert case["what"].strip()
    assert case["must"].strip()
    judged = [step for step in case["steps"] if "bash" not in step]
    assert judged, "a case without a verdict shows nothing"
    for step in case["steps"]:
        if "bash" in step:
            field.shell(step["bash"], step)
        elif "policyloop" in step:
            _command(field, step)
        elif "pdp" in step:
            _pdp(field, step)
        elif "hook" in step:
            _hook(field, step)
        else:
            pytest.fail(f"no such step: {step}")


def _command(field: Field, step: Mapping[str, Any]) -> None:
    words = [field.filled(word) for word in shlex.split(step["policyloop"])]
    before = field.picture()
    done = field.run(words, step, step.get("stdin", ""))
    printed = done.out + done.err
    folded = re.sub(r"\s+", " ", printed)
    right = step["exit"] if isinstance(step["exit"], list) else [step["exit"]]
    assert done.code in right, f"exit {done.code}: {printed}"
    assert "Traceback" not in printed
    for text in step.get("says", []):
        assert field.filled(text) in folded, f"{text!r} is not said: {printed}"
    for text in step.get("never", []):
        assert field.filled(text) not in printed, f"{text!r} is said: {printed}"
    for path, value in step.get("json", {}).items():
        here: Any = json.loads(done.out)
        for part in path.split("."):
            here = here[int(part)] if isinstance(here, list) else here[part]
        assert here == value, f"{path}: {here!r}"
    if step.get("unchanged"):
        assert field.picture() == before


def _pdp(field: Field, step: Mapping[str, Any]) -> None:
    settings = Settings(runner="native", strict=step.get("strict", False))
    who, what = step["principal"], step["resource"]
    principal = Principal(
        who["id"], tuple(who["roles"]), who.get("attr", {}), who.get("policyVersion", ""), who.get("scope", "")
    )
    resource = Resource(
        what["kind"], what["id"], what.get("attr", {}), what.get("policyVersion", ""), what.get("scope", "")
    )
    with serving(read_bundle(field.project / step["pdp"]), settings) as pdp:
        asked = Request(principal, resource, step["action"], step.get("claims", {}))
        assert pdp.decide(asked).allowed is step["allowed"]


def _hook(field: Field, step: Mapping[str, Any]) -> None:
    asked = {
        "session_id": CLAUDE,
        "cwd": str(field.project),
        "permission_mode": "default",
        "hook_event_name": "PreToolUse",
        **step["hook"],
    }
    event = step.get("event", "pre-tool-use")
    text = field.filled(json.dumps(asked))
    done = field.run(["hook", event], step, text)
    assert done.code == 0, done.err
    answer = json.loads(done.out) if done.out.strip() else {}
    decision = answer.get("hookSpecificOutput", {}).get("permissionDecision") or answer.get("decision") or "none"
    right = step["decision"] if isinstance(step["decision"], list) else [step["decision"]]
    assert decision in right, done.out
