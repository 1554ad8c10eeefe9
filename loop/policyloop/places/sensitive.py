"""Names of files that hold secrets, and the places that a system lives in."""

import re

from policyloop.places.globs import fits, matching

_SECRET = re.compile(
    r"""(?:^|/)(?:
        \.env(?:\.(?!(?:example|sample|template|dist|defaults|schema|test|ci)\b)[\w.-]+)? | \.envrc
      | id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)?(?:[_.-](?!pub\b)[\w-]+)* | ssh_host_\w+_key
      | \.ssh(?:/(?!known_hosts|config|authorized_keys|[^/]+\.pub|environment)[^/]+)?
      | [^/]+\.(?:pem|key|p12|pfx|jks|keystore|kdbx|ppk|asc\.key|ovpn)
      | \.netrc | _netrc | \.pgpass | \.my\.cnf | \.npmrc | \.pypirc | \.git-credentials | \.htpasswd | \.vault-token
      | \.boto | \.s3cfg | \.dockercfg | \.docker/config\.json | \.kube/config | kubeconfig(?:\.ya?ml)?
      | \.aws(?:/(?:credentials|sso(?:/.*)?|cli/cache(?:/.*)?))? | \.azure(?:/.*)? | \.oci/config
      | \.config/(?:gcloud|gh|glab-cli|hub|op|1Password|doctl|rclone|sops)(?:/.*)?
      | \.gnupg(?:/.*)? | \.password-store(?:/.*)? | \.terraform\.d/credentials.* | \.terraformrc
      | \.cargo/credentials(?:\.toml)? | \.gem/credentials | \.m2/settings(?:-security)?\.xml | \.composer/auth\.json
      | secrets?\.(?:ya?ml|json|toml|env|ini|properties) | credentials\.(?:ya?ml|json|toml|env|csv|db)
      | (?:service[-_]?account|client[-_]secret)[\w.-]*\.json | application_default_credentials\.json
      | terraform\.tfstate(?:\.backup)? | \.vault_pass | vault[-_]pass(?:word)?(?:\.txt)? | master\.key
      | \.(?:bash|zsh|python|psql|mysql)_history | logins\.json | key[34]\.db | cookies\.sqlite | login\ data
      | \.config/pypoetry/auth\.toml | containers/auth\.json | kubernetes/(?:admin|kubelet|super-admin)\.conf
      | wallet\.dat | login\.keychain(?:-db)? | keychains(?:/.*)?
    )/?$
  | ^/etc/(?:g?shadow-?|sudoers|ssl/private(?:/.*)?|krb5\.keytab)
  | ^/proc/(?:.*/)?(?:environ|mem)$ | ^/dev/(?:k?mem|port)$
  | ^(?:~|/|/root|/home|/home/[^/]+|/Users|/Users/[^/]+)/?$
  | ^/(?:run|var/run)/secrets(?:/.*)?$ | ^/var/lib/(?:kubelet|docker/swarm)/
    """,
    re.VERBOSE | re.IGNORECASE,
)
SAMPLES = tuple(
    (
        ".env .env.production .env.local .envrc .ssh .ssh/id_rsa .ssh/id_ed25519 id_rsa id_ed25519 "
        ".aws/credentials .netrc .npmrc .pypirc .git-credentials .pgpass .kube/config .docker/config.json .gnupg "
        "credentials.json secrets.yaml secrets.yml server.key server.pem .vault-token .git .claude/settings.json "
        ".claude /etc/shadow /etc/gshadow /etc/passwd /etc/sudoers .aws/config .my.cnf .boto .s3cfg .dockercfg "
        ".htpasswd _netrc .vault_pass .config/gcloud .config/gh .config/gh/hosts.yml "
        ".password-store .cargo/credentials.toml id_dsa id_ecdsa "
        "kubernetes/admin.conf .terraform.d/credentials.tfrc.json .composer/auth.json .m2/settings.xml "
        "/proc/self/environ"
    ).split()
)
"""What a pattern is held against: names that a policy is likely to speak of."""
SYSTEM = tuple(
    (
        "/ /bin /boot /dev /etc /home /lib /lib32 /lib64 /opt /proc /root /run /sbin /srv /sys /usr "
        "/usr/bin /usr/lib /usr/local /usr/local/bin /usr/sbin /usr/share /var /var/lib /var/log /System /Library "
        "/Applications /Users /Volumes ~"
    ).split()
)
_SYSTEM_FILE = re.compile(
    r"/(?:bin|boot|dev|etc|lib|lib32|lib64|proc|sbin|sys|usr|System|Library)/|[A-Z]:/(?:Windows|Program Files)", re.I
)
_SETTINGS = re.compile(
    r"(?:^|/)(?:\.claude(?:/(?:settings[\w.-]*\.json|rules|output-styles|workflows|hooks|skills|agents|commands|plugins)(?:/.*)?)?|"
    r"\.claude\.json|(?:CLAUDE|AGENTS|GEMINI)(?:\.local|\.override)?\.md|\.mcp\.json"
    r"|managed-settings\.json|\.policyloop(?:/.*)?|policyloop\.ya?ml|\.cursor/(?:hooks|mcp|rules)\b.*|"
    r"\.codex/(?:config|hooks)\b.*"
    r"|\.gemini/settings\.json)$",
    re.IGNORECASE,
)
_STARTED = re.compile(
    r"(?:^|/)(?:\.(?:bashrc|bash_profile|bash_login|bash_logout|profile|zshrc|zshenv|zprofile|zlogin|kshrc|"
    r"cshrc|tcshrc|xinitrc|xprofile|inputrc)"
    r"|\.config/(?:fish/(?:config\.fish|conf\.d/.*|functions/.*)|autostart/.*|systemd/.*)|"
    r"\.ssh/(?:authorized_keys2?|rc|config)"
    r"|Library/Launch(?:Agents|Daemons)(?:/.*)?|\.git/hooks(?:/.*)?|\.git/config|\.gitconfig|"
    r"\.config/git/config|\.husky/.*|\.direnvrc)$"
    r"|^/etc/(?:cron|profile|bash|zsh|rc|init|systemd|ld\.so\.preload|ld\.so\.conf|environment|sudoers|pam\.d|"
    r"xdg/autostart|sudoers\.d)"
    r"|^/(?:lib|usr/lib)/systemd/|^/var/spool/(?:cron|at)|Start Menu/Programs/Startup",
    re.IGNORECASE,
)


def is_secret(key: str) -> bool:
    """Whether a file of this name usually holds a secret. `.env.example` does not, nor does a public key. Who reads a
    home directory whole, or all of them, reads the keys that lie there.
    """
    return _SECRET.search(key) is not None


def is_system(key: str) -> bool:
    """Whether it is a part of the system: `/etc/x`, `/usr`; also `/home` and the home directory themselves, whole."""
    bare = key.rstrip("/*") or "/"
    return bare in SYSTEM or _SYSTEM_FILE.match(key) is not None or re.fullmatch(r"[A-Z]:", bare) is not None


def is_agent_setting(key: str) -> bool:
    """Whether it says what an agent may do, or what it is asked: settings, hooks, instructions."""
    return _SETTINGS.search(key) is not None


def starts_later(key: str) -> bool:
    """Whether what is written there is run by somebody else later: a login, a timer, a commit."""
    return _STARTED.search(key) is not None


def could_be(pattern: str, more: tuple[str, ...] = ()) -> list[str]:
    """The known names that a pattern could stand for."""
    names = matching(pattern, SAMPLES + SYSTEM + more)
    start, _, last = pattern.rpartition("/")
    if pattern.startswith("/proc/"):
        # A process has a number, and each of its threads another: no list of names has them.
        names.extend(
            name
            for name in (f"{start}/environ", f"{start}/mem")
            if name not in names and fits(last, name[len(start) + 1 :])
        )
    return names
