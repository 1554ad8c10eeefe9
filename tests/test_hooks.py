"""The hooks: what an agent may do while a session is open, and what it may not, however it is written."""

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from command import DOCS, FIXED, POLICY, SUITE, environment, lay, picture, policyloop
from policyloop.hooks.bash import NotPlain, tokens, while_none, while_open
from policyloop.hooks.verdict import Fault, Verdict
from policyloop.session.home import OPEN, STOPPED, Entry
from sessions import CLAUDE, OTHER, Room, decision, said

ENTRY = Entry("20260101-000000-abcd", OPEN, "/p/policies", "/p/s.yaml", CLAUDE, "0", "0", "FIX", "FIX: x", 10, 3, 0)

DENIED = [
    *r"""
rm -rf policies
rm policies/doc_test.yaml
mv policies/doc_test.yaml /tmp/x
cp /tmp/weak.yaml policies/doc_test.yaml
truncate -s 0 policies/doc_test.yaml
sed -i s/DENY/ALLOW/ policies/doc_test.yaml
sed -n 1,5p policies/doc_test.yaml
echo x > policies/doc_test.yaml
echo x >> policies/doc_test.yaml
cat policies/doc.yaml | tee policies/doc_test.yaml
cat a; rm b
cat a && rm b
cat a || rm b
cat a & rm b
ls $(rm b)
ls `rm b`
ls "$(rm b)"
ls "`rm b`"
ls <(rm b)
(rm b)
{ rm b; }
! rm b
FOO=bar ls
XDG_STATE_HOME=/tmp/x policyloop session status
env ls
sudo cat x
command rm b
exec rm b
eval ls
bash -c 'rm b'
sh x.sh
./policyloop session step
/tmp/evil/policyloop session step
python3 -c 'open("x","w")'
node -e 1
perl -e 1
xargs rm
find . -delete
find . -name '*_test.yaml' -exec rm {} ;
find . -name '*_test.yaml' '-exec' rm '{}' ';'
find . -fprint /tmp/x
find . -ok rm x
git status
git diff
git log --oneline
git log --format=%G?
git show HEAD:policies/doc.yaml
git blame policies/doc.yaml
git ls-files -m
git checkout -- policies
git -c core.pager=evil log
git -C /elsewhere status
git --git-dir=x status
git diff --output=policies/doc_test.yaml
git diff --ext-diff
git log --output x
git difftool
git grep -Oevil x
git stash
git commit -m x
git config alias.x '!rm b'
git apply x.patch
git show --textconv HEAD
rg --pre evil x
rg --hostname-bin=evil x
sort -o policies/doc_test.yaml x
uniq a b
tree -o x
date -s now
awk 'BEGIN{system("rm b")}'
dd if=/dev/zero of=x
ln -s / policies/root
touch policies/x.yaml
mkdir x
chmod -R 777 .
kill 1
curl -o x http://localhost
npm i
make
cerbos compile policies
"rm" b
'rm' b
r\m b
r'm' b
ls *
grep x -*
ls [-]x
cat a #b
=ls
ls {a,b}
ls a"b
policyloop session step | head
policyloop session step && policyloop session end
policyloop session start --policies policies
policyloop session step --claude-session other
policyloop session step -- x
policyloop hook stop
""".strip().splitlines(),
    "ls\nrm b",
    "ls \r rm b",
    "ls\u2028rm b",
    "",
    "   ",
    "ls\xa0x",
    "ls \x00",
    "cat 'a\nb'",
    "x" * 11000,
]

ALLOWED = r"""
ls
ls -la policies
cat policies/doc.yaml
cat -n 'policies/doc test.yaml'
head -n 20 policies/doc.yaml
head -5 policies/doc.yaml
tail -20 policies/doc.yaml
wc -l policies/doc.yaml
pwd
cd policies
grep -rn EFFECT_DENY policies
grep -rnE 'a|b;c$(d)' policies
grep -n "a|b; (c) > d" policies/doc.yaml
grep --include='*.yaml' -r x policies
rg -n 'R.attr' policies
find policies -name '*_test.yaml' -type f
find . -maxdepth 2 -not -name x
diff -u a b
rg 'x' -g '*.yaml' policies
grep -m1 -A 2 -e x policies/doc.yaml
diff /dev/null policies/doc.yaml
echo /etc/passwd
cat policies/*.yaml
ls 2>&1
policyloop check policies
policyloop check policies --format json
policyloop guard HEAD policies
policyloop spec show
policyloop spec check --policies policies
policyloop show
policyloop --version
policyloop session --help
""".strip().splitlines()

BOUND = ["step", "status", "restore", "step --dispute 'rule 3; says (so)'", "step --policies policies --format json"]

PERSONAL = """
policyloop session end
policyloop session end --policies policies
policyloop session start --anew --policies policies
policyloop session start --policies policies --tests-as-they-are --anew
policyloop spec confirm --by me --yes
policyloop harden
policyloop run --policies policies
policyloop run --release x --policies policies
policyloop check policies --config evil.yaml
policyloop check policies --state /tmp
policyloop show --html policies/doc_test.yaml
policyloop doctor --install
policyloop spec suites policies
policyloop demo
policyloop spec confirm --yes --by --help
policyloop session end --policies -h
policyloop session start --anew --policies p x --claude-session --help
""".strip().splitlines()


QUESTION = {"session_id": CLAUDE, "cwd": "/p"}


def of_bash(line: str, entry: Entry = ENTRY, **more: object) -> Verdict | None:
    return while_open({"command": line, **more}, QUESTION, entry, ())


@pytest.mark.parametrize("line", DENIED)
def test_a_line_that_could_change_something_is_denied(line: str) -> None:
    if not line:
        with pytest.raises(Fault):
            of_bash(line)
        return
    verdict = of_bash(line)
    assert verdict is not None
    assert verdict.decision == "deny"
    assert verdict.reason
    stopped = of_bash(line, ENTRY._replace(phase=STOPPED))
    assert stopped is not None
    assert stopped.decision == "deny"


@pytest.mark.parametrize("line", ALLOWED)
def test_a_line_that_only_reads_is_left_to_the_usual_permissions(line: str) -> None:
    assert of_bash(line) is None


@pytest.mark.parametrize("line", BOUND)
def test_a_command_of_the_session_gets_the_id_it_belongs_to(line: str) -> None:
    verdict = of_bash(f"policyloop session {line}")
    assert verdict == Verdict(None, updated={"command": f"policyloop session {line} --claude-session {CLAUDE}"})


def test_a_session_is_started_where_the_hooks_look_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/some where")
    line = "policyloop session start --policies p"
    added = " --hooks-home '/some where/policyloop'"
    bound = f"{line} --claude-session {CLAUDE}"
    assert while_none(line, CLAUDE, ()) == Verdict(None, updated={"command": bound + added})
    assert while_none(bound, CLAUDE, ()) == Verdict(None, updated={"command": bound + added})
    forged = while_none(line + added, CLAUDE, ())
    assert forged is not None
    assert (forged.decision, "leave --hooks-home out" in forged.reason) == ("deny", True)


@pytest.mark.parametrize("line", PERSONAL)
def test_what_is_for_a_person_is_asked(line: str) -> None:
    verdict = of_bash(line)
    assert verdict is not None
    assert verdict.decision == "ask"


def test_a_wrapper_is_policyloop_where_the_hook_was_told_so() -> None:
    line = {"command": "/opt/x/policyloop check p"}
    assert while_open(line, QUESTION, ENTRY, ("/opt/x/policyloop",)) is None


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ls policyloop", None),
        ("rm -rf policyloop", None),
        ("policyloop check policies | head", None),
        ("policyloop doctor --install", None),
        ("policyloop run --policies p", None),
        ("policyloop run --policies p --yes", "ask"),
        ("policyloop spec confirm --by x", "ask"),
        ("cd x && policyloop spec confirm --by x --yes", "ask"),
        ("bash -c 'policyloop harden'", "ask"),
        ("policyloop session end", "ask"),
        ("policyloop session start --policies p --unguarded", "ask"),
        ("policyloop session start --policies p --anew", "ask"),
        ("policyloop session start --policies p; true", "deny"),
        ("CLAUDE_CODE_SESSION_ID=x policyloop session start --policies p", "deny"),
        ("env XDG_STATE_HOME=/tmp policyloop session start --policies p", "deny"),
        ("policyloop session start --claude-session other --policies p", "deny"),
        ("policyloop session start --claude-session=other --policies p", "deny"),
    ],
)
def test_without_a_session_only_what_would_get_round_one_is_looked_at(line: str, expected: str | None) -> None:
    verdict = while_none(line, CLAUDE, ())
    assert (verdict.decision if verdict else None) == expected


@pytest.mark.parametrize(
    "line", ['policy""loop session end', "policy\\loop spec confirm --by x --yes", "POLICYLOOP session end"]
)
def test_without_a_session_the_name_is_seen_however_it_is_written(opened: Room, line: str) -> None:
    assert decision(opened.ask("Bash", {"command": line}, claude=OTHER)) == "ask"


def test_the_words_of_a_plain_line_are_those_that_bash_reads() -> None:
    """A differential test: whatever we take for one plain command, bash reads as the same words, and as one command."""
    chance = random.Random(20260101)
    alphabet = [*list("ab-/.=,:@%+_ \t'\"\\$`;|&<>(){}[]*?!#~^\n"), "2>&1", "''", '""', " '", ' "', "a b", "é"]
    lines = ["".join(chance.choices(alphabet, k=chance.randint(1, 9))) for _ in range(60_000)]
    plain = {}
    for line in lines:
        try:
            found = tokens(line)
        except NotPlain:
            continue
        if found and "~" not in line:
            plain[line] = found
    assert len(plain) > 2_000
    # Globbing is off: which names a pattern stands for is no question of words.
    script = "set -f\nshow() { printf '%s\\0' \"$@\"; printf '\\1'; }\n" + "".join(
        f"show {line.strip()}\n" for line in plain
    )
    done = subprocess.run(["bash", "--norc"], input=script.encode(), capture_output=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, b"")
    read = [part.split(b"\0")[:-1] for part in done.stdout.split(b"\1")[:-1]]
    assert [[word.decode() for word in words] for words in read] == list(plain.values())


# --- edits ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory, cerbos: object) -> Room:
    """A red project with an open session; a test leaves it as it found it."""
    room = Room.made(tmp_path_factory.mktemp("hooks"))
    lay({"README.md": "x\n", ".git/config": "x\n", ".claude/settings.json": "{}\n"}, room.project)
    (room.project / "elsewhere").mkdir()
    (room.folder / "linked").symlink_to(room.project)
    assert room.start().code == 0
    return room


def of_edit(room: Room, path: str | Path, tool: str = "Write", **given: object) -> str | None:
    key = "notebook_path" if tool == "NotebookEdit" else "file_path"
    return decision(room.ask(tool, {key: str(path), **(given or {"content": "x\n"})}))


def test_where_an_edit_may_go(opened: Room) -> None:
    inside, project = opened.policies, opened.project
    for path in (
        inside / "doc.yaml",
        inside / "sub" / "new.yaml",
        "policies/doc.yaml",
        "./policies/../policies/doc.yaml",
    ):
        assert of_edit(opened, path) is None, path
    assert of_edit(opened, opened.folder / "linked" / "policies" / "doc.yaml") is None, "another name of the same file"
    assert of_edit(opened, project / "policyloop.spec.yaml") is None


@pytest.mark.parametrize("claude", [CLAUDE, OTHER])
def test_who_confirms_a_spec_by_hand_is_asked_about(opened: Room, claude: str) -> None:
    spec = opened.project / "policyloop.spec.yaml"
    old = "version: 1\nrequest: a\nconfirmed:\n  by: someone\n  digest: abc\n"

    def asked(tool: str = "Write", **given: object) -> str | None:
        return decision(opened.ask(tool, {"file_path": str(spec), **given}, claude=claude))

    assert asked(content="version: 1\nrequest: a\n") is None
    for disguise in (
        "confirmed:\n  by: me\n",
        '"c\\u006fnfirmed": {by: me}\n',
        '"con\\\nfirmed": x\n',
        "? confirmed\n: x\n",
    ):
        assert asked(content="version: 1\n" + disguise) == "ask", disguise
    assert asked(content="{version: 1, request: a}") == "ask"
    spec.write_text(old)
    try:
        assert asked(content=old.replace("request: a", "request: b")) is None, "it is not confirmed any more"
        assert asked("Edit", old_string="request: a", new_string="request: b") is None
        assert asked("Edit", old_string="digest: abc", new_string="digest: abd") == "ask"
        assert asked("Edit", old_string="abc", new_string="abd") == "ask"
        spec.write_text(old.replace("confirmed", "confXrmed"))
        assert asked("Edit", old_string="X", new_string="i") == "ask", "in two edits"
    finally:
        spec.unlink()


def test_what_a_session_is_to_start_from_is_for_a_person_to_write(opened: Room, tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "deep" / "er")
    given = {"content": "budget: {compile_cycles: 1000}\n"}
    for path, expected in (
        ("policyloop.yaml", "ask"),
        (str(opened.project / "PolicyLoop.yaml"), "ask"),
        ("my-policyloop.yaml", None),
        (f"{tmp_path}/link/../policyloop.spec.yaml", "ask"),
    ):
        assert decision(opened.ask("Write", {"file_path": path, **given}, claude=OTHER)) == expected, path


OUTSIDE = [
    "README.md",
    "policyloop.yaml",
    "policies/../README.md",
    "policies/../../x.yaml",
    "policies",
    "policies2/doc.yaml",
    "policies/.git/config",
    "policies/.GIT/hooks/x.yaml",
    "policies/.policyloop/x.yaml",
    "policies/.Claude/settings.json",
    "policies/.policyloop-writeback",
    ".claude/settings.json",
    ".CLAUDE/settings.local.json",
    ".policyloop/runs/x.json",
    ".git/hooks/pre-commit",
    "~/.bashrc",
    "~/.claude/settings.json",
    "~root/x.yaml",
    "/etc/passwd",
    " policies/doc.yaml",
    "policies/doc.yaml ",
    "policies/doc.yaml\n",
    "policies/\u202edoc.yaml",
    "policies/doc\u0000.yaml",
    "policies/Doc.yaml",
    "policies/d\u043ec.yaml",
    "policies/doc.yaml/x.yaml",
    "policies/.hidden.yaml",
    "policies/x.sh",
    "policies/HEAD",
    "policies/.gitattributes",
    "policies/CLAUDE.md",
    "policies/-rf.yaml",
    "policies/testdata/*.yaml",
    "policies/a:b.yaml",
    "file:///etc/passwd",
]


@pytest.mark.parametrize("path", OUTSIDE)
def test_where_an_edit_may_not_go(opened: Room, path: str) -> None:
    assert of_edit(opened, path) == "deny"
    assert of_edit(opened, path, "Edit", old_string="", new_string="x") == "deny"


def test_links_are_followed_before_it_is_decided(opened: Room) -> None:
    link = opened.policies / "link"
    link.symlink_to(opened.project / "elsewhere")
    try:
        assert of_edit(opened, "policies/link/x.yaml") == "deny"
        assert of_edit(opened, "policies/link/../doc.yaml") == "deny", "by its name it is inside, by the link it is not"
    finally:
        link.unlink()


def test_a_relative_path_is_taken_from_where_the_client_is(opened: Room) -> None:
    question: dict[str, Any] = {"file_path": "doc.yaml", "content": "x\n"}
    assert decision(opened.ask("Write", question, cwd=str(opened.policies))) is None
    assert decision(opened.ask("Write", question)) == "deny"


def test_an_edit_that_weakens_a_locked_test_is_denied_by_name(opened: Room) -> None:
    suite = opened.policies / "doc_test.yaml"
    strangers = "{read: EFFECT_DENY, write: EFFECT_DENY}"
    weaker = strangers.replace("write: EFFECT_DENY", "write: EFFECT_ALLOW")
    answer = opened.ask("Edit", {"file_path": str(suite), "old_string": strangers, "new_string": weaker})
    assert decision(answer) == "deny"
    assert "Docs / strangers: bob write hers: expectation changed" in said(answer)["permissionDecisionReason"]
    for tool, given in {
        "Write": {"content": SUITE.replace(strangers, weaker)},
        "MultiEdit": {
            "edits": [
                {"old_string": "strangers", "new_string": "others"},
                {"old_string": strangers, "new_string": weaker},
            ]
        },
        "Edit": {"old_string": "EFFECT_DENY", "new_string": "EFFECT_ALLOW", "replace_all": True},
    }.items():
        assert of_edit(opened, suite, tool, **given) == "deny"
    assert of_edit(opened, suite, "Write", content="") == "deny"
    assert (
        of_edit(opened, suite, "Write", content=SUITE.replace("name: strangers", "name: strangers\n    skip: true"))
        == "deny"
    )
    assert of_edit(opened, suite, "Edit", old_string="not there", new_string="x") == "deny"
    assert of_edit(opened, suite, "Edit", old_string="EFFECT_DENY", new_string="x") == "deny", "which of them?"
    people = opened.policies / "testdata" / "principals.yaml"
    assert of_edit(opened, people, "Edit", old_string="bob: {id: bob", new_string="bob: {id: alice") == "deny"


def test_an_edit_that_keeps_the_lock_is_not_held_up(opened: Room) -> None:
    suite = opened.policies / "doc_test.yaml"
    more = SUITE + "  - name: more\n    input: {principals: [bob], resources: [his], actions: [read]}\n"
    more += "    expected: [{principal: bob, resource: his, actions: {read: EFFECT_ALLOW}}]\n"
    assert of_edit(opened, suite, "Write", content=more) is None
    assert of_edit(opened, suite, "Edit", old_string="name: strangers", new_string="name: other people") is None
    assert of_edit(opened, opened.policies / "new_test.yaml", "Write", content=SUITE.replace("Docs", "New")) is None


def test_a_test_of_the_agents_own_is_held_once_it_has_passed_a_step(tmp_path: Path, cerbos) -> None:
    room = Room.made(tmp_path)
    assert room.start().code == 0
    mine = room.policies / "mine_test.yaml"
    passes, fails = (
        f"  - name: {name}\n    input: {{principals: [bob], resources: [his], actions: [{action}]}}\n"
        f"    expected: [{{principal: bob, resource: his, actions: {{{action}: {effect}}}}}]\n"
        for name, action, effect in (("passes", "read", "EFFECT_ALLOW"), ("fails", "read", "EFFECT_DENY"))
    )
    mine.write_text(SUITE[: SUITE.index("tests:")].replace("Docs", "Mine") + "tests:\n" + passes + fails)
    assert room.step().json["next"] == "FIX"
    answer = room.ask("Edit", {"file_path": str(mine), "old_string": passes, "new_string": ""})
    assert "Mine / passes: bob read his" in said(answer)["permissionDecisionReason"]
    assert of_edit(room, mine, "Edit", old_string=fails, new_string="") is None


def test_what_is_weaker_already_can_be_mended_step_by_step(opened: Room) -> None:
    suite = opened.policies / "doc_test.yaml"
    suite.write_text(SUITE.replace("EFFECT_DENY", "EFFECT_ALLOW"))
    try:
        change = {"old_string": "{read: EFFECT_ALLOW, write: EFFECT_ALLOW}}\n  - name: str", "new_string": "x"}
        assert of_edit(opened, suite, "Edit", **change) == "deny", "worse than it is"
        assert (
            of_edit(opened, suite, "Write", content=SUITE.replace("write: EFFECT_DENY", "write: EFFECT_ALLOW")) is None
        )
        assert of_edit(opened, suite, "Write", content=SUITE) is None
    finally:
        suite.write_text(SUITE)


@pytest.mark.parametrize(
    ("tool", "given", "expected"),
    [
        ("mcp__files__write_file", {"path": "/x/y", "content": "z"}, "deny"),
        ("mcp__shell__run", {"line": "ls"}, "deny"),
        ("mcp__tracker__get", {"number": 3}, "deny"),
        ("NotebookEdit", {"notebook_path": "policies/x.ipynb", "new_source": ""}, "deny"),
        ("PowerShell", {"command": "ls"}, "deny"),
        ("Monitor", {"command": "ls"}, "deny"),
        ("EnterWorktree", {}, "deny"),
        ("CronCreate", {"cron": "* * * * *", "prompt": "go on", "durable": True}, "deny"),
        ("ScheduleWakeup", {"delaySeconds": 60, "prompt": "go on"}, "deny"),
        ("RemoteTrigger", {"action": "run"}, "deny"),
        ("Workflow", {"script": "x"}, "deny"),
        ("SendMessage", {"to": "x", "message": "y"}, "deny"),
        ("Skill", {"skill": "evil"}, "deny"),
        ("WebFetch", {"url": "http://127.0.0.1/"}, "deny"),
        ("ReadMcpResourceTool", {"server": "x", "uri": "file:///etc/passwd"}, "deny"),
        ("SomethingNew", {}, "deny"),
        ("read", {"file_path": "policies/doc.yaml"}, "deny"),
        ("Read", {"file_path": "policies/doc.yaml"}, None),
        ("Read", {"file_path": "policies/doc.yaml", "run": "x"}, "deny"),
        ("TodoWrite", {"todos": []}, None),
        ("TaskUpdate", {"taskId": "1", "status": "completed"}, None),
        ("TaskUpdate", {"taskId": "1", "owner": "other"}, "deny"),
        ("AskUserQuestion", {"questions": []}, None),
        ("ToolSearch", {"query": "select:Monitor"}, None),
        ("Agent", {"prompt": "x", "description": "d", "subagent_type": "Explore"}, None),
        ("Agent", {"prompt": "x", "isolation": "worktree"}, "deny"),
        ("Agent", {"prompt": "x", "isolation": "remote"}, "deny"),
        ("Agent", {"prompt": "x", "team_name": "t", "name": "n"}, "deny"),
        ("Agent", {"prompt": "x", "subagent_type": "my-own"}, "deny"),
    ],
)
def test_other_tools(opened: Room, tool: str, given: dict[str, Any], expected: str | None) -> None:
    assert decision(opened.ask(tool, given)) == expected
    assert decision(opened.ask(tool, given, agent_id="a1", agent_type="Explore")) == expected, "a subagent, too"
    assert decision(opened.ask(tool, given, claude=OTHER)) is None, "not this session's"


def test_another_session_is_left_alone(opened: Room) -> None:
    for tool, given in (("Bash", {"command": "rm -rf /"}), ("Write", {"file_path": "/etc/passwd", "content": "x"})):
        done = opened.ask(tool, given, claude=OTHER)
        assert (done.code, done.out, done.err) == (0, "", "")
    done = opened.stop(OTHER)
    assert (done.code, done.out, done.err) == (0, "", "")


# --- the end of a turn ------------------------------------------------------------------------------------------------


def test_a_turn_does_not_end_while_there_is_work_and_budget(tmp_path: Path, cerbos: object) -> None:
    room = Room.made(tmp_path)
    room.start()
    blocked = [room.stop().json for _ in range(3)]
    assert {one["decision"] for one in blocked} == {"block"}
    assert "expected EFFECT_DENY, got EFFECT_ALLOW" in blocked[0]["reason"]
    assert "NOT green" in room.stop().json["systemMessage"], "three times without a step are enough"

    lay({"doc.yaml": POLICY + "# tried\n"}, room.policies)
    room.step()
    assert room.stop().json["decision"] == "block"
    lay({"doc.yaml": FIXED}, room.policies)
    assert room.step().json["next"] == "GREEN"
    assert room.stop().out == ""
    assert decision(room.ask("Bash", {"command": "rm -rf x"})) == "deny", "green, and nobody has taken over"


def test_a_stop_is_blocked_no_more_often_than_there_are_cycles(tmp_path: Path, cerbos: object) -> None:
    room = Room.made(tmp_path)
    lay({"policyloop.yaml": "budget: {compile_cycles: 4, attempts_per_class: 2}\n"}, room.project)
    room.start()
    blocked = 0
    for number in range(3):
        answers = [room.stop() for _ in range(3)]
        blocked += sum("decision" in answer.json for answer in answers if answer.out)
        lay({"doc.yaml": POLICY + f"# {number}\n"}, room.policies)
        room.step()
    assert blocked == 4


def test_after_stop_nothing_is_edited_until_a_person_ends_it(tmp_path: Path, cerbos: object) -> None:
    room = Room.made(tmp_path)
    room.start()
    room.step("--dispute", "no")
    assert room.stop().out == ""
    assert of_edit(room, "policies/doc.yaml") == "deny"
    assert decision(room.ask("Bash", {"command": "rm x"})) == "deny"
    assert decision(room.ask("Bash", {"command": "policyloop session end"})) == "ask"
    room.session("end")
    assert of_edit(room, "policies/doc.yaml") is None


# --- broken hooks -----------------------------------------------------------------------------------------------------

GARBAGE = [
    b"",
    b"x",
    b"[]",
    b"null",
    b"\xff\xfe",
    b"{}",
    b'{"session_id": 3}',
    b'{"session_id": ""}',
    b'{"session_id": "%s"}' % CLAUDE.encode(),
    b'{"session_id": "%s", "tool_name": 3, "tool_input": {}}' % CLAUDE.encode(),
    b'{"session_id": "%s", "tool_name": "Bash"}' % CLAUDE.encode(),
    b'{"session_id": "%s", "tool_name": "Bash", "tool_input": []}' % CLAUDE.encode(),
    b'{"session_id": "%s", "tool_name": "Bash", "tool_input": {}}' % CLAUDE.encode(),
    b'{"session_id": "%s", "tool_name": "Edit", "tool_input": {"file_path": "x"}}' % CLAUDE.encode(),
    b'{"session_id": "%s", "tool_name": "Edit", "tool_input": {"file_path": "x"}, "cwd": "y"}' % CLAUDE.encode(),
    b"[" * 100_000,
]


@pytest.mark.parametrize("question", GARBAGE)
def test_what_cannot_be_understood_blocks_the_tool(opened: Room, question: bytes) -> None:
    done = opened.hook("pre-tool-use", question)
    assert (done.code, done.out, len(done.err.splitlines())) == (2, "", 1)


def test_a_stop_that_cannot_be_understood_is_let_go_and_seen(opened: Room) -> None:
    done = opened.hook("stop", b"x")
    assert (done.code, done.out, len(done.err.splitlines())) == (1, "", 1)


def test_a_record_that_was_touched_blocks_edits_of_tests(tmp_path: Path, cerbos: object) -> None:
    room = Room.made(tmp_path)
    room.start()
    for path in (room.home / "runs").rglob("ledger.jsonl"):
        path.unlink()
    assert of_edit(room, "policies/doc_test.yaml") == "deny"
    assert of_edit(room, "policies/doc.yaml") is None


def test_nobody_is_asked_where_a_model_answers_in_their_place(opened: Room) -> None:
    end = {"command": "policyloop session end"}
    assert decision(opened.ask("Bash", end)) == "ask"
    assert decision(opened.ask("Bash", end, permission_mode="auto")) == "deny"


def test_an_unknown_event_is_a_usage_error(opened: Room) -> None:
    assert opened.hook("post-tool-use", b"{}").code == 2
    assert policyloop("hook", "--help").code == 0


def test_the_quick_decision_imports_nothing_heavy(tmp_path: Path) -> None:
    room = Room.made(tmp_path)
    code = (
        "import sys, policyloop.__main__\n"
        "from policyloop.hooks import run\n"
        "run(['pre-tool-use'])\n"
        "heavy = {'typer', 'rich', 'pydantic', 'anthropic', 'yaml', 'ruamel', 'pathlib', 'dataclasses', 'asyncio'}\n"
        "print(sorted(heavy & (set(sys.modules) - before)))\n"
    )
    code = "import sys; before = set(sys.modules)\n" + code
    question = json.dumps({"session_id": CLAUDE, "tool_name": "Edit", "tool_input": {"file_path": "x"}, "cwd": "/"})
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=question.encode(),
        env=environment(**room.env),
        capture_output=True,
        check=True,
    )
    assert done.stdout.decode().strip() == "[]"


def test_nothing_was_written_by_all_these_questions(opened: Room) -> None:
    assert picture(opened.policies) == {path: text.encode() for path, text in DOCS.items()}
