"""`docs/decision-point.md`: its commands are run as they stand there, and its configuration is one."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from claude_client import person
from decision_point import Server, bash, denial, lets_go, read
from policyloop.config.file import file_layers
from source_tree import ROOT

PAGE = (ROOT / "docs" / "decision-point.md").read_text()
BLOCKS = re.findall(r"^```\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
OBSERVE, ENFORCE = (block.splitlines() for block in BLOCKS[:2])
ENGINEER = {"x_claude_user": "alex", "x_claude_user_roles": "engineer"}

pytestmark = pytest.mark.compiler


def typed(lines: list[str], folder: Path) -> Server:
    """What a person types, in one shell; the last line is the server. The person says yes where they are asked."""
    home = folder / "home"
    home.mkdir()
    agreed = [f"{line} --yes" if line == "policyloop agree" else line for line in lines]
    script = "\n".join(["set -e", *agreed[:-1], f"exec {agreed[-1]}"])
    process = subprocess.Popen(
        ["sh", "-c", script],
        cwd=folder,
        env={**person(home), "POLICYLOOP_SERVE_LISTEN": "127.0.0.1:0", "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=(folder / "server.log").open("a"),
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("http://"):
            host, _, port = line.split()[0].removeprefix("http://").rpartition(":")
            project = folder / "agents" if (folder / "agents").is_dir() else folder
            (project / "server.log").touch()
            return Server(project, home, process, host, int(port))
    pytest.fail((folder / "server.log").read_text())


def test_two_commands_observe(tmp_path: Path) -> None:
    install, *serve = OBSERVE
    # What would be fetched is what these tests run with; the extra has that name.
    assert install == "pip install 'policyloop[serve]'"
    assert len(OBSERVE) == 2
    server = typed(serve, tmp_path)
    try:
        assert lets_go(server.ask(bash("rm -rf /")))
        assert server.records()[-1]["decision"] == "allow"
    finally:
        server.kill()


def test_five_commands_enforce(tmp_path: Path) -> None:
    assert len(ENFORCE) == 5
    server = typed(ENFORCE, tmp_path)
    try:
        assert lets_go(server.ask(bash("git status"), **ENGINEER))
        for event in (bash("rm -rf /"), bash("git push -f origin main"), read("/app/.env.production")):
            assert denial(server.ask(event, **ENGINEER))
        assert denial(server.ask(bash("git status")))
        assert server.records()[-1]["mode"] == "enforce"
    finally:
        server.kill()


def test_the_configuration_on_the_page_is_one(tmp_path: Path) -> None:
    block = re.search(r"^```yaml\n(serve:.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert block is not None
    file = tmp_path / "policyloop.yaml"
    file.write_text(block[1])
    layers: list[Any] = list(file_layers(file, None))
    assert layers[0][0]["serve"]["mode"] == "enforce"
    rule = re.search(r"^```yaml\n(- name:.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert rule is not None
    assert yaml.safe_load(rule[1])[0]["name"] == "no-compilers"


def test_every_command_on_the_page_is_one_that_there_is() -> None:
    for block in (OBSERVE, ENFORCE):
        for line in block:
            words = shlex.split(line)
            if words[0] != "policyloop":
                continue
            done = subprocess.run(
                [sys.executable, "-m", "policyloop", words[1], "--help"],
                env=dict(os.environ),
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            assert done.returncode == 0
            for option in (word for word in words if word.startswith("--")):
                assert option in done.stdout
