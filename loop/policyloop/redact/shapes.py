"""Secrets that are known by their shape alone: vendors' prefixes, private keys, tokens, passwords in addresses.

Every search is linear in the length of the text: a pattern starts with a fixed word and then either takes a run of
characters for good, or gives up after a bounded number of them.
"""

import re
from collections.abc import Iterator
from functools import cache

from policyloop.redact.names import MARK, dense

_COLOUR = r"(?<=\[[A-Za-z])|(?<=[\[;]\d[A-Za-z])|(?<=[\[;]\d\d[A-Za-z])|(?<=[\[;]\d{3}[A-Za-z])"
"""Behind what a terminal takes for a colour or a movement, whether or not its escape character is still there."""
_ESCAPED = r"(?<=\\[bfnrtu])|(?<=%[0-9A-Fa-f]{2})|(?<=\\x[0-9A-Fa-f]{2})|(?<=\\u[0-9A-Fa-f]{4})"
_START = f"(?:(?<![A-Za-z0-9])|{_ESCAPED}|{_COLOUR})"
"""The start of a word, also behind an escape: in `\nsk-...` the `n` is no letter of the word."""

_URLSAFE, _DOTTED, _ALNUM, _HEX = "A-Za-z0-9_-", "A-Za-z0-9_.-", "A-Za-z0-9", "0-9a-fA-F"

_PREFIXED = (
    # AI
    *((prefix, _URLSAFE, 8) for prefix in ("sk-ant-", "sk-or-v1-", "sk-proj-", "sk-svcacct-", "sk-admin-")),
    *((prefix, _ALNUM, 20) for prefix in ("hf_", "gsk_", "r8_", "lsv2_pt_", "lsv2_sk_", "api_org_")),
    *((prefix, _URLSAFE, 20) for prefix in ("xai-", "pplx-", "nvapi-", "tvly-", "pcsk_", "csk-")),
    # Code and packages
    *((prefix, _ALNUM, 20) for prefix in ("ghp_", "gho_", "ghu_", "ghs_", "ghr_")),
    ("github_pat_", "A-Za-z0-9_", 20),
    *((f"gl{kind}-", _DOTTED, 16) for kind in ("pat", "dt", "ft", "soat", "rt", "cbt", "imt", "ptt", "agent")),
    *((f"gl{kind}-", _DOTTED, 16) for kind in ("oas", "ffct")),
    ("GR1348941", _URLSAFE, 16),
    *((prefix, _ALNUM, 30) for prefix in ("npm_", "rubygems_", "oy2", "cio")),
    *((prefix, _URLSAFE, 20) for prefix in ("pypi-", "dckr_pat_", "dckr_oat_", "CCIPAT_", "bkua_", "CLOJARS_")),
    *((prefix, _ALNUM, 24) for prefix in ("ATATT3xFf", "ATCTT3xFf", "ATBB", "cmVmdGtuO")),
    ("AKC", _ALNUM, 30),
    # Clouds
    *((prefix, "A-Z0-9", 16) for prefix in ("AKIA", "ASIA", "ABIA", "ACCA")),
    ("ABSK", r"A-Za-z0-9+/=", 40),
    ("LTAI", _ALNUM, 12),
    ("AIza", _URLSAFE, 35),
    ("GOCSPX-", _URLSAFE, 20),
    ("ya29.", _DOTTED, 20),
    *((prefix, _HEX, 40) for prefix in ("dop_v1_", "doo_v1_", "dor_v1_")),
    *((prefix, _DOTTED, 20) for prefix in ("hvs.", "hvb.", "hvr.")),
    *((prefix, _URLSAFE, 20) for prefix in ("HRKU-", "fo1_", "nfp_", "vcp_", "sbp_", "sb_secret_", "pul-")),
    *((prefix, _DOTTED, 20) for prefix in ("pscale_tkn_", "pscale_pw_", "pscale_oauth_", "fm2_", "dp.pt.")),
    *((prefix, _DOTTED, 20) for prefix in ("dp.st.", "dp.ct.", "dp.sa.", "ops_", "tskey-", "cfut_")),
    ("dapi", _HEX, 32),
    ("dt0c01.", "A-Z0-9.", 24),
    ("sha256~", _URLSAFE, 40),
    ("AGE-SECRET-KEY-1", "A-Z0-9", 30),
    # Money and shops
    *((f"{kind}_{mode}_", _ALNUM, 16) for kind in ("sk", "rk") for mode in ("live", "test")),
    ("whsec_", r"A-Za-z0-9+/=_-", 16),
    *((prefix, _HEX, 24) for prefix in ("shpat_", "shpca_", "shppa_", "shpss_", "shptka_")),
    *((prefix, _URLSAFE, 20) for prefix in ("sq0atp-", "sq0csp-", "sq0idp-", "EAAAE", "access_token$production$")),
    *(
        (prefix, _URLSAFE, 20)
        for prefix in ("FLWSECK_TEST-", "FLWSECK-", "EZAK", "EZTK", "duffel_live_", "duffel_test_")
    ),
    # Mail, chat, work
    *((f"xox{kind}-", r"A-Za-z0-9.-", 10) for kind in "abeoprscd"),
    *((prefix, r"A-Za-z0-9.-", 20) for prefix in ("xapp-", "xoxe.xoxp-", "xoxe.xoxb-")),
    ("xkeysib-", _URLSAFE, 20),
    *((prefix, _URLSAFE, 20) for prefix in ("lin_api_", "lin_oauth_", "ntn_", "figd_", "figo_", "PMAK-", "tfp_")),
    *(
        (prefix, _URLSAFE, 20)
        for prefix in ("NRAK-", "NRII-", "NRJS-", "glsa_", "glc_", "sntrys_", "sntryu_", "hcaik_")
    ),
    *((prefix, _HEX, 30) for prefix in ("squ_", "sqp_", "sqa_")),
)
"""A vendor's prefix, the characters of what follows, and the fewest of them."""

_WHOLE = (
    *((prefix, _START + re.escape(prefix) + f"[{chars}]{{{least},}}+") for prefix, chars, least in _PREFIXED),
    ("SG.", r"SG\.[A-Za-z0-9_-]{16,}+\.[A-Za-z0-9_-]{16,}+"),
    ("8Q~", r"[A-Za-z0-9_~.-]{3}[78]Q~[A-Za-z0-9_~.-]{30,}+"),
    ("AccountKey=", r"(?<=AccountKey=)[A-Za-z0-9+/=]{40,}+"),
    ("SharedAccessKey=", r"(?<=SharedAccessKey=)[A-Za-z0-9+/=]{30,}+"),
    ("sig=", r"(?<=sig=)[A-Za-z0-9%+/=_-]{30,}+"),
    ("hooks.slack.com/", r"(?<=hooks\.slack\.com/)[a-z]{1,20}/[A-Za-z0-9_/+-]{16,}+"),
    ("/api/webhooks/", r"(?<=/api/webhooks/)\d{6,25}/[A-Za-z0-9_-]{20,}+"),
    ("webhook.office.com/", r"(?<=webhook\.office\.com/)[A-Za-z0-9_@/-]{40,}+"),
    ("hooks.zapier.com/", r"(?<=hooks\.zapier\.com/)hooks/catch/[A-Za-z0-9/_-]{8,}+"),
    (".atlasv1.", r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{40,}+"),
    ("-us", r"[0-9a-f]{32}-us[0-9]{1,2}"),
    ("key-", _START + r"key-[0-9a-zA-Z]{32}(?![A-Za-z0-9])"),
    ("SK", _START + r"SK[0-9a-f]{32}(?![A-Za-z0-9])"),
    ("AC", _START + r"AC[0-9a-z]{32}(?![A-Za-z0-9])"),
    (":", r"(?<![0-9])[0-9]{8,10}:[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])"),
    ("//0", _START + r"1//0[A-Za-z0-9_-]{30,}+"),
    ("pat", r"(?<![A-Za-z0-9])pat[A-Za-z0-9]{14}\.[0-9a-f]{64}"),
    ("secret_", _START + r"secret_[A-Za-z0-9]{40,}+"),
    ("_authToken=", r"(?<=_authToken=)[^\s\"']{8,}+"),
    (".", r"(?<![A-Za-z0-9_.])[MNO][A-Za-z0-9_-]{23,25}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,38}(?![A-Za-z0-9_-])"),
    (
        "PRIVATE KEY",
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:[^-]|-(?!----))*+(?:-{5,6}END [A-Z0-9 ]{0,60}-----)?",
    ),
    ("Private-Lines:", r"Private-Lines: ?[0-9]{1,4}\r?\n(?:[A-Za-z0-9+/=]{1,128}\r?\n?)++"),
    ("LS0tLS1CRUdJTi", r"LS0tLS1CRUdJTi[A-Za-z0-9+/=_-]{16,}+"),
)
"""A word without which there is no match, and a pattern that matches nothing but a secret."""

_IN_URL = r"[^\s/\"'<>`]"
_GAP = r"[ \t]{0,4}+"
_PERHAPS = (
    (("sk-",), _START + r"sk-(?P<bare>[A-Za-z0-9_-]{16,}+)"),
    (("s.", "b."), r"(?<![A-Za-z0-9_.)\]])[sb]\.(?P<vault>[A-Za-z0-9]{24})(?![A-Za-z0-9_.(])"),
    (("eyj",), r"(?P<jwt>eyJ[A-Za-z0-9_-]*+(?:\.[A-Za-z0-9_-]*+){0,4}+)"),
    (("://",), rf"://[^\s/:@\"'<>`]{{0,128}}:(?P<url>{_IN_URL}{{1,256}})@"),
    (("://",), r"://(?P<bare>[^\s/:@\"'<>`]{16,256})@"),
    (
        ("authorization",),
        rf"(?i:authorization(?:\\?[\"'])?{_GAP}[:=]{_GAP}(?:\\?[\"'])?(?:basic|bearer|digest|token|apikey))"
        r"[ \t]{1,4}+(?P<header>[^\s\"'\\,]{4,}+)",
    ),
    (("bearer",), r"(?i:bearer)[ \t]{1,4}+(?P<bare>[A-Za-z0-9._~+/=-]{16,}+)"),
    (("password",), r"(?i:login[ \t]{1,4}+\S{1,128}\s{1,8}password)[ \t]{1,4}+(?P<netrc>[^\s]{4,256}+)"),
    (
        ("cookie",),
        rf"(?i:(?:set-)?cookie(?:\\?[\"'])?{_GAP}:{_GAP}(?:\\?[\"'])?)[\w.-]{{1,64}}=(?P<bare>[^\s;\"'\\]{{12,}}+)",
    ),
    (("-u ", "--user "), r"(?<!\S)(?:-u|--user)[ \t]{1,4}+[\"']?[\w.@+-]{1,64}:(?P<user>[^\s\"':]{6,128})"),
)
"""Words of which one must be there (in lower case), and a pattern whose last named group is looked at once more."""


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """A pattern, once it is needed: most texts hold no hint of most secrets, and a hook is waited for."""
    return re.compile(pattern)


def shaped(text: str) -> Iterator[tuple[int, int]]:
    """Where secrets of a known shape stand in a text."""
    for hint, pattern in _WHOLE:
        if hint in text:
            for match in _compiled(pattern).finditer(text):
                yield match.span()
    lower = text.lower()
    for hints, pattern in _PERHAPS:
        if any(hint in lower for hint in hints):
            for match in _compiled(pattern).finditer(text):
                group = match.lastgroup or ""
                if _looks_like_one(group, match[group]):
                    yield match.span(group)


def _looks_like_one(group: str, value: str) -> bool:
    if MARK in value or value.startswith(("$", "{{", "%(", "<")):
        return False
    if group == "jwt":
        parts = value.split(".")
        return len(parts) >= 3 and len(parts[0]) >= 8 and len(parts[1]) >= 8
    if group == "user":
        return any(c.isalpha() for c in value) and any(not c.isalpha() for c in value)
    if group == "vault":
        return sum(c.isdigit() for c in value) >= 2 and not value.islower() and not value.isupper()
    return group in {"url", "header", "netrc"} or dense(value)
