"""What who has read our code tries: text that the shell runs and we skip, and calls that cost the server its life."""

import asyncio
import json
import re
import resource
import subprocess
import sys
from contextlib import closing
from itertools import accumulate
from pathlib import Path
from shutil import which
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit_logs import secrets_in
from policyloop.audit.log import Log
from policyloop.audit.store import open_reader
from policyloop.config.serving import ServeConfig
from policyloop.decide.parameters import _ends
from policyloop.decide.tools import effects_of_command
from policyloop.identity import Identities
from policyloop.serve.lines import Lines
from policyloop.serve.metrics import Metrics
from policyloop.serve.point import Point
from policyloop.serve.recording import Recorder
from policyloop.serve.refused import BUSY, Refused
from policyloop.shell.marks import QUEST, STAR

JUNK = st.lists(
    st.sampled_from(
        [
            "#",
            "#",
            "\\ ",
            "\\\t",
            "\\\n",
            "\\\\",
            " ",
            "\t",
            "\n",
            "a",
            "''",
            '"b"',
            "$x",
            ";",
            "&",
            "\f",
            "\v",
            "(",
            ")",
        ]
    ),
    max_size=7,
).map("".join)


@given(JUNK)
@settings(max_examples=60, deadline=None)
def test_what_the_shell_runs_behind_a_comment_sign_is_seen_or_nothing_is_believed(junk: str) -> None:
    text = f"echo {junk}; echo IT-RAN"
    ran = subprocess.run(
        [str(which("bash")), "-c", text], capture_output=True, text=True, check=False, env={"PATH": "/nowhere"}
    )
    if "IT-RAN" not in ran.stdout.split("\n"):
        return
    effects = effects_of_command(text)
    assert effects.unparsed or ("IT-RAN",) in [command.argv for command in effects.commands]


COSTLY = {
    "a text that doubles": "a=aaaaaaaa;" + "a=$a$a;" * 60,
    "a text that doubles by +=": "a=aaaaaaaa;" + "a+=$a;" * 60,
    "words that double": "set -- a a;" + 'set -- "$@" "$@";' * 60,
    "a list that doubles": "a=(a a);" + 'a+=("${a[@]}");' * 60,
    "loops without a command": "".join(f"for v{n} in {{1..16}}; do " for n in range(8)) + "x=1;" + " done;" * 8,
    "braces": "echo " + "{" * 50_000,
}


def _bounded() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (2 * 2**30,) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (60, 60))


def _in_a_process_of_its_own(texts: list[str]) -> list[dict[str, object]]:
    """What is said of each, by a process that ends where it would take the machine's memory or a minute."""
    code = (
        "import json, sys\n"
        "from policyloop.decide.tools import effects_of_command\n"
        "said = [effects_of_command(text) for text in json.load(sys.stdin)]\n"
        "print(json.dumps([{'unparsed': each.unparsed, 'unknown': each.unknown} for each in said]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=json.dumps(texts), capture_output=True, text=True, check=False,
        preexec_fn=_bounded,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-300:]
    said: list[dict[str, object]] = json.loads(done.stdout)
    return said


def test_what_would_take_all_memory_or_never_end_is_too_many() -> None:
    for name, said in zip(COSTLY, _in_a_process_of_its_own(list(COSTLY.values())), strict=True):
        assert said["unparsed"] == "too-many", name


def test_a_pattern_never_takes_more_than_its_text_times_its_length() -> None:
    texts = [f"x={'a' * 3_000}; echo ${{x{operator}*a*a*a*a*a*a*b}}" for operator in ("#", "##", "%", "%%", "/", "//")]
    texts.append(f"x={'a' * 40_000}; echo ${{x//a/{'b' * 40_000}}}")
    texts.extend(["aws " + "s3 " * 30_000, "kubectl get " * 8_000, f"awk '{'getline ' * 12_000}' x"])
    texts.append(f"sed '{''.join('s' + chr(0x4E00 + number) for number in range(20_000))}' x")
    texts.append(f"python3 -c '{'sh ' * 30_000}'")
    said = _in_a_process_of_its_own(texts)
    assert all("too-large" in each["unknown"] for each in said[-3:])  # type: ignore[operator]


@given(st.text("ab.", max_size=12), st.text(f"ab{STAR}{QUEST}", max_size=6))
def test_a_pattern_fits_the_same_beginnings_as_an_expression_does(text: str, pattern: str) -> None:
    expression = "".join({STAR: ".*", QUEST: "."}.get(sign, re.escape(sign)) for sign in pattern)
    beginnings = ["", *accumulate(text)]
    assert _ends(text, pattern) == [len(part) for part in beginnings if re.fullmatch(expression, part)]


@pytest.mark.parametrize(
    ("text", "read"),
    [("f=/x/.env.old; cat ${f%.*}", "/x/.env"), ("f=a/b/.env; cat /x/${f##*/}", "/x/.env")],
)
def test_what_is_cut_off_is_cut_off_still(text: str, read: str) -> None:
    assert effects_of_command(text).reads == (read,)


@pytest.mark.parametrize(("mode", "told"), [("observe", "1 calls were let go"), ("enforce", "and 1 refused")])
def test_a_call_for_which_there_is_no_room_is_counted_and_the_log_says_so(
    mode: Literal["observe", "enforce"], told: str, tmp_path: Path
) -> None:
    with Log(str(tmp_path / "audit.db"), secrets_in(tmp_path)) as log, closing(Lines()) as lines:
        config = ServeConfig(mode=mode)
        recorder = Recorder(log, config.audit, mode)
        point = Point(config, Identities(), None, recorder, Metrics(), lines)

        async def hear() -> None:
            answered = await point.refuse(Refused(BUSY, "The decision point is busy."))
            assert (answered.status == 200) == (mode == "observe")
            await recorder.fill()

        asyncio.run(hear())
        assert recorder.unrecorded == 1
    with open_reader(str(tmp_path / "audit.db")) as reader:
        ((name, _),) = reader.logs()
        (said,) = [json.loads(body)["record"] for _, body, _ in reader.entries(name)]
    assert (said["event"], told in said["reason"]) == ("AuditGap", True)
