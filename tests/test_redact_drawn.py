"""Drawn secrets of every shape, in drawn surroundings: none survives, and nothing that is none goes.

No secret stands in this file: each is put together from its vendor's prefix and drawn characters.
"""

import json
import random
import string
from collections.abc import Callable

import pytest
import yaml
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from policyloop.printing import one_line
from policyloop.redact import MARK, redact, redact_value

pytestmark = pytest.mark.sweep

HEX, ALNUM, UPPER = "0123456789abcdef", string.ascii_letters + string.digits, string.ascii_uppercase + string.digits
URLSAFE = ALNUM + "_-"

SHAPES: dict[str, tuple[str, str, int]] = {
    "Anthropic": ("sk-ant-api03-", URLSAFE, 90), "OpenAI": ("sk-proj-", ALNUM, 60), "Hugging Face": ("hf_", ALNUM, 34),
    "Google": ("AIza", URLSAFE, 35), "Google client": ("GOCSPX-", URLSAFE, 28), "Google access": ("ya29.", URLSAFE, 80),
    "AWS": ("AKIA", UPPER, 16), "AWS of a session": ("ASIA", UPPER, 16), "DigitalOcean": ("dop_v1_", HEX, 64),
    "Vault": ("hvs.", URLSAFE, 90), "Vault, batch": ("hvb.", URLSAFE, 100), "Databricks": ("dapi", HEX, 32),
    "GitHub": ("ghp_", ALNUM, 36), "GitHub app": ("ghs_", ALNUM, 36), "GitHub fine": ("github_pat_", ALNUM, 82),
    "GitLab": ("glpat-", URLSAFE, 20), "GitLab runner": ("glrt-", URLSAFE, 20), "npm": ("npm_", ALNUM, 36),
    "PyPI": ("pypi-AgEIcHlwaS5vcmc", URLSAFE, 120), "RubyGems": ("rubygems_", HEX, 48),
    "Docker": ("dckr_pat_", URLSAFE, 27),
    "Slack": ("xoxb-", string.digits, 12), "Slack app": ("xapp-1-", UPPER, 60), "Stripe": ("sk_live_", ALNUM, 24),
    "Stripe, restricted": ("rk_test_", ALNUM, 24), "Stripe hook": ("whsec_", ALNUM, 32), "Shopify": ("shpat_", HEX, 32),
    "Shopify shared": ("shpss_", HEX, 32), "Square": ("sq0atp-", URLSAFE, 22), "Grafana": ("glsa_", ALNUM, 32),
    "Linear": ("lin_api_", ALNUM, 40), "Figma": ("figd_", URLSAFE, 40), "Sentry": ("sntrys_", ALNUM, 60),
    "Twilio": ("SK", HEX, 32), "Mailgun": ("key-", HEX, 32), "Brevo": ("xkeysib-", HEX, 64), "Sonar": ("squ_", HEX, 40),
    "Heroku": ("HRKU-", ALNUM, 36), "Pulumi": ("pul-", HEX, 40), "Postman": ("PMAK-", HEX, 59),
    "Groq": ("gsk_", ALNUM, 52),
}  # fmt: skip


def run(chance: random.Random, letters: str, count: int) -> str:
    return "".join(chance.choice(letters) for _ in range(count))


def prefixed(name: str) -> Callable[[random.Random], tuple[str, str]]:
    prefix, letters, count = SHAPES[name]

    def make(chance: random.Random) -> tuple[str, str]:
        # Neither end is a sign that a sentence could end with.
        hidden = run(chance, ALNUM if letters == URLSAFE else letters, 1) + run(chance, letters, count - 2)
        hidden += run(chance, HEX if letters == HEX else UPPER if letters != string.digits else letters, 1)
        return prefix + hidden, hidden

    return make


def composed(chance: random.Random) -> dict[str, tuple[str, str]]:
    def b64(count: int) -> str:
        return run(chance, ALNUM + "+/", count)

    one, two = run(chance, ALNUM, 24), run(chance, ALNUM, 43)
    account, key = b64(86), "".join(b64(64) + "\n" for _ in range(6))
    begin, end = ("-----" + word + " RSA PRIVATE " + "KEY-----" for word in ("BEGIN", "END"))
    jwt = ".".join(("eyJ" + run(chance, ALNUM, 30), "eyJ" + run(chance, ALNUM, 40), two))
    return {
        "SendGrid": ("SG." + one[:22] + "." + two, two),
        "Azure storage": ("DefaultEndpointsProtocol=https;AccountKey=" + account + "==", account),
        "Azure signature": ("?sv=2024&" + "sig=" + two + "%3D", two),
        "Azure client": (run(chance, ALNUM, 3) + "8Q~" + two[:34], two[:34]),
        "Slack hook": ("https://hooks.slack." + "com/services/T0A1B2C3D/B0A1B2C3D/" + one, one),
        "Discord hook": ("https://discord." + "com/api/webhooks/123456789012345678/" + two + one, two + one),
        "Vault, old": ("s." + "a1B2" + one[:20], one[:20]),
        "Terraform": (one[:14] + ".atlasv1." + two + one, two + one),
        "Airtable": ("pat" + one[:14] + "." + run(chance, HEX, 64), one[:14]),
        "JWT": (jwt, two),
        "PEM": (begin + "\n" + key + end, key.split("\n")[3]),
        "Telegram": ("123456789:" + "AA" + one + two[:9], one),
        "address": ("postgres://app:" + one + "@db.invalid/hr", one),
        "header": ("Authorization: Bearer " + two, two),
    }


COMPOSED = sorted(composed(random.Random(0)))


def placed(secret: str, chance: random.Random) -> str:
    """A text in which a secret of a known shape stands, with no name that gives it away."""
    line = secret.replace("\n", "\\n")
    return chance.choice(
        [
            secret,
            f"value={line}",
            f"export X={line}\n",
            f"a: {line}\nb: 1\n",
            "a: |\n  " + secret.replace("\n", "\n  ") + "\nb: 1\n",
            json.dumps({"a": [secret]}),
            json.dumps(json.dumps({"a": secret})),
            f"curl -d '{line}' http://127.0.0.1/",
            f"ValueError: invalid value: {secret!r} at line 3",
            f"+  a: {line}\n-  a: x\n",
        ]
    )


@pytest.mark.parametrize("name", [*SHAPES, *COMPOSED])
@settings(max_examples=8, deadline=None, phases=[Phase.reuse, Phase.generate])
@given(seed=st.integers(0, 2**32))
def test_a_shape_goes_wherever_it_stands(name: str, seed: int) -> None:
    chance = random.Random(seed)
    secret, hidden = prefixed(name)(chance) if name in SHAPES else composed(chance)[name]
    text = placed(secret, chance)
    gone(text, hidden)
    assert hidden not in json.dumps(redact_value({"a": {"b": [text]}}))


def gone(text: str, hidden: str) -> None:
    clean = redact(text)
    assert hidden not in clean, text
    assert MARK in clean
    assert redact(clean) == clean
    assert clean.count("\n") == text.count("\n"), "a line stays a line"
    assert hidden not in one_line(text)


WORDS = ("PASSWORD", "PASSWD", "PWD", "PASS", "SECRET", "TOKEN", "API_KEY", "ACCESS_KEY", "PRIVATE_KEY", "CREDENTIAL",
         "AUTH", "APIKEY", "PAT", "PASSPHRASE", "SIGNING_KEY")  # fmt: skip
BEFORE = ("", "MYSQL_", "NPM_", "HR_DB_", "MY_APP_2_")
BEHIND = ("", "_PROD", "_V2", "_OLD", "2", "_EU_WEST")


def name_of(chance: random.Random) -> str:
    """An environment variable's name, or the same as a key of YAML or JSON."""
    return chance.choice(BEFORE) + chance.choice(WORDS) + chance.choice(BEHIND)


def as_key(name: str, chance: random.Random) -> str:
    words = name.lower().split("_")
    return chance.choice([name.lower(), "-".join(words), words[0] + "".join(word.title() for word in words[1:])])


def random_value(chance: random.Random) -> str:
    """As a generator of passwords makes them: long, of letters and digits."""
    return "a1B" + run(chance, ALNUM, chance.randint(13, 30)) + "9z"


def assigned(name: str, value: str, chance: random.Random) -> str:
    """A text in which the value stands behind the name."""
    key = as_key(name, chance)
    return chance.choice(
        [
            f"{name}={value}",
            f"export {name}='{value}'",
            f'{name}="{value}" make',
            f"{key}: {value}\n",
            f"a:\n  {key}: '{value}'  # x\n",
            f'"{key}": "{value}"\n',
            f"{key}: |\n  {value}\nnext: 1\n",
            f"- a: 1\n  {key}: >-\n    {value}\n  next: 1\n",
            f"+  {key}: |+\n+    {value}\n+  next: 1\n",
            f"{key}:\n  - {value}\n  - x\n",
            f"{key}:\n- '{value}'\n",
            f'{key}: [x, "{value}"]\n',
            f"{key}:\n  {value}\n",
            f"{key}: !!str '{value}'\n",
            json.dumps({key: value}),
            json.dumps({"a": {key: ["x", value]}}, indent=2),
            json.dumps(json.dumps({key: value})),
            yaml.safe_dump({"a": [{key: value}]}),
            f"- name: {name}\n  value: {value}\n",
            json.dumps({"name": name, "value": value}),
            f"http://127.0.0.1/?{key}={value}&a=1",
            f"tool --{key.replace('_', '-')} {value} x",
            f"tool --{key.replace('_', '-')}={value}",
            f"connect(user='x', {name.lower()}='{value}')",
            f"TypeError: bad settings {{'{key}': '{value}'}}",
            f'R.attr.{name.lower()} == "{value}"',
            f"R.attr.{name.lower()} != '{value}'",
            f"> 12 | {key}: |\n  13 |   {value}\n  14 | next: 1",
        ]
    )


@settings(max_examples=250, deadline=None, phases=[Phase.reuse, Phase.generate])
@given(seed=st.integers(0, 2**32))
def test_what_stands_behind_a_secrets_name_goes(seed: int) -> None:
    chance = random.Random(seed)
    name, value = name_of(chance), random_value(chance)
    gone(assigned(name, value, chance), value)
    key = as_key(name, chance)
    assert value not in json.dumps(redact_value({"x": {key: {"a": [value]}}, "y": {"name": name, "value": value}}))


@settings(max_examples=60, deadline=None, phases=[Phase.reuse, Phase.generate])
@given(seed=st.integers(0, 2**32))
def test_the_value_of_a_variable_with_a_secrets_word_in_its_name_goes(seed: int) -> None:
    chance = random.Random(seed)
    name, value = name_of(chance), run(chance, string.ascii_lowercase, 12)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("X" if name in {"PWD", "PASS"} else name, "x")
        patch.setenv("MYSQL_PWD" if name == "PWD" else name, value)
        assert redact(f"it is {value}!") == f"it is {MARK}!"


def test_a_secret_inside_of_any_variable_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    value = "correct-horse" + "-battery"
    monkeypatch.setenv("DATABASE", f"postgres://app:{value}@db.invalid/hr")
    assert redact(f"it is {value}!") == f"it is {MARK}!"


@pytest.mark.parametrize(
    ("name", "value"),
    [("PWD", "/srv/policies/hr-app-12"), ("SSH_AUTH_SOCK", "/run/user/1000/keyring/ssh"),
     ("GIT_AUTHOR_NAME", "A. Author"),
     ("TOKEN_URL", "http://127.0.0.1/login"), ("GIT_ASKPASS", "/usr/lib/git-core/git-gui--askpass"),
     ("KEYBOARD_LAYOUT", "english-us"), ("PATH", "/usr/local/bin"), ("MAX_TOKENS", "123456789")],
)  # fmt: skip
def test_what_is_only_about_a_secret_stays(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    assert redact(f"it is {value}!") == f"it is {value}!"


@pytest.mark.parametrize(
    "text",
    [
        "resource: api_key\nactions: ['token:rotate', 'password:reset']\n",
        "tokenType: bearer-of-the-office\nsecretName: hr-app-secrets\nkeyId: main-signing-key\n",
        "expr: R.attr.token == P.attr.token && R.attr.secret_level > 3\n",
        "jwt:\n  iss: cerbos-test-suite\n  customArray: [foo, bar]\n",
        "credentials:\n  type: password\n  owner: employee\n",
        "password:\n  type: string\n  pattern: '^[a-z0-9]{8,}$'\n",
        "keys: [alice, bob]\npass: 12\npassed: 128/128\n",
        "token: |\n  given out by the front desk\n",
    ],
)
def test_a_policys_own_words_stay(text: str) -> None:
    assert redact(text) == text
    loaded = yaml.safe_load(text)
    assert redact_value(loaded) == loaded
