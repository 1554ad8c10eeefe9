"""A secret never survives, in any encoding, and what is no secret is left alone."""

import base64
import html
import json
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from policyloop.redact import MARK, holds_mark, redact, redact_value
from policyloop.redact.names import TRIVIAL

ALNUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
SECRET = 'pa%s w0rd/+&<"é\\>=42'
FIXTURES = Path(__file__).parent.parent / "fixtures"

ORDINARY = """\
# yaml-language-server: $schema=https://api.cerbos.dev/latest/cerbos/policy/v1/Policy.schema.json
apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: api_key
  version: default
  rules:
    - actions: ["password:reset", "token:rotate", "secret:read", "key:v2"]
      effect: EFFECT_ALLOW
      roles: [employee, "svc-risk-assessment-2024-of-regional-offices", sk-SK-region-office-2024-bratislava]
      condition:
        match:
          all:
            of:
              - expr: request.resource.attr.token == request.principal.attr.token
              - expr: R.attr.secret != P.attr.password && V.token in ["expired", "revoked"]
              - expr: request.aux_data.jwt.iss == "https://login.example.com:8443/realms/hr"
              - expr: R.attr.password == "" || size(R.attr.api_key) > 0
              - expr: timestamp(R.attr.passwordChangedAt) > timestamp("2024-01-01T00:00:00Z")
# digest: sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
# id: 3fa85f64-5717-4562-b3fc-2c963f66afa6, token: 3fa85f64-5717-4562-b3fc-2c963f66afa6
"""
SCHEMA = json.dumps({"properties": {"password": {"type": "string"}, "token": ["string", "null"], "secret": True}})

SHAPES = [
    "sk-ant-api03-" + "Ab3_-" * 18,
    "sk-proj-" + "a1B2c3D4e5F6g7" * 3,
    "ghp_" + "a1B2" * 9,
    "gho_" + "a1B2" * 9,
    "github_pat_" + "11ABCDEFG0" * 8,
    "glpat-" + "a1B2_-" * 4,
    "xoxb-123456789012-abcdefABCDEF",
    "AKIA" + "ABCDEFGH12345678",
    "AIza" + "Sy0_-" * 7,
    "npm_" + "a1B2" * 9,
    "hf_" + "aBcDe" * 7,
    "sk_live_" + "a1B2" * 6,
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
    "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMIIEow"
    + "A1b2" * 40
    + "\n-----END RSA PRIVATE KEY-----",
]


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("HR_DB_PASSWORD", SECRET)
    return SECRET


def encodings(text: str) -> dict[str, str]:
    raw = text.encode()
    return {
        "plain": text,
        "url": quote(text),
        "url, all of it": quote(text, safe=""),
        "form": quote_plus(text),
        "url, lower case": re.sub("%..", lambda m: m[0].lower(), quote(text, safe="")),
        "json": json.dumps(text)[1:-1],
        "json, as it is": json.dumps(text, ensure_ascii=False)[1:-1],
        "json in json": json.dumps(json.dumps(text))[3:-3],
        "json by Go": json.dumps(text, ensure_ascii=False)[1:-1]
        .replace("&", r"\u0026")
        .replace("<", r"\u003c")
        .replace(">", r"\u003e"),
        "html": html.escape(text),
        "hex": raw.hex(),
        "base64": base64.b64encode(raw).decode(),
        "base64, url": base64.urlsafe_b64encode(raw).decode(),
    }


@pytest.mark.parametrize("form", encodings(SECRET))
def test_a_secret_of_the_environment_goes_in_every_encoding(secret: str, form: str) -> None:
    text = f"before {encodings(secret)[form]} after"
    result = redact(text)
    assert result.startswith("before [redacted]")
    assert result.endswith(" after")
    assert encodings(secret)[form].strip("=")[2:-2] not in result


@given(
    before=st.binary(max_size=12),
    after=st.binary(max_size=12),
    value=st.text(ALNUM + "/+&=%\"'<>\\é", min_size=8, max_size=40),
)
@settings(max_examples=150, deadline=None)
def test_base64_of_something_with_a_secret_in_it(before: bytes, after: bytes, value: str) -> None:
    assume(len(set(value)) > 2 and value.lower() not in TRIVIAL)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOME_TOKEN", value)
        encoded = base64.b64encode(before + value.encode() + after).decode()
        result = redact(encoded)
        # At most the two characters that it shares with its neighbours are left of it.
        assert len(result) - len(MARK) <= len(encoded) - (len(value.encode()) * 8 // 6 - 1)


@given(before=st.text(max_size=30), after=st.text(max_size=30), value=st.text(ALNUM + "-_.!$", min_size=8, max_size=60))
@settings(max_examples=200, deadline=None)
def test_a_secret_of_the_environment_goes_at_any_place(before: str, after: str, value: str) -> None:
    assume(len(set(value)) > 2 and value not in MARK and value.lower() not in TRIVIAL)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOME_SECRET", value)
        for text in (before + value + after, json.dumps(before + value + after), value + value, quote(before + value)):
            assert value not in redact(text)
            assert redact(redact(text)) == redact(text)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: s[:12])
@given(before=st.text(max_size=20), after=st.sampled_from(["", " ", "\n", '"', "'", ",", ")", "&x=1", "\\n", "<", "]"]))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_known_shape_goes_behind_anything(shape: str, before: str, after: str) -> None:
    for colour in ("\x1b[31m", "\x1b[01;31m\x1b[K", "\x1b[38;5;196m", "[1m", "\x1b[m", r"\x1b[0m", "\x1b[2K"):
        assert shape[12:] not in redact(f"{colour}{shape}{after}")
    glue = "" if not before or not before[-1].isalnum() else " "
    for text in (before + glue + shape + after, json.dumps(before + glue + shape + after), f"x\\n{shape}{after}"):
        assert shape[12:] not in redact(text)
        assert json.dumps(shape)[12:-1] not in redact(text)
        assert MARK in redact(text)


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("Authorization: Bearer abcd", "abcd"),
        ("{'authorization': 'Basic dTpw'}", "dTpw"),
        ('{"x-api-key": "abcd1234efgh"}', "abcd1234efgh"),
        (r"{\"api_key\": \"abcd1234efgh\"}", "abcd1234efgh"),
        ("password: hunter22", "hunter22"),
        ("DB_PASSWORD=hunter22", "hunter22"),
        ("password='correct-horse!'", "correct-horse!"),
        ('"password": "a\\"b12345678"', "12345678"),
        ('R.attr.password == "hunter22"', "hunter22"),
        ("client_secret: Zm9vYmFyMTIzNDU2Nzg5", "Zm9vYmFyMTIzNDU2Nzg5"),
        ("tool --token abcdef1234567890", "abcdef1234567890"),
        ("postgres://app:p@ss@db.example.com/hr", "p@ss"),
        ("https://x-access-token:v1.0a1b@github.com/a/b", "v1.0a1b"),
        ("https://a1b2c3d4e5f6a7b8@example.com/", "a1b2c3d4e5f6a7b8"),
        ('token: "password: hunter22"', "hunter22"),
        ("PASSWORD = 87654321", "87654321"),
    ],
)
def test_what_is_assigned_to_a_secret_name_goes(text: str, hidden: str) -> None:
    assert hidden not in redact(text)
    assert redact(redact(text)) == redact(text)


@pytest.mark.parametrize(
    "text", [ORDINARY, SCHEMA, "password: ${DB_PASSWORD}", "token: <your token here>", "", "password"]
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text


def test_the_policies_of_all_fixtures_stay_as_they_are() -> None:
    files = [p for p in FIXTURES.rglob("*") if p.suffix in {".yaml", ".yml", ".json"} and p.is_file()]
    # What is played there is written so that something goes.
    files = [p for p in files if not p.parent.name.startswith("secret-")]
    changed = []
    for path in files:
        text = path.read_bytes().decode("utf-8", "replace")
        if redact(text) != text:
            changed.append(path)
    assert files
    assert not changed


def test_trivial_values_are_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "A_KEY": "short",
        "B_TOKEN": "disabled",
        "C_SECRET": "********",
        "D_HOME": "not-so-secret",
    }.items():
        monkeypatch.setenv(name, value)
    text = "short disabled ******** not-so-secret"
    assert redact(text) == text


def test_each_secret_name_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [
        "ANTHROPIC_API_KEY",
        "ANTHROPIC_AUTH_TOKEN",
        "X_KEY",
        "PGPASSWORD",
        "X_SECRET",
        "X_CREDENTIALS",
        "x_token",
        "KEY",
    ]
    for number, name in enumerate(names):
        monkeypatch.setenv(name, f"harmless looking value {number}")
    for number in range(len(names)):
        assert redact(f"it is harmless looking value {number}!") == f"it is {MARK}!"


def test_secrets_that_overlap_leave_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_KEY", "abcdefgh-12345678")
    monkeypatch.setenv("B_KEY", "12345678-ijklmnop")
    assert redact("abcdefgh-12345678-ijklmnop") == MARK


def test_a_private_key_in_the_environment_goes_line_by_line(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ["Zm9v" * 16, "YmFy" * 16]
    monkeypatch.setenv("SIGNING_KEY", "\n".join(lines))
    assert redact(f"  {lines[1]}\n") == f"  {MARK}\n"


def test_values_are_redacted_with_their_keys(secret: str) -> None:
    value = {"a": [1, None, True, 1.5, (secret, "b")], secret: {"password": 1}, f"{secret}!": 2, MARK: 3}
    result = redact_value(value)
    assert result == {"a": [1, None, True, 1.5, [MARK, "b"]], MARK: {"password": 1}, f"{MARK}!": 2, f"{MARK} (2)": 3}
    assert secret in value


@pytest.mark.parametrize("value", [object(), {1: 2}, float("nan"), b"x", {"a": {1, 2}}])
def test_what_is_not_json_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"JSON|not text"):
        redact_value(value)


def test_nesting_has_an_end() -> None:
    value: object = "x"
    for _ in range(5000):
        value = [value]
    with pytest.raises(ValueError, match="200 levels"):
        redact_value(value)


def test_an_edit_with_the_mark_is_seen() -> None:
    assert holds_mark(redact("a\npassword: hunter22\n"))
    assert not holds_mark("password: hunter22")


HOSTILE = """
import resource
from policyloop.redact import redact

resource.setrlimit(resource.RLIMIT_CPU, (30, 30))
for unit in UNITS:
    redact(unit * (300_000 // len(unit)))
"""
UNITS = ["eyJ", "sk-", "token='token=\"", "://a:", "://:@", "-----BEGIN PRIVATE KEY-----\n", "password: ", "bearer "]


@pytest.mark.sweep
def test_hostile_text_takes_no_more_than_linear_time() -> None:
    # Each of these takes a fraction of a second; anything quadratic over 300,000 characters would take minutes.
    done = subprocess.run([sys.executable, "-c", HOSTILE.replace("UNITS", repr(UNITS))], check=False)
    assert done.returncode == 0
