"""A whole run over policies and tests that hold secrets: none reaches a prompt, the ledger, the screen or a page."""

import json
import random
import shlex
import sys
from pathlib import Path

import pytest

from command import DOCS, FIX, SUITE, lay, policyloop
from policyloop.redact import MARK
from test_redact_drawn import composed, random_value

ASKED = """\
import json, sys
from pathlib import Path
text = sys.stdin.read()
with Path(sys.argv[1]).open("a") as file:
    file.write(text)
print(json.dumps(json.loads(sys.argv[2])))
"""


@pytest.mark.compiler
def test_no_secret_leaves_a_run(tmp_path: Path) -> None:
    chance = random.Random(8)
    value, pwd = random_value(chance), "correct-horse" + "-battery"
    shapes = composed(chance)
    comments = "".join(f"# {secret}\n" for secret, _ in shapes.values() if "\n" not in secret)
    docs = {
        **DOCS,
        "doc_test.yaml": f"# npmAuthProd: '{value}'\n# password: {pwd}-7\n{comments}" + SUITE,
    }
    policies = lay(docs, tmp_path / "project" / "policies")
    program, heard = tmp_path / "model.py", tmp_path / "heard.txt"
    program.write_text(ASKED)
    command = shlex.join([sys.executable, str(program), str(heard), json.dumps(FIX)])
    page = tmp_path / "page.html"
    done = policyloop("run", "--policies", policies, "--model-command", command, "--runner", "native", "--format",
                      "json", env={"MYSQL_PWD": pwd})  # fmt: skip
    state = tmp_path / "project" / ".policyloop"
    shown = policyloop("show", "--state", state, "--html", page)
    reported = policyloop("report", "--state", state, "--no-measure", "--policies", policies)
    ledgers = "".join(path.read_text() for path in state.rglob("*.jsonl"))
    assert MARK in heard.read_text()
    assert MARK in ledgers
    told = heard.read_text() + ledgers + page.read_text()
    told += "".join(one.out + one.err for one in (done, shown, reported))
    for secret in (value, pwd, *(hidden for name, (_, hidden) in shapes.items() if name != "PEM")):
        assert secret not in told
