"""Managed settings for a decision point: in the form of three systems, written, checked, and told when they drift."""

import json
import plistlib
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from command import environment, lay, policyloop
from namespaces import managed_folder
from policyloop.decide.answer import DECIDED
from policyloop.errors import UsageError
from policyloop.harden.machines import DOMAIN, read, written
from policyloop.harden.rollout import lacking, settings, with_wanted
from policyloop.machine import Machine

URL = "https://decide.example.org:3594"
FILES = ["managed-settings.json", "a.mobileconfig", "a.reg"]


def rolled(file: Path, *more: object, url: str = URL) -> Any:
    return policyloop("harden", "--managed", "--decision-point", url, "--out", file, "--format", "json", *more)


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_written_and_its_check_holds_until_a_byte_of_meaning_changes(name: str, tmp_path: Path) -> None:
    file = tmp_path / name
    missing = rolled(file, "--check")
    assert (missing.code, missing.json["outcome"]) == (1, "drift")
    assert not file.exists()
    assert rolled(file).code == 5
    done = rolled(file, "--yes")
    assert (done.code, done.json["outcome"]) == (0, "hardened")
    whole = file.read_bytes()
    assert rolled(file, "--check").code == 0
    assert rolled(file, "--yes").json["outcome"] == "in place"
    other = rolled(file, "--check", url="https://other.example.org")
    assert other.code == 1
    assert "allowedHttpHookUrls" in {drift["key"] for drift in other.json["drift"]}
    encoding = "utf-16" if name.endswith(".reg") else "utf-8"
    loosened = whole.decode(encoding).replace("block", "continue").encode(encoding)
    file.write_bytes(loosened)
    assert rolled(file, "--check").code == 1
    assert file.read_bytes() == loosened
    assert rolled(file, "--yes").code == 0
    assert file.read_bytes() == whole


def test_each_event_has_one_hook_and_what_decides_is_closed() -> None:
    made = settings(URL, token_variable="PL_TOKEN")
    assert set(made["hooks"]) >= DECIDED
    for event, groups in made["hooks"].items():
        ((hook,),) = [group["hooks"] for group in groups]
        assert (hook["type"], hook["url"]) == ("http", f"{URL}/v1/hooks/claude-code")
        assert (hook["onFailure"] == "block") == (event in DECIDED)
        assert 0 < hook["timeout"] <= 15
        assert hook["headers"]["authorization"] == "Bearer ${PL_TOKEN}"
        assert set(hook["allowedEnvVars"]) == {"USER", "PL_TOKEN"} == set(made["httpHookAllowedEnvVars"])
    assert made["allowedHttpHookUrls"] == [f"{URL}/v1/hooks/claude-code"]


@pytest.mark.parametrize(
    "url",
    ["", "decide.example.org", "ftp://x", "http://decide.example.org", "http://127.0.0.1.example.org", "https://",
     "https://a:b@example.org", "https://example.org/x?y", "https://*.example.org", "http://10.0.0.1:1", "https://[x"],
)  # fmt: skip
def test_an_address_that_will_not_do_is_refused(url: str) -> None:
    with pytest.raises(UsageError):
        settings(url)


@pytest.mark.parametrize("url", ["http://127.0.0.1:3594", "http://localhost:1/ext/claude", "http://[::1]:1", URL])
def test_an_address_is_taken(url: str) -> None:
    assert settings(url)["allowedHttpHookUrls"][0].startswith(url)


JSON = st.recursive(
    st.booleans() | st.integers(-(2**31), 2**31) | st.text('ab \u00e4"\\/\u20ac', max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('abcä"\\/', min_size=1), inner, max_size=3),
    max_leaves=4,
)
NAMES = st.sampled_from(["companyAnnouncements", "model", "cleanupPeriodDays", 'ä"\\b'])


@given(st.dictionaries(NAMES, JSON, max_size=3), st.sampled_from(Machine))
def test_whatever_else_stands_in_it_comes_back_as_it_was(more: dict[str, Any], machine: Machine) -> None:
    whole = with_wanted(more, settings(URL))
    again = read(written(whole, machine), machine, "x")
    assert again == whole
    assert lacking(again, settings(URL)) == []


@given(st.data())
def test_each_key_that_is_gone_or_another_is_told(data: st.DataObject) -> None:
    wanted = settings(URL)
    changed = json.loads(json.dumps(wanted))
    above, key = data.draw(st.sampled_from(_places(changed)))
    if data.draw(st.booleans()):
        del above[key]
    else:
        above[key] = data.draw(st.sampled_from([None, False, True, [], {}, "x", 0]).filter(lambda v: v != above[key]))
    assert lacking(changed, wanted)
    assert lacking(with_wanted(changed, wanted), wanted) == []


def _places(tree: Any) -> list[tuple[dict[str, Any], str]]:
    places = []
    for key, value in tree.items():
        places.append((tree, key))
        for inner in value if isinstance(value, list) else [value]:
            if isinstance(inner, dict):
                places += _places(inner)
    return places


def test_a_newer_client_may_be_demanded_and_no_older_one() -> None:
    wanted = settings(URL)
    assert lacking({**wanted, "requiredMinimumVersion": "2.1.332"}, wanted) == []
    assert lacking({**wanted, "requiredMinimumVersion": "2.1.99"}, wanted)
    assert lacking({**wanted, "requiredMinimumVersion": "x"}, wanted)


def test_hooks_beside_ours_are_told() -> None:
    wanted = settings(URL)
    beside = {**wanted, "hooks": {**wanted["hooks"], "SessionStart": [{"hooks": []}]}}
    assert lacking(beside, wanted) == [("hooks.SessionStart", "is none of the decision point's")]


def test_a_profile_binds_all_users_and_cannot_be_taken_out() -> None:
    profile = plistlib.loads(written(settings(URL), Machine.MACOS))
    (payload,) = profile["PayloadContent"]
    assert payload["PayloadType"] == DOMAIN
    for changed in ({"PayloadScope": "User"}, {"PayloadRemovalDisallowed": False}, {"PayloadContent": []}):
        with pytest.raises(UsageError):
            read(plistlib.dumps({**profile, **changed}), Machine.MACOS, "x")


@pytest.mark.parametrize("machine", Machine)
@given(data=st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_a_file_that_is_none_is_refused_as_usage(machine: Machine, data: bytes) -> None:
    with suppress(UsageError):
        assert isinstance(read(data, machine, "x"), dict)


@pytest.mark.parametrize(
    "arguments",
    [("--decision-point", URL), ("--managed", "--out", "x"), ("--managed", "--token-variable", "A"),
     ("--managed", "--decision-point", URL, "--for", "macos"),
     ("--managed", "--decision-point", URL, "--out", "x", "--token-variable", "lower")],
)  # fmt: skip
def test_what_does_not_belong_together_is_a_usage_error(arguments: tuple[str, ...], tmp_path: Path) -> None:
    done = policyloop("harden", *arguments, "--yes", cwd=tmp_path)
    assert done.code == 2, done.out + done.err
    assert not list(tmp_path.iterdir())


def test_on_the_machine_itself_its_check_sees_who_else_has_a_word(tmp_path: Path) -> None:
    """In the place of managed settings: keys of others stay, and a drop-in that has the last word is told."""
    machine = tmp_path / "managed"
    prefix = managed_folder(machine)
    lay({"managed-settings.json": '{"companyAnnouncements": ["hello"]}'}, machine)
    command = f"{sys.executable} -m policyloop harden --managed --decision-point {URL}"
    at = "/etc/claude-code"
    script = (
        f"{command} --yes >/dev/null && {command} --check && grep -q hello {at}/managed-settings.json && mkdir"
        f" {at}/managed-settings.d && echo '{{\"allowManagedHooksOnly\": false}}' > {at}/managed-settings.d/x.json"
        f" && {command} --check; echo code $?; chmod 666 {at}/managed-settings.json; {command} --check; echo code $?"
    )
    done = subprocess.run(
        [*prefix, "sh", "-c", script], capture_output=True, text=True, env=environment(), timeout=120, check=False
    )
    first, then, last = done.stdout.split("code 1")
    assert "in place" in first
    assert "x.json" in first
    assert "allowManagedHooksOnly" in first
    assert "can be written by others than root" in then
    assert last.strip() == ""
