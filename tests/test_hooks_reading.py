"""Whatever line the hook lets through, bash is then given: it changes nothing, and shows no secret."""

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from command import lay, picture
from policyloop.harden import rules
from policyloop.hooks.bash import while_open
from policyloop.hooks.readable import secret
from policyloop.hooks.readers import READERS
from policyloop.session.home import OPEN, Entry
from sessions import CLAUDE

SECRET = "zq" + "-hidden"
PLACES = (
    *("policies", "policies/doc.yaml", "policies/*.yaml", "policies/../.env", "policies/*/../../.env", "./policies"),
    *(".", "..", ".env", "./.env", "./.e*", "./*", "*", ".*", "src", "src/*", "src/a.py", "app", "app/*", "app/k.pem"),
    *("app/../.env", "link", "link/self/environ", "link/../.env", "out", "out/secret.txt", "out/*", "src/back/.env"),
    *("/proc/self/environ", "/pro?/self/environ", "/dev/fd/0", "~/.netrc", "~/*", "~+/.env", "{outside}/secret.txt"),
    *("{outside}", "../outside/secret.txt", "../outside/*", ".git/config", ".GIT/config", "''", "-", "--", "/dev/null"),
    *("../home/.netrc", "s*", "src/[a]*", "?env", "policies/secret.yaml", "{project}/.env", "{project}/*", "./li*"),
)
ODD = (
    *("--output=policies/doc.yaml", "-f", "-f.env", "--file=.env", "-ef", "-r", "-R", "-rf", "-nr", "-A", "-A3", "-L"),
    *(
        "-m1",
        "-e",
        "-ezq",
        "--pre",
        "--pre=cat",
        "--hidden",
        "-uuu",
        "--no-ignore",
        "-exec",
        "-delete",
        "-fprint",
        "-o",
    ),
    *("-type", "f", "--recursive", "--include", "--include=*.pem", "--files", "--from-file=.env", "-n", "5", "-c"),
    *("--to-file=.env", "--files0-from=.env", "-F", "-z", "-w", "-P", "-D", "--", "-name", "'*'", "-print"),
)
WORDS = (SECRET[:4], "zq", "'zq.*'", "x", "owner", ".", "'.*'", "''")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reading")
    project = folder / "project"
    hidden = f"KEY={SECRET}\n"
    lay({"policies/doc.yaml": "owner: x\n", "policies/sub/x.yaml": "owner: y\n", "src/a.py": "owner = 1\n"}, project)
    lay({".env": hidden, "app/k.pem": hidden, ".git/config": hidden, "app/plain.txt": "owner\n"}, project)
    lay({"secret.txt": hidden}, folder / "outside")
    lay({".netrc": hidden}, folder / "home")
    (project / "link").symlink_to("/proc")
    (project / "out").symlink_to(folder / "outside")
    (project / "src" / "back").symlink_to(project)
    return project


def lines(project: Path) -> st.SearchStrategy[str]:
    places = [
        place.replace("{outside}", str(project.parent / "outside")).replace("{project}", str(project))
        for place in PLACES
    ]
    place, odd, word = st.sampled_from(places), st.sampled_from(ODD), st.sampled_from(WORDS)
    option = st.sampled_from(("", "-r", "-nr", "-R", "--recursive", "-n", "-e", "-i -r"))
    anything = st.lists(st.one_of(place, place, odd, word), max_size=5).map(" ".join)
    return st.one_of(
        st.builds("{} {}".format, st.sampled_from(sorted(READERS)), anything),
        st.builds("grep {} {} {}".format, option, word, place),
        st.builds("rg {} {}".format, word, place),
        st.builds("diff {} {} {}".format, st.sampled_from(("", "-r", "-u", "-N")), place, place),
        st.builds("{} {}".format, st.sampled_from(("cat", "head", "tail -n 5", "cat -n", "head -c 99")), place),
        st.builds("grep {} {} {} {}".format, odd, word, place, place),
    )


@pytest.mark.sweep
def test_what_is_let_through_neither_writes_nor_shows_a_secret(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = project.parent / "home"
    monkeypatch.setenv("HOME", str(home))
    for name in ("CLAUDE_PROJECT_DIR", "CLAUDE_PLUGIN_ROOT", "CLAUDE_CODE_CHILD_NOTES_DIR"):
        monkeypatch.delenv(name, raising=False)
    entry = Entry("20260101-000000-abcd", OPEN, str(project / "policies"), None, CLAUDE, "0", "0", "FIX", "x", 9, 3, 0)
    question = {"session_id": CLAUDE, "cwd": str(project)}
    before = picture(project / "policies")
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "LEAK": SECRET}
    ran: list[str] = []

    @settings(max_examples=1500, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(lines(project))
    def play(line: str) -> None:
        verdict = while_open({"command": line}, question, entry, ())
        if verdict is not None:
            assert verdict.decision == "deny"
            return
        ran.append(line)
        script = f"cd {project} && {line}"
        shell = ["bash", "--norc", "-c", script]
        done = subprocess.run(
            shell, env=environment, capture_output=True, stdin=subprocess.DEVNULL, timeout=60, check=False
        )
        assert SECRET.encode() not in done.stdout + done.stderr, line
        assert picture(project / "policies") == before, line

    play()
    assert len(ran) > 100, "hardly anything was let through, so little was shown"
    assert {line.split()[0] for line in ran} >= {"cat", "grep", "ls", "find", "diff", "head"}


def test_what_harden_calls_secret_is_secret_to_the_readers() -> None:
    for pattern in (*rules._SECRET_FILES, *rules._SECRET_FOLDERS):
        name = pattern.split("/")[-1] if pattern != ".docker/config.json" else ".docker"
        assert secret(name.replace("*", "x.y" if name.startswith(".env") else "x")) or name == ".env*", pattern
    assert secret(".env")
    assert secret(".env.local")
    assert not secret(".env.example")
    assert not secret("environment.yaml")
