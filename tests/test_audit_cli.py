"""`policyloop audit` as a person types it."""

import csv
import json
import shutil
import sqlite3
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import jsonschema
import pytest

from audit_logs import record
from command import Done, policyloop
from policyloop.audit.anchors import FileAnchor
from policyloop.audit.canonical import canonical
from policyloop.audit.log import Log
from policyloop.audit.record import Agent, Who, moment
from published_schemas import hold_to_schema, validator_of
from source_tree import ROOT

SLICE = json.loads((ROOT / "fixtures" / "ocsf" / "slice.json").read_text())


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine of its own, whose state is its user's."""
    place = tmp_path / "home"
    place.mkdir()
    monkeypatch.setenv("XDG_STATE_HOME", str(place))
    return place


@pytest.fixture
def store(tmp_path: Path, home: Path) -> Path:
    """A store that this machine wrote, with an anchor beside it."""
    path = tmp_path / "work" / ".policyloop" / "audit.db"
    with Log.opened(str(path), anchors=[FileAnchor(tmp_path / "anchor")]) as log:
        for done in [log.submit(record(number)) for number in range(30)]:
            done.result(20)
    return path


def audit(*arguments: object, store: Path | None = None, cwd: Path | None = None, home: Path) -> Done:
    more = ["--store", str(store)] if store else []
    return policyloop("audit", *arguments, *more, cwd=cwd, env={"XDG_STATE_HOME": str(home)})


def fits(done: Done, name: str) -> dict:
    hold_to_schema(done.json, name)
    return done.json


def test_search(store: Path, home: Path):
    done = audit("search", "--who", "person0@example.com", "--decision", "deny", store=store, home=home)
    assert done.code == 0
    assert "call-0" in done.out
    assert "deny" in done.out
    assert "1 entries" in done.err
    found = fits(audit("search", "part17", "--format", "json", store=store, home=home), "audit-search")
    assert [entry["record"]["id"] for entry in found["entries"]] == ["call-17"]
    some = fits(audit("search", "--limit", "4", "--format", "json", store=store, home=home), "audit-search")
    assert [entry["seq"] for entry in some["entries"]] == [29, 28, 27, 26]
    assert some["more"]
    assert (
        fits(audit("search", "nowhere", "--format", "json", store=store, home=home), "audit-search")["outcome"]
        == "nothing"
    )


def test_the_store_of_the_project_needs_no_name(store: Path, home: Path):
    assert audit("search", "--place", "/srv/app/3", cwd=store.parent.parent, home=home).out.count("call-3") == 1


def test_show_by_id_and_by_number(store: Path, home: Path):
    by_id, by_number = (audit("show", name, store=store, home=home) for name in ("call-12", "12"))
    assert by_id.out == by_number.out
    assert '"subject": "person2@example.com"' in by_id.out
    assert (
        fits(audit("show", "12", "--format", "json", store=store, home=home), "audit-search")["entries"][0]["seq"] == 12
    )
    missing = audit("show", "nobody", store=store, home=home)
    assert missing.code == 2
    assert "has no record nobody" in missing.err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["search", "--decision", "maybe"], 2, "no decision"),
        (["search", "--since", "soon"], 2, "no moment"),
        (["export", "--as", "xml", "--out", "x"], 2, "no export"),
        (["prune", "--keep", "some"], 2, "no moment"),
        (["verify", "--key", "nonsense"], 2, "public key"),
        (["verify", "--anchor", "nowhere"], 2, "cannot be read"),
        (["verify", "--proof", "x"], 2, "needs --key"),
    ],
)
def test_a_mistake_is_one_sentence(
    store: Path, home: Path, tmp_path: Path, arguments: list[str], code: int, words: str
):
    done = audit(*arguments, store=store, cwd=tmp_path, home=home)
    assert done.code == code
    assert words in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("what", ["search", "verify", "show x", "prune --keep 1d"])
def test_a_store_that_is_not_there_is_not_made(tmp_path: Path, home: Path, what: str):
    done = audit(*what.split(), cwd=tmp_path, home=home)
    assert done.code == 8
    assert "There is no audit store" in done.err
    assert not (tmp_path / ".policyloop").exists()


def test_verify_says_by_which_key(store: Path, home: Path, tmp_path: Path):
    kept = audit("verify", store=store, home=home)
    assert kept.code == 0, kept.err
    assert "whole:" in kept.out
    assert "by the key that this machine signs it with" in kept.out
    assert "[redacted]" not in kept.out
    document = fits(audit("verify", "--format", "json", store=store, home=home), "audit-verify")
    (log,) = document["logs"]
    assert (log["entries"], log["trusted"], log["anchors"]) == (30, "kept", 1)
    key = log["signed_by"]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    named = audit("verify", "--key", key, "--anchor", tmp_path / "anchor", store=store, home=elsewhere)
    assert named.code == 0, named.err
    assert "by the key that was given" in named.out
    unknown = audit("verify", store=store, home=elsewhere)
    assert unknown.code == 0
    assert "give --key" not in unknown.err
    assert "the key that the store itself names" in unknown.out


def test_verify_names_the_first_bad_record(store: Path, home: Path):
    db = sqlite3.connect(store, isolation_level=None)
    (trigger,) = db.execute("SELECT sql FROM sqlite_master WHERE name = 'records_update'").fetchone()
    db.execute("DROP TRIGGER records_update")
    db.execute("UPDATE records SET body = replace(body, 'deny', 'allow') WHERE seq = 7")
    db.execute(trigger)
    db.close()
    done = audit("verify", store=store, home=home)
    assert done.code == 5
    assert "NOT WHOLE" in done.out
    assert "entry 7: an entry was changed" in done.out
    document = audit("verify", "--format", "json", store=store, home=home)
    assert document.code == 5
    assert fits(document, "audit-verify")["logs"][0]["bad"]["first"] == 7


def test_a_third_person_checks_a_proof_with_the_key_alone(store: Path, home: Path, tmp_path: Path):
    proof = tmp_path / "proof.json"
    done = audit("prove", "call-9", "--out", proof, store=store, home=home)
    assert done.code == 0, done.err
    key = done.out.split("this line: ")[1].strip()
    hold_to_schema(json.loads(proof.read_text()), "audit-proof")
    third = tmp_path / "third"
    third.mkdir()
    shutil.rmtree(store.parent)
    checked = audit("verify", "--proof", proof, "--key", key, home=third)
    assert checked.code == 0, checked.err
    assert "proved: this is entry 9" in checked.out
    assert fits(audit("verify", "--proof", proof, "--key", key, "--format", "json", home=third), "audit-proved")
    (tmp_path / "key").write_text(key + "\n")
    assert audit("verify", "--proof", proof, "--key", tmp_path / "key", home=third).code == 0

    given = json.loads(proof.read_text())
    lies = [
        {**given, "entry": given["entry"].replace("part9", "part8")},
        {**given, "index": 8},
        {**given, "path": given["path"][1:]},
        {**given, "path": []},
        {**given, "checkpoint": given["checkpoint"].replace("\n30\n", "\n31\n")},
        {**given, "form": "other"},
        {**given, "index": True},
        {**given, "path": ["x"]},
        {**given, "entry": "\ud800"},
        [],
    ]
    for lie in lies:
        proof.write_text(json.dumps(lie))
        told = audit("verify", "--proof", proof, "--key", key, home=third)
        assert told.code == 5
        assert "proves nothing" in told.err


def test_no_record_that_nobody_signed_for_is_proved(store: Path, home: Path, tmp_path: Path):
    # No checkpoint by itself meanwhile, however long the command takes here.
    with Log.opened(str(store), every_seconds=3_600.0) as log:
        log.append(record(30))
        done = audit("prove", "call-30", "--out", tmp_path / "proof", store=store, home=home)
    assert done.code == 8
    assert "No checkpoint covers entry 30 yet" in done.err
    assert audit("prove", "call-30", "--out", tmp_path / "proof", store=store, home=home).code == 0


def test_prune_by_hand(store: Path, home: Path):
    with Log.opened(str(store)) as log:
        for done in [log.submit(record(number)) for number in range(30, 1_100)]:
            done.result(30)
        busy = audit("prune", "--keep", "1d", store=store, home=home)
        assert busy.code == 8
        assert "Another process writes" in busy.err
    assert "Nothing is old enough" in audit("prune", "--keep", "2000-01-01", store=store, home=home).out
    done = audit("prune", "--keep", moment(1_790_000_000 + 1_050), store=store, home=home)
    assert done.code == 0, done.err
    assert "1024 entries are taken out" in done.out
    verified = audit("verify", store=store, home=home)
    assert verified.code == 0
    assert "1024 pruned (their hashes hold)" in verified.out
    assert "AuditPrune" in audit("search", "--limit", "1", store=store, home=home).out


HOSTILE = "=cmd|' /C calc'!A0 \x1b[31m ::error::x"


@pytest.fixture
def varied(tmp_path: Path, home: Path) -> Path:
    """Records of each kind that an export tells apart, and one with words that aim at who reads it."""
    path = tmp_path / "varied.db"
    tools = ["Bash", "Read", "Write", "Edit", "Glob", "WebFetch", "mcp__fs__read", "Agent", ""]
    with Log.opened(str(path)) as log:
        for number, tool in enumerate(tools):
            for decision in ("allow", "ask", "deny"):
                log.append(
                    record(
                        number * 3,
                        tool=tool,
                        decision=decision,
                        event="UserPromptSubmit" if not tool else "PreToolUse",
                        agent=Agent(kind="claude-code", version="2.1.332"),
                        mcp_server="fs" if tool.startswith("mcp") else "",
                        rule="rm",
                        latency_us=1500,
                    )
                )
        log.append(record(99, reason=HOSTILE, who=Who(subject=HOSTILE), input={}, effects={}))
    return path


def schema_of_class(number: str):
    """The part of OCSF's schema that events of a class are held against."""
    return {**SLICE["classes"][number], "$defs": SLICE["$defs"]}


def test_export_as_ocsf_fits_the_schema_and_chains(varied: Path, home: Path, tmp_path: Path):
    out = tmp_path / "events.ndjson"
    done = audit("export", "--out", out, store=varied, home=home)
    assert done.code == 0, done.err
    events = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(events) == 28
    assert {event["class_uid"] for event in events} == {1001, 1007, 2004, 6003}
    before = None
    validators = {name: validator_of(schema_of_class(name)) for name in SLICE["classes"]}
    for event in events:
        validators[str(event["class_uid"])].validate(event)
        (attestation,) = event["attestation_list"]
        fingerprint = attestation.pop("fingerprint")
        assert fingerprint["value"] == sha256(canonical(event)).hexdigest()
        assert attestation.get("prev_event", {}).get("fingerprint") == before
        before = fingerprint


def test_the_slice_of_the_schema_refuses_what_does_not_fit(varied: Path, home: Path, tmp_path: Path):
    out = tmp_path / "events.ndjson"
    audit("export", "--out", out, store=varied, home=home)
    event = json.loads(out.read_text().splitlines()[0])
    validator = validator_of(schema_of_class(str(event["class_uid"])))
    for wrong in ({"severity_id": 77}, {"time": "now"}, {"somebody": 1}, {"metadata": {}}, {"type_uid": 1}):
        with pytest.raises(jsonschema.ValidationError):
            validator.validate({**event, **wrong})


def test_export_as_csv_has_no_formula(varied: Path, home: Path, tmp_path: Path):
    out = tmp_path / "events.csv"
    done = audit("export", "--as", "csv", "--out", out, "--decision", "allow", store=varied, home=home)
    assert done.code == 0, done.err
    rows = list(csv.DictReader(out.open(newline="")))
    assert len(rows) == 9 + 1
    assert rows[-1]["subject"].startswith("'=cmd")
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())


def test_words_of_others_move_no_cursor(varied: Path, home: Path):
    for what in (["search"], ["show", "call-99"]):
        shown = audit(*what, store=varied, home=home)
        assert "\x1b" not in shown.out
        assert "::error::" not in [line.strip() for line in shown.out.splitlines()]


def transcript(path: Path, session: str, calls: list[str]) -> Path:
    """A session file as the client keeps it."""
    lines = [{"type": "user", "message": {"content": "do it"}, "sessionId": session}]
    for name in calls:
        block = {"type": "tool_use", "id": name, "name": "Bash", "input": {"command": "ls"}}
        words = {"type": "text", "text": "now"}
        lines.append({"type": "assistant", "sessionId": session, "message": {"content": [words, block]}})
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_exactly_the_calls_that_were_never_decided_are_named(tmp_path: Path, home: Path):
    store = tmp_path / "audit.db"
    calls = [f"toolu_{number:02}" for number in range(40)]
    missing = {"toolu_03", "toolu_17", "toolu_39"}
    with Log.opened(str(store)) as log:
        for number, name in enumerate(calls):
            if name not in missing:
                log.append(record(number, session="s1", call=name))
            else:  # what happened in another session, or afterwards, decides nothing
                log.append(record(number, session="s2", call=name))
                log.append(record(number, session="s1", call=name, event="PostToolUse"))
    file = transcript(tmp_path / "s1.jsonl", "s1", calls)
    done = audit("coverage", file, "--format", "json", store=store, home=home)
    assert done.code == 5
    document = fits(done, "audit-coverage")
    assert {call["id"] for call in document["missing"]} == missing
    assert (document["calls"], document["decided"]) == (40, 37)
    told = audit("coverage", file, store=store, home=home)
    assert told.out.count("NOT DECIDED") == 3
    assert f"{file}:5: Bash toolu_03" in told.out

    whole = transcript(tmp_path / "whole.jsonl", "s1", [name for name in calls if name not in missing])
    assert audit("coverage", whole, store=store, home=home).code == 0
    with whole.open("a") as more:
        more.write('{"type": "assistant", "mess\n')
    unsure = audit("coverage", whole, "--format", "json", store=store, home=home)
    assert (unsure.code, fits(unsure, "audit-coverage")["outcome"]) == (5, "unsure")
    (tmp_path / "empty.jsonl").write_text("")
    assert audit("coverage", tmp_path / "empty.jsonl", store=store, home=home).code == 5
    assert audit("coverage", tmp_path / "nowhere", store=store, home=home).code == 2


def test_a_report_on_one_page(varied: Path, home: Path, tmp_path: Path):
    out = tmp_path / "report.html"
    done = audit("report", "--html", out, "--since", "2000-01-01", store=varied, home=home)
    assert done.code == 0, done.err
    page = out.read_text()
    assert "Did any agent read secrets?" in page
    assert "person3@example.com" in page
    assert "because of rule x" in page
    assert "\x1b" not in page
    document = audit("report", "--html", out, "--since", "1s", "--format", "json", store=varied, home=home)
    assert fits(document, "audit-report")["entries"] == 0


def test_without_the_extra_it_is_one_sentence(store: Path, home: Path, tmp_path: Path):
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "cryptography.py").write_text("raise ImportError('not here')\n")
    done = subprocess.run(
        [sys.executable, "-m", "policyloop", "audit", "verify", "--store", str(store)],
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "XDG_STATE_HOME": str(home), "PYTHONPATH": str(hidden)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 8
    assert "pip install 'policyloop[serve]'" in done.stderr
    assert "Traceback" not in done.stderr
