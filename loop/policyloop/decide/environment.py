"""Variables that make other programs run, load or reach something."""

import re

from policyloop.decide.scene import Scene
from policyloop.decide.values import EMPTY, Value
from policyloop.shell.marks import HOLE

_LOADS = frozenset(
    (
        "LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT DYLD_INSERT_LIBRARIES DYLD_LIBRARY_PATH "
        "DYLD_FRAMEWORK_PATH PYTHONPATH PYTHONSTARTUP PYTHONHOME PERL5LIB PERL5OPT PERLLIB RUBYOPT RUBYLIB "
        "NODE_OPTIONS NODE_PATH JAVA_TOOL_OPTIONS _JAVA_OPTIONS JDK_JAVA_OPTIONS BASH_ENV ENV ZDOTDIR GCONV_PATH "
        "PYTHONINSPECT PYTHONWARNINGS PROMPT_COMMAND PS4 INPUTRC GIT_CONFIG_GLOBAL GIT_CONFIG_SYSTEM "
        "GIT_CONFIG_COUNT GIT_CONFIG_PARAMETERS GIT_EXEC_PATH GIT_TEMPLATE_DIR GIT_DIR_HOOKS LUA_INIT LUA_PATH "
        "PHPRC PHP_INI_SCAN_DIR MAVEN_OPTS GRADLE_OPTS CLASSPATH RUSTC_WRAPPER RUSTC CARGO_BUILD_RUSTC_WRAPPER CC "
        "CXX MAKEFLAGS GOFLAGS npm_config_script_shell NPM_CONFIG_SCRIPT_SHELL KUBECONFIG DOCKER_HOST SSH_ASKPASS "
        "SUDO_ASKPASS LESSOPEN LESSCLOSE CURL_HOME WGETRC HISTFILE TAR_OPTIONS TAPE RSYNC_RSH RSYNC_CONNECT_PROG "
        "GREP_OPTIONS SHELLOPTS BASHOPTS CLAUDE_CONFIG_DIR ANTHROPIC_BASE_URL CLAUDE_CODE_SIMPLE OPENSSL_CONF "
        "SSLKEYLOGFILE"
    ).split()
)
_RUNS = re.compile(
    r"^(?:GIT_(?:SSH_COMMAND|SSH|PAGER|EDITOR|SEQUENCE_EDITOR|ASKPASS|EXTERNAL_DIFF|PROXY_COMMAND)|"
    r"(?:MAN)?PAGER|EDITOR|VISUAL|BROWSER|LESSOPEN|PROMPT_COMMAND|SSH_ASKPASS|SUDO_ASKPASS|RSYNC_RSH|"
    r"CVS_RSH|FZF_DEFAULT_COMMAND|BAT_PAGER|GH_PAGER|GH_EDITOR|AWS_PAGER|PSQL_PAGER|RUSTC_WRAPPER|"
    r"SUDO_EDITOR|TAR_OPTIONS)$"
)
_PROXY = re.compile(
    r"^(?:https?|all|ftp|no)_proxy$|^(?:npm_config_|PIP_|UV_)(?:registry|INDEX_URL|EXTRA_INDEX_URL)$|"
    r"^ANTHROPIC_BASE_URL$|^DOCKER_HOST$",
    re.IGNORECASE,
)


def noted(scene: Scene, name: str, held: Value) -> None:
    """What setting a variable means for programs that are run with it."""
    if name == "PATH":
        if any(_foreign(text) for text in held.texts):
            scene.does("environment")
        return
    if name in _LOADS:
        _loads(scene, held)
    if _RUNS.match(name):
        scene.does("environment")
        for text in held.texts:
            if text and HOLE not in text:
                with scene.perhaps(), scene.deeper(name), scene.apart():
                    scene.code(Value((text.lstrip("|").replace("%s", ""),)), EMPTY)
    if _PROXY.match(name):
        scene.does("environment")
        for text in held.texts:
            if "://" in text:
                scene.reaches(text)


def _loads(scene: Scene, held: Value) -> None:
    scene.does("environment")
    scene.unknown("loaded-file")
    for text in held.texts:
        if HOLE in text or "://" in text:
            continue
        for path in text.split(":"):
            if path.startswith(("/", "./", "../", "~/")):
                scene.reads(path)


def _foreign(text: str) -> bool:
    """Whether programs would be looked for in places where nobody installs them."""
    return any(
        not re.match(
            r"/(?:usr/|bin|sbin|opt/|nix/|snap/)|\ue000$|~?\ue005?/(?:\.cargo|\.local|go|\.npm|\.nvm|\.pyenv|"
            r"\.rbenv|\.bun|\.deno|bin)\b|$",
            part,
        )
        for part in text.split(":")
    )
