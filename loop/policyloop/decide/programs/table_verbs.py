"""Programs whose first words say what they do: package managers, containers, clouds, services, build tools.

A row: the programs, and for each beginning of their words (a pattern) the flags that it brings; `?reason` is one of the
unknown. The first that fits counts; where none does, the last line `""` says what is to be said.
"""

import re
from functools import cache

_NPM = (
    (r"(?:publish|unpublish|deprecate|dist-tag|owner|access|team)\b", "publish"),
    (
        r"(?:install|i|in|add|ci|update|up|upgrade|link|isntall|install-test|it|rebuild|audit fix|dedupe|import|"
        r"global add|create|init|dlx|exec|x|self-update|set version)\b",
        "package-install",
    ),
    (r"(?:uninstall|remove|rm|un|unlink|prune|global remove|store prune|cache clean)\b", ""),
    (r"(?:token|login|adduser|logout|whoami|config (?:get|ls|list)\b.*(?:auth\w*|-l|--long)|profile)\b", "secret-read"),
    (r"(?:config|c|set)\s+(?:set|delete|edit)\b", "environment"),
    (
        r"(?:run|run-script|rum|test|t|tst|start|stop|restart|build|dev|lint|format|typecheck|tsc|node|workspace|"
        r"workspaces)\b",
        "?build-target",
    ),
    (
        r"(?:ls|list|ll|la|view|info|show|outdated|audit|why|explain|search|help|root|prefix|bin|fund|doctor|"
        r"ping|version|pack|config|c|docs|repo|bugs|query|licenses|store|pkg|cache|diff|-v|--version)\b",
        "",
    ),
    (r"$", "package-install"),
    ("", "?build-target"),
)
_SYSTEM_PACKAGES = (
    (
        r"(?:install|upgrade|dist-upgrade|full-upgrade|update-install|reinstall|remove|purge|autoremove|erase|"
        r"add|del|groupinstall|localinstall|-[SURi]\w*|tap|link|unlink|cask|switch|dup|in|rm|build-dep|"
        r"downgrade|swap|--install|refresh|--configure|-i|-r|-P|--purge|--unpack)\b",
        "package-install",
    ),
    (r"(?:pin|unpin|services|mark|config-manager|add-repository|key)\b", "package-install"),
    ("", ""),
)
_CONTAINER = (
    (r"(?:push|image push|manifest push|trust sign)\b", "publish"),
    (r"(?:login|logout)\b", "secret-read"),
    (
        r"(?:system prune|volume (?:rm|prune)|rm|rmi|container (?:rm|prune)|image (?:rm|prune)|network (?:rm|"
        r"prune)|builder prune|buildx prune|stack rm|swarm leave|service rm|secret rm)\b",
        "cloud-change",
    ),
    (
        r"(?:kill|stop|restart|pause|container (?:kill|stop|restart|pause)|compose (?:kill|stop|restart))\b",
        "process-kill",
    ),
    (r"(?:compose|stack) .*\bdown\b", "cloud-change"),
    (
        r"(?:compose|stack) .*\b(?:up|run|exec|deploy|create|start|build|pull)\b|(?:compose|stack) (?:up|run|"
        r"exec|deploy|build)",
        "?build-target",
    ),
    (r"(?:pull|load|import|image (?:pull|load|import)|plugin install)\b", "package-install"),
    (r"(?:build|buildx build|buildx bake|image build|builder build)\b", "?build-target"),
    (
        r"(?:swarm|service|node|secret|config|stack|context (?:create|use|rm|update)|plugin|network (?:create|"
        r"connect|disconnect)|volume create|start|create|commit|tag|rename|update|export|save|cp|container "
        r"(?:start|create|update|rename))\b",
        "cloud-change",
    ),
    (
        r"(?:ps|images|logs|inspect|version|info|stats|top|port|diff|history|search|events|system (?:df|info|"
        r"events)|context|image|container|volume|network|compose|buildx|manifest|wait|attach|help|machine|-v|"
        r"--version|--help|$)",
        "",
    ),
    ("", "?unknown-option"),
)
_CLOUD = (
    (
        r".*\b(?:get-secret-value|get-parameter\b.*--with-decryption|get-parameters?\b.*--with-decryption|"
        r"secretsmanager get|secrets versions access|keyvault secret (?:show|download)|print-access-token|"
        r"print-identity-token|get-access-token|get-session-token|get-login-password|get-credentials|"
        r"get-federation-token|assume-role|export-credentials|create-access-key|iam service-accounts keys "
        r"create|account get-access-token|configure get|config get-value)\b",
        "secret-read",
    ),
    (r".*\b(?:s3|storage|gsutil|blob)\b.*\b(?:cp|sync|mv|rsync|upload|upload-batch|put-object|copy)\b", "upload"),
    (
        r".*\b(?:delete|rm|rb|remove|terminate|terminate-instances|destroy|purge|deregister|detach|disable|stop|"
        r"reboot|drop|erase|reset|del|mb|rollback|cancel)[\w-]*\b",
        "cloud-change",
    ),
    (
        r".*\b(?:create|update|put|modify|set|apply|deploy|run|start|attach|add|enable|import|restore|scale|"
        r"resize|patch|replace|edit|tag|grant|revoke|invoke|send-command|ssh|publish|push|copy|move|register|"
        r"associate|authorize|upload|mv|cp|sync)[\w-]*\b",
        "cloud-change",
    ),
    ("", ""),
)
_BUILD = (
    (
        "(?:--version|--help|-v|-h|help|version|tasks|projects|dependencies|list|-n|--dry-run|--just-print|"
        "--list|-l|--summary)$",
        "",
    ),
    ("", "?build-target"),
)

ROWS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    ("npm pnpm yarn yarnpkg bun", _NPM),
    (
        "pip pip3 pipx uv poetry pdm conda mamba micromamba rye hatch easy_install pipenv",
        (
            (r"(?:publish|upload)\b", "publish"),
            (
                r"(?:install|add|sync|update|upgrade|tool install|tool run|pip install|pip sync|wheel|download|"
                r"inject|reinstall|create|env create|env update|lock|upgrade-all|run|x|develop|self update)\b",
                "package-install",
            ),
            (r"(?:uninstall|remove|rm|pip uninstall|cache|env remove|clean|prune)\b", ""),
            (r"(?:shell|build|exec|test|fmt)\b", "?build-target"),
            (r"config (?:set|unset|edit)", "environment"),
            ("", ""),
        ),
    ),
    ("twine", ((r"upload", "publish upload"), ("", ""))),
    (
        "gem bundle bundler",
        (
            (r"(?:push|yank|release)\b", "publish"),
            (r"(?:install|update|add|i\b|fetch|pristine|$)", "package-install"),
            (r"exec\b", "?build-target"),
            (r"signin|signout", "secret-read"),
            ("", ""),
        ),
    ),
    (
        "cargo rustup",
        (
            (r"(?:publish|yank|owner)\b", "publish"),
            (r"(?:login|logout)\b", "secret-read"),
            (
                r"(?:install|binstall|add|update|fetch|toolchain install|target add|component add|self update|"
                r"default|upgrade)\b",
                "package-install",
            ),
            (
                r"(?:run|r|test|t|bench|build|b|check|c|clippy|fix|doc|d|rustc|nextest|miri|watch|xtask)\b",
                "?build-target",
            ),
            (r"(?:uninstall|remove|clean|toolchain uninstall)\b", ""),
            (
                r"(?:fmt|tree|metadata|version|search|"
                r"locate-project|pkgid|show|which|help|generate-lockfile|info|package|new|init|vendor|report|expand|"
                r"audit|deny|outdated|-V|--version|--list|$)",
                "",
            ),
            ("", "?build-target"),
        ),
    ),
    (
        "go",
        (
            (r"(?:install|get|mod (?:download|tidy))\b", "package-install"),
            (
                r"(?:run|test|build|generate|"
                r"vet|tool|bug)\b",
                "?build-target",
            ),
            (r"env -[wu]", "environment"),
            (r"clean -\w*(?:cache|modcache)", ""),
            ("", ""),
        ),
    ),
    (
        "composer",
        (
            (
                r"(?:install|update|require|create-project|global require|i\b|u\b|self-update|reinstall)",
                "package-install",
            ),
            (r"(?:run|run-script|exec)\b", "?build-target"),
            ("", ""),
        ),
    ),
    (
        "apt apt-get aptitude dpkg yum dnf microdnf rpm zypper pacman yay paru apk brew port snap flatpak "
        "emerge nix-env nix guix choco scoop winget pkg pkg_add xbps-install xbps-remove eopkg opkg tlmgr cpan "
        "cpanm luarocks opam stack cabal mix rebar3 asdf mise nvm fnm pyenv rbenv sdk volta add-apt-repository "
        "apt-key mas softwareupdate installer",
        _SYSTEM_PACKAGES,
    ),
    ("docker podman nerdctl ctr crictl buildah skopeo docker-compose podman-compose", _CONTAINER),
    (
        "kubectl oc k3s microk8s",
        (
            (r".*\b(?:get|describe)\b.*\bsecrets?\b", "secret-read"),
            (r"(?:delete|drain|cordon|taint|evict|replace)\b", "cloud-change"),
            (
                r"(?:apply|create|patch|edit|scale|rollout (?:restart|undo|pause|resume)|set|label|annotate|run|"
                r"expose|autoscale|uncordon|certificate|cp|debug|attach|adm|new-app|new-project|start-build|"
                r"policy)\b",
                "cloud-change",
            ),
            (r"config (?:set|use|delete|unset|rename)", "environment"),
            (r"config view .*--raw", "secret-read"),
            (r"(?:proxy|port-forward)\b", "network-listen"),
            (
                r"(?:get|describe|logs|top|explain|version|cluster-info|api-resources|api-versions|config|auth|diff|"
                r"wait|rollout|events|kustomize|completion|options|plugin|help|whoami|project|projects|status|"
                r"--help|$)",
                "",
            ),
            ("", "?unknown-option"),
        ),
    ),
    (
        "helm",
        (
            (
                r"(?:install|upgrade|uninstall|delete|rollback|test|plugin|repo (?:add|remove|update)|push|un)\b",
                "cloud-change",
            ),
            (r"get (?:values|all)", "secret-read"),
            ("", ""),
        ),
    ),
    (
        "terraform tofu terragrunt pulumi cdk serverless sls sam eksctl kops ansible ansible-playbook vagrant "
        "packer nomad consul crossplane argocd flux salt chef-client puppet cdktf",
        (
            (
                r".*\b(?:destroy|apply|up|deploy|import|taint|untaint|state (?:rm|mv|push|replace-provider)|"
                r"force-unlock|refresh|remove|rm|delete|halt|provision|build|job (?:run|stop)|kv (?:put|delete)|app "
                r"(?:sync|delete|create)|suspend|resume|run|login|console|exec)\b",
                "cloud-change",
            ),
            (r".*\b(?:output|state pull|kv get|stack output|config get)\b", "secret-read"),
            (
                r"(?:plan|validate|fmt|show|"
                r"graph|version|providers|workspace|state|get|init|preview|ls|list|diff|synth|status|--version|"
                r"--help|$)",
                "",
            ),
            ("", "cloud-change"),
        ),
    ),
    (
        "aws gcloud az gsutil bq doctl heroku fly flyctl vercel netlify firebase wrangler linode-cli ibmcloud "
        "oci s3cmd mc rclone azcopy railway render hcloud scw exo cf eb",
        _CLOUD,
    ),
    (
        "vault op bw pass security secret-tool keyring gopass lpass chamber doppler infisical sops age-keygen "
        "keepassxc-cli ykman akeyless berglas",
        (
            (
                r"(?:kv (?:put|delete|destroy)|write|delete|insert|rm|remove|add-generic|edit|generate|encrypt|-e|"
                r"status|version|--version|--help|list|ls|lock|seal-status|find-identity|list-keychains|verify)\b",
                "",
            ),
            ("", "secret-read"),
        ),
    ),
    (
        "gh glab hub",
        (
            (r"auth (?:token|login|refresh|setup-git|status .*-t|status .*--show-token)", "secret-read"),
            (r".*\bsecret\b.*\b(?:set|delete|remove)\b", "cloud-change"),
            (
                r"(?:repo (?:delete|archive|edit|rename|transfer)|api .*(?:-X|--method)[ =]?(?:DELETE|PUT|PATCH|"
                r"POST)|release delete|issue delete|run (?:cancel|delete)|workflow (?:run|disable)|cache delete|"
                r"variable|ruleset|ssh-key|gpg-key|codespace|environment)\b",
                "cloud-change",
            ),
            (
                r"(?:pr (?:create|merge|comment|review|close|edit|reopen|ready)|issue (?:create|comment|close|edit|"
                r"transfer)|release (?:create|upload|edit)|gist (?:create|edit|delete)|repo (?:create|fork|sync)|mr "
                r"(?:create|merge|note|close)|pull-request)\b",
                "publish",
            ),
            (r"(?:extension|ext) (?:install|exec|upgrade)", "package-install"),
            (r"alias set", "persistence"),
            (
                r"repo clone|clone|pr checkout|"
                r"api|pr|issue|run|workflow|release|repo|search|browse|auth|gist|status|label|project|cache|mr|ci|"
                r"config|help|--version|$",
                "",
            ),
            ("", "?unknown-option"),
        ),
    ),
    (
        "systemctl service rc-service initctl sv supervisorctl pm2 loginctl launchd brew-services",
        (
            (
                r".*\b(?:enable|link|edit|set-default|preset|add-wants|reenable|startup|save|resurrect|enable-linger|"
                r"set-property|import-environment|set-environment)\b",
                "persistence",
            ),
            (
                r".*\b(?:poweroff|reboot|halt|suspend|hibernate|isolate|emergency|rescue|kexec|soft-reboot|default)\b",
                "system-stop",
            ),
            (
                r".*\b(?:stop|kill|restart|try-restart|reload-or-restart|disable|mask|delete|terminate-\w+|kill-\w+|"
                r"shutdown|reset-failed|force-reload|condrestart)\b",
                "process-kill",
            ),
            (
                r".*\b(?:start|unmask|daemon-reload|daemon-reexec|reload|add|update|reread|revert|freeze|thaw|run)\b",
                "persistence",
            ),
            ("", ""),
        ),
    ),
    ("crontab", ((r"(?:-u \S+ )?-l\b", ""), ("", "persistence"))),
    (
        "make gmake bmake just task ninja cmake meson bazel bazelisk buck2 gradle gradlew mvn mvnw ant sbt lein "
        "rake grunt gulp invoke tox nox pre-commit nx turbo lerna scons waf xcodebuild swift-build msbuild "
        "dotnet mage earthly tilt skaffold act pytest py.test jest vitest mocha cypress playwright karma ava "
        "rspec phpunit go-test ctest webpack vite rollup esbuild parcel next nuxt astro ng vue-cli-service "
        "react-scripts tsc eslint prettier babel stylelint black ruff flake8 isort mypy pylint pyright rubocop "
        "shellcheck shfmt golangci-lint clippy hadolint yamllint markdownlint biome swc cerbos policyloop",
        (
            (r"(?:--version|--help|-v|-h|help|version|-V|tasks|projects|-n|--dry-run|--just-print|--list|-l)$", ""),
            ("", "?build-target"),
        ),
    ),
    (
        "psql mysql mariadb sqlite3 sqlite mongosh mongo redis-cli cqlsh clickhouse-client sqlcmd duckdb influx "
        "dropdb createdb dropuser mysqladmin pg_dump pg_dumpall mysqldump pg_restore mongodump mongorestore "
        "rails artisan manage.py knex prisma alembic flyway liquibase sequelize supabase",
        (
            (
                r"(?is).*\b(?:drop\s+(?:table|database|schema|user|role|index|view|collection|keyspace)|truncate\s+|"
                r"delete\s+from\s+\S+\s*(?:;|\"|'|$)|dropdatabase|\.drop\(|deletemany\(\s*\{\s*\}|flushall|flushdb|"
                r"drop\b|db:drop|db:reset|db:schema:load|migrate:(?:fresh|reset|refresh)|migrate reset|flush\b|"
                r"\bclean\b|shutdown)",
                "database-destroy",
            ),
            (r"(?:--version|--help|-V|-l)$", ""),
            ("", "?loaded-file"),
        ),
    ),
    ("dropdb dropuser", (("", "database-destroy"),)),
    ("ssh-keygen", ((r".*-(?:l|F|H|B|E|y)\b", ""), ("", "permission-change"))),
    ("ssh-add ssh-agent gpg-agent ssh-copy-id", (("", "secret-read"),)),
    ("gpg gpg2", ((r".*(?:--export-secret|--decrypt|-d\b|--delete-secret)", "secret-read"), ("", ""))),
    (
        "claude codex gemini cursor-agent aider opencode goose amp copilot",
        (
            (
                r"(?:mcp|config|plugin|plugins|"
                r"settings|hook|hooks)\b.*\b(?:add|remove|set|install|uninstall|enable|disable|update|reset)",
                "agent-settings",
            ),
            (
                r".*(?:--dangerously|--yolo|"
                r"bypass|--bare|--safe-mode|--no-hooks|full-auto|never)",
                "agent-settings",
            ),
            (r"(?:--version|--help|-v|-h|doctor)$", ""),
            ("", "?package-program"),
        ),
    ),
)


@cache
def by_name() -> dict[str, list[tuple[re.Pattern[str], str]]]:
    """The lines of each program."""
    rows: dict[str, list[tuple[re.Pattern[str], str]]] = {}
    for names, lines in ROWS:
        compiled = [(re.compile(pattern), said) for pattern, said in lines]
        for name in names.split():
            rows[name] = compiled
    return rows
