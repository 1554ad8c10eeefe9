"""The native runner: against the real compiler, and against programs that pretend to be one and misbehave."""

import json
import os
import signal
import stat
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from policyloop.bundle import Bundle
from policyloop.cerbos.run import Runner, Trouble
from policyloop.errors import PolicyloopError, Unavailable
from policyloop.validators.native import NativeRunner

POLICY = """\
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: doc
  version: default
  rules:
    - actions: [view]
      effect: EFFECT_ALLOW
      roles: [user]
    - actions: [view]
      effect: EFFECT_DENY
      roles: [user]
      condition: {match: {expr: R.attr.secret == true}}
"""
SUITE = """\
name: docs
principals: {ann: {id: ann, roles: [user]}}
resources: {one: {id: one, kind: doc}}
tests:
  - name: view
    input: {principals: [ann], resources: [one], actions: [view]}
    expected: [{principal: ann, resource: one, actions: {view: EFFECT_ALLOW}}]
"""
BUNDLE = Bundle({"doc.yaml": POLICY, "doc_test.yaml": SUITE})


def overall(stdout: bytes) -> str:
    return str(json.loads(stdout)["summary"]["overallResult"])


def test_normal_and_strict_pass_judge_differently_side_by_side(cerbos: Runner) -> None:
    with cerbos.stage(BUNDLE) as staged:
        strict: list[int | None] = []
        thread = threading.Thread(target=lambda: strict.append(staged.compile(strict=True).exit_code))
        thread.start()
        normal = staged.compile()
        thread.join()
    assert (normal.exit_code, overall(normal.stdout), strict) == (0, "RESULT_PASSED", [4])


def test_verbose_and_filters_reach_the_compiler(cerbos: Runner) -> None:
    failing = Bundle(
        {"doc.yaml": POLICY, "doc_test.yaml": SUITE.replace("{view: EFFECT_ALLOW}", "{view: EFFECT_DENY}")}
    )
    with cerbos.stage(failing) as staged:
        verbose = staged.compile(verbose=True)
        filtered = staged.compile(filters=["principal=nobody"])
    assert verbose.exit_code == 4
    assert b"engineTrace" in verbose.stdout
    assert filtered.exit_code == 0


def test_info_names_version_runner_and_hash(cerbos: Runner) -> None:
    assert (cerbos.info.version, cerbos.info.runner) == ("0.55.0", "native")
    assert len(cerbos.info.digest.removeprefix("sha256:")) == 64


def test_odd_names_are_laid_out_and_folders_of_git_are_not(cerbos: Runner) -> None:
    broken = "this: is not a policy"
    odd = Bundle({"a b/pølicy \n🙂.yaml": POLICY, "a b/doc_test.yaml": SUITE, ".git/x_test.yaml": broken})
    with cerbos.stage(odd) as staged:
        assert staged.compile().exit_code == 0


def test_empty_bundle_compiles(cerbos: Runner) -> None:
    with cerbos.stage(Bundle({})) as staged:
        assert staged.compile().exit_code == 0


@pytest.mark.parametrize("path", ["../x.yaml", "/etc/x.yaml", "a//b.yaml", "a/./b.yaml", "nul\0.yaml"])
def test_a_path_out_of_the_directory_is_never_written(cerbos: Runner, path: str) -> None:
    with pytest.raises(PolicyloopError, match="not a path inside"), cerbos.stage(Bundle({path: POLICY})):
        pass


def test_a_schema_on_the_network_is_not_loaded(cerbos: Runner, tmp_path: Path) -> None:
    """In Docker there is no network; the native runner must not let a policy reach even this machine's own ports."""
    seen = tmp_path / "seen"
    code = f"""
        import http.server, pathlib
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                pathlib.Path({str(seen)!r}).touch()
                self.send_response(200); self.end_headers(); self.wfile.write(b'{{"type": "object"}}')
        server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        print(server.server_port, flush=True)
        server.serve_forever()
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        port = server.stdout.readline().strip()
        schemas = f"  schemas: {{resourceSchema: {{ref: 'http://127.0.0.1:{port}/s.json'}}}}\n"
        try:
            with cerbos.stage(Bundle({"doc.yaml": POLICY + schemas, "doc_test.yaml": SUITE})) as staged:
                run = staged.compile()
        finally:
            server.kill()
    if subprocess.run(["unshare", "--map-root-user", "--net", "true"], check=False, capture_output=True).returncode:
        pytest.skip("this system has no empty network to offer")
    assert not seen.exists()
    assert run.exit_code == 3


@pytest.fixture(autouse=True)
def own_cache(cerbos: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is remembered about pretenders stays in this test."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where bundles get laid out in this test; nothing may be left there."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert list(folder.iterdir()) == []


def pretender(folder: Path, body: str, version: str = "0.55.0") -> Path:
    """A program that says it is Cerbos and then does `body`."""
    program = folder / "cerbos"
    head = f"#!{sys.executable}\nimport os, signal, subprocess, sys, time\n"
    answer = f"if '--version' in sys.argv:\n    print({version!r}); sys.exit()\n"
    program.write_text(head + answer + textwrap.dedent(body))
    program.chmod(0o755)
    return program


def gone(pid: int) -> bool:
    """Whether the process ends up dead; killed processes need a moment to go."""
    for _ in range(200):
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize(
    "body",
    [
        "time.sleep(600)",
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.signal(signal.SIGINT, signal.SIG_IGN); time.sleep(600)",
        "os.close(1); os.close(2); time.sleep(600)",
        "while True: print('x', flush=True); time.sleep(0.05)",
        "subprocess.Popen(['sleep', '600']); time.sleep(600)",
    ],
    ids=["hangs", "ignores signals", "closes its streams and hangs", "dribbles", "hangs with a child"],
)
def test_one_that_hangs_is_ended_at_the_limit(tmp_path: Path, scratch: Path, body: str) -> None:
    note = tmp_path / "pid"
    runner = NativeRunner(pretender(tmp_path, f"open({str(note)!r}, 'w').write(str(os.getpid()))\n{body}"), 1.0)
    with runner.stage(BUNDLE) as staged:
        run = staged.compile()
    assert (run.trouble, run.exit_code) == (Trouble.TIMEOUT, None)
    assert gone(int(note.read_text()))


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_one_that_floods_is_ended(tmp_path: Path, scratch: Path, stream: str) -> None:
    program = pretender(tmp_path, f"while True: sys.{stream}.write('x' * 65536)")
    with NativeRunner(program, 30, output_bytes=1_000_000).stage(BUNDLE) as staged:
        run = staged.compile()
    assert (run.trouble, run.exit_code) == (Trouble.FLOOD, None)
    assert max(len(run.stdout), len(run.stderr)) == 1_000_000


def test_children_left_behind_are_ended_and_not_waited_for(tmp_path: Path, scratch: Path) -> None:
    note = tmp_path / "pid"
    body = f"""
        child = subprocess.Popen(['sleep', '600'])
        open({str(note)!r}, 'w').write(str(child.pid))
        print('{{}}')
    """
    with NativeRunner(pretender(tmp_path, body), 60).stage(BUNDLE) as staged:
        run = staged.compile()
    assert (run.exit_code, run.stdout, run.trouble) == (0, b"{}\n", None)
    assert gone(int(note.read_text()))


def test_a_crash_keeps_its_code_and_words_apart(tmp_path: Path, scratch: Path) -> None:
    body = "print('half of'); os.write(2, b'panic: \\xff'); sys.exit(2)"
    with NativeRunner(pretender(tmp_path, body), 30).stage(BUNDLE) as staged:
        run = staged.compile()
    assert (run.exit_code, run.stdout, run.stderr, run.trouble) == (2, b"half of\n", "panic: \ufffd", None)


def test_death_by_a_signal_is_no_success(tmp_path: Path, scratch: Path) -> None:
    with NativeRunner(pretender(tmp_path, "os.kill(os.getpid(), signal.SIGSEGV)"), 30).stage(BUNDLE) as staged:
        assert staged.compile().exit_code == -signal.SIGSEGV


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
def test_processor_time_is_limited_for_one_that_outlives_us(tmp_path: Path, scratch: Path) -> None:
    body = "import resource; time.sleep(0.3); print(resource.getrlimit(resource.RLIMIT_CPU)[0])"
    with NativeRunner(pretender(tmp_path, body), 30).stage(BUNDLE) as staged:
        assert int(staged.compile().stdout) == 30 * (os.cpu_count() or 1) + 1


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
def test_memory_is_limited(tmp_path: Path, scratch: Path) -> None:
    body = """
        time.sleep(0.3)
        try: b = bytearray(600_000_000)
        except MemoryError: sys.exit(9)
    """
    with NativeRunner(pretender(tmp_path, body), 30, memory_bytes=300_000_000).stage(BUNDLE) as staged:
        assert staged.compile().exit_code == 9


def test_it_sees_nothing_of_ours(tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "a-secret")
    body = """
        print(sorted(os.environ), repr(sys.stdin.read()), os.getsid(0) in (os.getpid(), os.getppid()))
        print(oct(os.stat(sys.argv[-1]).st_mode), oct(os.stat(os.path.dirname(sys.argv[-1])).st_mode))
    """
    with NativeRunner(pretender(tmp_path, body), 30).stage(BUNDLE) as staged:
        said = staged.compile().stdout.decode()
    assert "ANTHROPIC" not in said
    assert "CERBOS_NO_TELEMETRY" in said
    assert "'' True" in said
    assert said.count(oct(stat.S_IFDIR | 0o700)) == 2


def test_leaving_the_stage_ends_what_still_runs(tmp_path: Path, scratch: Path) -> None:
    """As on Ctrl-C: the main thread leaves while a pass is under way in another."""
    note = tmp_path / "pid"
    program = pretender(tmp_path, f"open({str(note)!r}, 'w').write(str(os.getpid())); time.sleep(600)")
    with NativeRunner(program, 600).stage(BUNDLE) as staged:
        thread = threading.Thread(target=staged.compile)
        thread.start()
        while not (note.exists() and note.read_text()):
            time.sleep(0.01)
    thread.join(10)
    assert not thread.is_alive()
    assert gone(int(note.read_text()))
    with pytest.raises(Unavailable, match="stopped"):
        staged.compile()


def test_a_compiler_does_not_outlive_a_run_that_is_killed(tmp_path: Path) -> None:
    if subprocess.run(["setpriv", "--pdeathsig", "KILL", "true"], check=False, capture_output=True).returncode:
        pytest.skip("this system has no leash to offer")
    note = tmp_path / "pid"
    program = pretender(tmp_path, f"open({str(note)!r}, 'w').write(str(os.getpid())); time.sleep(600)")
    code = f"""
        import pathlib, tempfile
        from policyloop.bundle import Bundle
        from policyloop.validators.native import NativeRunner
        tempfile.tempdir = {str(tmp_path)!r}
        with NativeRunner(pathlib.Path({str(program)!r}), 600).stage(Bundle({{}})) as staged:
            staged.compile()
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)]) as run:
        while not (note.exists() and note.read_text()):
            assert run.poll() is None
            time.sleep(0.01)
        run.kill()
    assert gone(int(note.read_text()))


def test_what_a_killed_run_left_is_swept(cerbos: Runner, tmp_path: Path, scratch: Path) -> None:
    dead, live = scratch / "policyloop-stage-dead", None
    dead.mkdir()
    (dead / "policies").mkdir()
    os.utime(dead, (1, 1))
    with cerbos.stage(BUNDLE) as outer:
        live = next(path for path in scratch.iterdir() if path != dead)
        os.utime(live, (1, 1))
        with cerbos.stage(BUNDLE):
            assert live.exists()
        assert outer.compile().exit_code == 0
    assert not dead.exists()


def test_another_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"is Cerbos 0\.51\.0, but 0\.55\.0 is the pinned"):
        NativeRunner(pretender(tmp_path, "", version="0.51.0"), 30)


def test_a_changed_binary_is_looked_at_again(tmp_path: Path) -> None:
    first = NativeRunner(pretender(tmp_path, "pass"), 30).info.digest
    second = NativeRunner(pretender(tmp_path, "pass # other"), 30).info.digest
    assert first != second
    with pytest.raises(Unavailable, match="pinned compiler"):
        NativeRunner(pretender(tmp_path, "pass", version="0.54.0"), 30)


@pytest.mark.parametrize("what", ["absent", "a folder", "no program", "wrong format", "silent"])
def test_what_cannot_run_is_one_sentence(tmp_path: Path, what: str) -> None:
    program = tmp_path / "cerbos"
    if what == "a folder":
        program.mkdir()
    elif what != "absent":
        program.write_bytes(b"\x7fELF nonsense" if what == "wrong format" else b"#!/bin/sh\n")
        program.chmod(0o644 if what == "no program" else 0o755)
    with pytest.raises(Unavailable) as caught:
        NativeRunner(program, 30)
    assert "cerbos" in str(caught.value)
    assert caught.value.exit_code == 8


def test_a_binary_that_vanishes_is_unavailable(tmp_path: Path, scratch: Path) -> None:
    program = pretender(tmp_path, "pass")
    with NativeRunner(program, 30).stage(BUNDLE) as staged:
        program.unlink()
        with pytest.raises(Unavailable, match="cannot be started"):
            staged.compile()


def test_a_disk_that_says_no_is_one_sentence(cerbos: Runner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "not there"))
    with pytest.raises(Unavailable, match="cannot be laid out"), cerbos.stage(BUNDLE):
        pass


def test_last_words_between_two_looks_are_not_lost(tmp_path: Path, monkeypatch):
    """The program speaks and ends just after its streams were found silent and just before it is found gone."""
    from policyloop.validators import process as running

    mark = tmp_path / "go"
    late = tmp_path / "late"
    late.write_text(f"#!/bin/sh\nwhile [ ! -e {mark} ]; do sleep 0.01; done\nprintf words\n")
    late.chmod(0o755)
    found_gone = running._has_ended

    def speaks_first(child: subprocess.Popen[bytes]) -> bool:
        mark.touch()
        while not found_gone(child):
            time.sleep(0.01)
        return True

    monkeypatch.setattr(running, "_has_ended", speaks_first)
    ended = running.Processes().run(
        [str(late)], environment={"PATH": os.environ["PATH"]}, directory=tmp_path, limits=running.Limits(30, 1000)
    )
    assert ended.stdout == b"words"
