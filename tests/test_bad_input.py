"""What a tired user and a wild model can do wrong: each ends with the right exit code and one clear sentence."""

import ctypes
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from bundles import SMALL
from command import DOCS, FIX, FIXED, Done, environment, lay, picture, policyloop, speaker
from policyloop.cerbos.run import Runner

GREEN = SMALL / "green" / "policies"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose policies compile while two assertions fail, and a neighbour that nothing may touch."""
    lay(DOCS, tmp_path / "project" / "policies")
    lay({"neighbour.yaml": "untouched: true\n", "elsewhere/other.yaml": "untouched: true\n"}, tmp_path / "project")
    return tmp_path / "project"


def outside(project: Path) -> dict[str, bytes]:
    """Everything of the project but what policyloop keeps for itself."""
    return {path: data for path, data in picture(project).items() if not path.startswith(".policyloop")}


def one_sentence(done: Done, code: int, *words: str) -> None:
    """The command ended with `code` and said one line on stderr, then next commands alone; they hold all `words`."""
    assert done.code == code, (done.code, done.out[-500:], done.err)
    assert "Traceback" not in done.out + done.err
    told, *onward = done.err.splitlines()
    assert told.startswith("policyloop: ")
    assert len(told) < 1000
    assert all(line.startswith(("next: ", "next (")) for line in onward), done.err
    for word in words:
        assert word in done.err, done.err


def check(policies: Path, *more: object, env: Mapping[str, str] | None = None) -> Done:
    return policyloop("check", policies, "--runner", "native", *more, env=env, cwd=policies.parent)


def run(project: Path, replies: Sequence[object], tmp_path: Path, *more: object, runner: str = "native") -> Done:
    command = speaker(replies, tmp_path)
    arguments = ["--policies", project / "policies", "--model-command", command, "--format", "json"]
    return policyloop("run", *arguments, "--runner", runner, *more)


# --- the policy directory ------------------------------------------------------------------------------------------


def missing(policies: Path) -> None:
    shutil.rmtree(policies)


def a_file(policies: Path) -> None:
    shutil.rmtree(policies)
    policies.write_text("not a directory\n")


def a_dangling_link(policies: Path) -> None:
    shutil.rmtree(policies)
    policies.symlink_to(policies.parent / "nowhere")


def link_to_a_file_outside(policies: Path) -> None:
    (policies / "linked.yaml").symlink_to(policies.parent / "neighbour.yaml")


def link_to_a_folder_outside(policies: Path) -> None:
    (policies / "linked").symlink_to(policies.parent / "elsewhere")


def link_to_itself(policies: Path) -> None:
    (policies / "loop").symlink_to(policies)


def a_pipe(policies: Path) -> None:
    os.mkfifo(policies / "pipe.yaml")


def a_socket(policies: Path) -> None:
    before = Path.cwd()
    with socket.socket(socket.AF_UNIX) as one:
        os.chdir(policies)  # a socket's name may have 107 bytes at most
        try:
            one.bind("socket.yaml")
        finally:
            os.chdir(before)


def not_utf_8(policies: Path) -> None:
    (policies / "latin.yaml").write_bytes("description: für alle\n".encode("latin-1"))


def utf_16(policies: Path) -> None:
    (policies / "wide.yaml").write_bytes("apiVersion: api.cerbos.dev/v1\n".encode("utf-16"))


def a_name_that_is_not_utf_8(policies: Path) -> None:
    Path(os.fsdecode(os.fsencode(policies) + b"/caf\xe9.yaml")).write_text("a: 1\n")


def a_name_with_a_newline(policies: Path) -> None:
    (policies / "two\nlines.yaml").write_text((policies / "doc.yaml").read_text())
    (policies / "doc.yaml").unlink()


def fifty_megabytes(policies: Path) -> None:
    with (policies / "large.yaml").open("wb") as file:
        for _ in range(50):
            file.write(b"# " + b"x" * 999_997 + b"\n")


DIRECTORIES: dict[str, tuple[Callable[[Path], None], tuple[str, ...]]] = {
    "missing": (missing, ("policies",)),
    "a file": (a_file, ("policies",)),
    "a dangling link": (a_dangling_link, ("policies",)),
    "a link to a file outside": (link_to_a_file_outside, ("linked.yaml", "link")),
    "a link to a folder outside": (link_to_a_folder_outside, ("linked", "link")),
    "a link to itself": (link_to_itself, ("loop", "link")),
    "a pipe": (a_pipe, ("pipe.yaml",)),
    "a socket": (a_socket, ("socket.yaml",)),
    "not UTF-8": (not_utf_8, ("latin.yaml", "UTF-8")),
    "UTF-16": (utf_16, ("wide.yaml", "UTF-8")),
    "a name that is not UTF-8": (a_name_that_is_not_utf_8, ("caf",)),
    "50 MB": (fifty_megabytes, ("large.yaml",)),
}


@pytest.mark.parametrize("what", DIRECTORIES)
@pytest.mark.parametrize("command", ["check", "run"])
def test_a_directory_that_cannot_be_used(command: str, what: str, project: Path, tmp_path: Path) -> None:
    prepare, words = DIRECTORIES[what]
    prepare(project / "policies")
    before = outside(project)
    done = check(project / "policies") if command == "check" else run(project, [FIX], tmp_path)
    one_sentence(done, 2, *words)
    assert outside(project) == before
    if command == "run":
        assert done.json["exit_code"] == 2


def without_override(*arguments: object) -> Done:
    """`policyloop` as somebody whom file modes bind, also when the tests run as root."""

    def bind() -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
            libc.prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP; without the right to, nothing needs dropping

    done = subprocess.run(
        [sys.executable, "-m", "policyloop", *map(str, arguments)],
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
        check=False,
        preexec_fn=bind,
    )
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.mark.parametrize("what", ["", "doc.yaml", "testdata"])
def test_an_unreadable_directory_or_file(what: str, project: Path) -> None:
    target = project / "policies" / what
    before = outside(project)
    mode = target.stat().st_mode
    target.chmod(0)
    try:
        done = without_override("check", project / "policies", "--runner", "native")
    finally:
        target.chmod(mode)
    one_sentence(done, 2, what or "policies", "read")
    assert outside(project) == before


def test_a_read_only_directory_can_be_checked(project: Path, cerbos: Runner) -> None:
    shutil.rmtree(project / "policies")
    shutil.copytree(GREEN, project / "policies")
    (project / "policies").chmod(0o555)
    project.chmod(0o555)
    done = without_override("check", project / "policies", "--runner", "native", "--format", "json")
    project.chmod(0o755)
    (project / "policies").chmod(0o755)
    assert (done.code, done.json["outcome"]) == (0, "green"), done


def test_a_read_only_directory_is_left_as_it_is_by_a_run(project: Path, tmp_path: Path, cerbos: Runner) -> None:
    before = outside(project)
    (project / "policies").chmod(0o555)
    arguments = ["--model-command", speaker([FIX], tmp_path), "--format", "json", "--runner", "native"]
    done = without_override("run", "--policies", project / "policies", *arguments)
    (project / "policies").chmod(0o755)
    assert done.code in (2, 8), done
    assert "Traceback" not in done.err
    assert done.json["exit_code"] == done.code
    assert outside(project) == before


def test_an_empty_directory_is_not_green(project: Path, cerbos: Runner) -> None:
    shutil.rmtree(project / "policies")
    (project / "policies").mkdir()
    done = check(project / "policies", "--format", "json")
    assert (done.code, done.json["next_class"]) == (4, "test")
    assert "Traceback" not in done.err


def test_an_empty_directory_without_a_request_leaves_nothing_to_do(project: Path, tmp_path: Path) -> None:
    shutil.rmtree(project / "policies")
    (project / "policies").mkdir()
    one_sentence(run(project, [FIX], tmp_path), 2, "no policies")


def test_odd_names_are_no_obstacle(project: Path, tmp_path: Path, cerbos: Runner) -> None:
    policies = project / "policies"
    odd = policies / "für alle \N{OPEN LOCK} 'and' \"more\" $HOME;"
    odd.mkdir()
    for name in ("doc.yaml", "doc_test.yaml", "testdata"):
        (policies / name).rename(odd / name)
    fix = {"edits": [{"path": f"{odd.name}/doc.yaml", "content": FIXED}], "note": "n"}
    done = run(project, [fix], tmp_path)
    assert (done.code, done.json["files_changed"]) == (0, [f"{odd.name}/doc.yaml"]), done


def test_a_name_with_a_newline_ends_in_a_verdict_or_one_sentence(project: Path, cerbos: Runner) -> None:
    a_name_with_a_newline(project / "policies")
    done = check(project / "policies")
    assert done.code in (2, 4)
    assert "Traceback" not in done.out + done.err
    assert "two\nlines" not in done.out + done.err


def test_ten_thousand_files_end_in_a_verdict(project: Path, cerbos: Runner) -> None:
    many = project / "policies" / "testdata"
    for number in range(10_000):
        (many / f"note_{number}.yaml").write_text(f"note: {number}\n")
    done = check(project / "policies", "--format", "json")
    assert (done.code, done.json["assertions"]["ran"]) == (4, 6), done.err


@pytest.mark.sweep
def test_more_files_than_are_read(project: Path) -> None:
    many = project / "policies" / "many"
    many.mkdir()
    for number in range(20_001):
        (many / f"{number}.yaml").touch()
    one_sentence(check(project / "policies"), 2, "20,000", "policies")


# --- what a model may try ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "../neighbour.yaml",
        "sub/../../neighbour.yaml",
        "/etc/policyloop-was-here.yaml",
        "~/policyloop-was-here.yaml",
        "C:/policyloop-was-here.yaml",
        "..\\neighbour.yaml",
        ".git/config.yaml",
        ".git/hooks/pre-commit",
        ".policyloop/runs.json",
        "policyloop.yaml/../../policyloop.yaml",
        "a\nb.yaml",
        "a\u202egnp.yaml",
        "run.sh",
        "",
    ],
)
def test_an_edit_out_of_bounds_is_refused_for_ever(path: str, project: Path, tmp_path: Path, cerbos: Runner) -> None:
    (project / "policies" / ".git").mkdir()
    (project / "policies" / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    before = outside(project)
    wild = [{"edits": [*FIX["edits"], {"path": path, "content": f"try: {n}\n"}], "note": "n"} for n in range(9)]
    done = run(project, wild, tmp_path)
    assert (done.code, done.json["stopped_by"]) == (4, "attempts_per_class"), done
    assert [bool(attempt["refusal"]) for attempt in done.json["attempts"]] == [True] * 3
    assert "Traceback" not in done.err
    assert outside(project) == before
    for place in (Path("/etc"), Path.home()):
        assert not (place / "policyloop-was-here.yaml").exists()


@pytest.mark.parametrize("edit", [{"delete": True}, {"old": "untouched", "new": "touched"}])
def test_what_lies_outside_cannot_be_edited_either(
    edit: dict[str, object], project: Path, tmp_path: Path, cerbos: Runner
) -> None:
    before = outside(project)
    done = run(project, [{"edits": [{"path": "../neighbour.yaml", **edit}], "note": "n"}], tmp_path)
    assert done.code == 4
    assert outside(project) == before


def test_a_link_that_appears_during_the_run_leads_nowhere(project: Path, tmp_path: Path, cerbos: Runner) -> None:
    """The model program makes a link to a folder outside, then writes through it."""
    policies = project / "policies"
    trick = tmp_path / "trick.py"
    other = FIXED.replace("resource: doc", "resource: other")
    edits = {"edits": [*FIX["edits"], {"path": "sub/other.yaml", "content": other}], "note": "n"}
    trick.write_text(
        "import json, pathlib\n"
        f"link = pathlib.Path({str(policies / 'sub')!r})\n"
        f"link.is_symlink() or link.symlink_to({str(project / 'elsewhere')!r})\n"
        f"print(json.dumps({edits!r}))\n"
    )
    command = f"{sys.executable} {trick}"
    arguments = ["--policies", policies, "--model-command", command, "--format", "json", "--runner", "native"]
    done = policyloop("run", *arguments)
    assert done.code == 5, done
    assert "Traceback" not in done.err
    assert picture(project / "elsewhere") == {"other.yaml": b"untouched: true\n"}
    assert (policies / "doc.yaml").read_text() == DOCS["doc.yaml"]


@pytest.mark.parametrize(
    "reply",
    [
        "I would rather write a poem.",
        "",
        "null",
        "[]",
        '{"edits": "all of them"}',
        '{"edits": [{"path": 7}]}',
        '{"edits": [], "budget": 100}',
        "[" * 100_000,
        "\x00\x1b[2J\x07",
    ],
    ids=lambda reply: repr(reply[:20]),
)
def test_nonsense_for_ever_is_stopped(reply: str, project: Path, tmp_path: Path, cerbos: Runner) -> None:
    before = outside(project)
    done = run(project, [reply], tmp_path)
    assert (done.code, done.json["stopped_by"], len(done.json["attempts"])) == (4, "attempts_per_class", 3), done
    assert "Traceback" not in done.err
    assert "\x1b" not in done.err
    assert outside(project) == before


def test_the_same_nonsense_as_an_edit_is_a_stuck_loop(project: Path, tmp_path: Path, cerbos: Runner) -> None:
    before = outside(project)
    lone_surrogate = '{"edits": [{"path": "doc.yaml", "content": "\\ud800"}]}'
    done = run(project, [lone_surrogate], tmp_path)
    assert (done.code, done.json["stopped_by"], len(done.json["attempts"])) == (4, "stuck", 2), done
    assert "Traceback" not in done.err
    assert outside(project) == before


# --- the configuration ---------------------------------------------------------------------------------------------

CONFIGURATIONS = {
    "an unknown section": ("cerbso: {version: 0.55.0}\n", ("policyloop.yaml:1", "cerbos")),
    "an unknown key": ("budget:\n  atempts_per_class: 3\n", ("policyloop.yaml:2", "attempts_per_class")),
    "an unknown key in a profile": (
        "profiles:\n  quick:\n    budget:\n      usdd: 1\n",
        ("policyloop.yaml:4", "usd"),
    ),
    "a text for a number": ("budget:\n  usd: much\n", ("policyloop.yaml:2", "usd")),
    "a negative budget": ("budget:\n  compile_cycles: -1\n", ("policyloop.yaml:2", "compile_cycles")),
    "a runner that is none": ("cerbos: {runner: podman}\n", ("policyloop.yaml:1", "runner")),
    "a list": ("- budget\n", ("policyloop.yaml:1",)),
    "no YAML": ("budget: [\n", ("policyloop.yaml:2",)),
    "a key twice": ("budget: {usd: 1}\nbudget: {usd: 9}\n", ("policyloop.yaml:2", "twice")),
}


@pytest.mark.parametrize("what", CONFIGURATIONS)
def test_a_configuration_that_cannot_be_used(what: str, project: Path) -> None:
    text, words = CONFIGURATIONS[what]
    (project / "policyloop.yaml").write_text(text)
    one_sentence(check(project / "policies"), 2, *words)


def test_a_configuration_or_profile_that_is_not_there(project: Path) -> None:
    one_sentence(check(project / "policies", "--config", project / "none.yaml"), 2, "none.yaml")
    one_sentence(check(project / "policies", "--profile", "careful"), 2, "careful")


def test_an_unknown_setting_in_the_environment(project: Path) -> None:
    done = check(project / "policies", env={"POLICYLOOP_BUDGET_USDD": "1"})
    one_sentence(done, 2, "POLICYLOOP_BUDGET_USDD", "POLICYLOOP_BUDGET_USD")


@pytest.mark.parametrize("arguments", [["chekc"], ["check", ".", "--frmat", "json"], ["run", "a", "b"]])
def test_a_command_line_that_cannot_be_used(arguments: list[str], project: Path) -> None:
    done = policyloop(*arguments, cwd=project)
    one_sentence(done, 2)


@pytest.mark.parametrize("command", ["check", "lint", "mutate", "run"])
def test_a_folder_without_a_policy_directory(command: str, tmp_path: Path) -> None:
    one_sentence(policyloop(command, cwd=tmp_path), 2, "policies", "policyloop init")


# --- compiler, engine, disk ----------------------------------------------------------------------------------------


def test_an_engine_that_is_down(project: Path) -> None:
    env = {"DOCKER_HOST": f"unix://{project}/no.sock"}
    done = policyloop("check", project / "policies", "--runner", "docker", env=env)
    one_sentence(done, 8)


@pytest.mark.docker
def test_an_image_that_is_absent(project: Path, docker_cerbos: Runner) -> None:
    env = {"POLICYLOOP_CERBOS_IMAGE": "policyloop.invalid/no/such:0.55.0"}
    done = policyloop("check", project / "policies", "--runner", "docker", env=env)
    one_sentence(done, 8, "policyloop.invalid/no/such:0.55.0")


@pytest.mark.parametrize("answer", ["echo 0.12.0", "exit 1", "echo nonsense"])
def test_a_compiler_of_another_version(answer: str, project: Path, tmp_path: Path) -> None:
    fake = tmp_path / "cerbos"
    fake.write_text(f"#!/bin/sh\n{answer}\n")
    fake.chmod(0o755)
    one_sentence(check(project / "policies", env={"POLICYLOOP_CERBOS": str(fake)}), 8, str(fake))


def test_a_compiler_that_is_not_there(project: Path, tmp_path: Path) -> None:
    env = {"POLICYLOOP_CERBOS": str(tmp_path / "nowhere")}
    one_sentence(check(project / "policies", env=env), 8, "nowhere")
    home = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache"), "PATH": "/nowhere"}
    one_sentence(check(project / "policies", env=home), 8, "doctor --install")


FULL_DISK = """\
mount -t tmpfs -o size=128k tmpfs "$1" || exit 99
cp -r "$2"/. "$1"/
dd if=/dev/zero of="$1"/ballast bs=4k 2>/dev/null
shift 2
"$@"
"""


def test_a_disk_that_is_full_at_write_back(project: Path, tmp_path: Path, cerbos: Runner) -> None:
    """A file system of 128 kB in a mount namespace of its own; what became of it is copied out through the model."""
    disk, kept = tmp_path / "disk", tmp_path / "kept"
    disk.mkdir()
    grown = FIXED + "# as long as it gets\n" * 4000
    command = speaker([{"edits": [{"path": "doc.yaml", "content": grown}], "note": "n"}], tmp_path)
    script = FULL_DISK + f'code=$?\ncp -r "{disk}" "{kept}"\nexit $code\n'
    loop = [sys.executable, "-m", "policyloop", "run", "--policies", disk, "--state", tmp_path / "state"]
    loop += ["--model-command", command, "--runner", "native", "--format", "json"]
    isolated = ["unshare", "--map-root-user", "--mount", "sh", "-c", script, "sh", disk, project / "policies"]
    done = subprocess.run(
        [*map(str, isolated), *map(str, loop)], env=environment(), capture_output=True, timeout=120, check=False
    )
    if done.returncode == 99 or b"unshare" in done.stderr:
        pytest.skip(f"no file system can be mounted here: {done.stderr.decode()}")
    ended = json.loads(done.stdout)
    assert (done.returncode, ended["exit_code"]) == (8, 8), done.stderr.decode()
    assert b"Traceback" not in done.stderr
    assert b"space" in done.stderr
    after = {path: data.decode() for path, data in picture(kept).items() if path != "ballast"}
    assert after == dict(DOCS)
    assert "as long as it gets" in Path(ended["patch"]).read_text()
