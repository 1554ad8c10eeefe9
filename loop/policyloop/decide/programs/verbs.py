"""Programs of the table of verbs at work; containers and clouds with what more they touch."""

import re

from policyloop.decide.programs.apply import place
from policyloop.decide.programs.options import arguments, known
from policyloop.decide.programs.table_verbs import by_name
from policyloop.decide.scene import Use
from policyloop.decide.values import ANYTHING, CONTENTS, EMPTY, FETCHED, Value
from policyloop.places.keys import Whereabouts, key
from policyloop.shell.marks import HOLE, shown

_RUN = known(
    "d|detach i|interactive t|tty e|env= env-file=R v|volume= mount= w|workdir= u|user= name= rm p|publish= "
    "P|publish-all network= net= privileged cap-add= cap-drop= pid= ipc= userns= uts= "
    "security-opt= device= entrypoint= h|hostname= l|label= label-file=R restart= m|memory= cpus= platform= "
    "pull= link= add-host= dns= tmpfs= shm-size= ulimit= gpus= init read-only sig-proxy= "
    "volumes-from= log-driver= log-opt= health-cmd= cidfile=W group-add= stop-signal= cgroupns= "
    "cgroup-parent= runtime= q|quiet c|cpu-shares= it a|attach= expose= ip= mac-address= "
    "annotation= no-healthcheck oom-kill-disable domainname= sysctl= storage-opt= stop-timeout= "
    "device-cgroup-rule= detach-keys= index= T no-deps service-ports build remove-orphans n|namespace= "
    "container= context= kubeconfig=R stdin image= overrides= s|server= f|file=I project-name= profile= "
    "project-directory= H|host=",
    stops=True,
)
_ROOTS = re.compile(
    r"^(?:/|/etc|/root|/home|/var|/usr|/proc|/sys|/dev|/boot|/var/lib/docker|/(?:var/)?run(?:/docker\.sock|"
    r"/containerd.*|/podman.*)?|~|~/\.ssh|~/\.aws|.*docker\.sock)/?$"
)
_SKIP = frozenset(
    (
        "-H --host -c --context -l --log-level --config -n --namespace --kubeconfig -C "
        "--directory --prefix --cwd --dir -f --file -p --project-name --project --profile --region --manifest-path "
        "-o --output --cluster --user -s --filter -w --workspace --color --account -R --repo"
    ).split()
)
_FILES = re.compile(
    r"^(?:@|file://|fileb://)?((?:~|/|\.{1,2}/)[^\s]*|[\w.-]+/[\w./-]+|[\w-]*\.(?:ya?ml|json|toml|txt|sql|env|"
    r"tf|py|sh|js|ts|md|cfg|ini|xml|lock|tgz|whl|gz))$"
)
_INTO = {"docker", "podman", "nerdctl", "kubectl", "oc", "crictl", "docker-compose", "podman-compose"}
_CHANGES_DIRECTORY = {
    "make": ("-C", "--directory"),
    "gmake": ("-C", "--directory"),
    "npm": ("--prefix",),
    "yarn": ("--cwd",),
    "pnpm": ("-C", "--dir"),
    "just": ("-d", "--working-directory"),
    "ninja": ("-C",),
}


def verbs(use: Use) -> Value:
    """The line of the table that fits, and places that stand among the words."""
    scene, words = use.scene, use.words
    before = scene.where
    for option in _CHANGES_DIRECTORY.get(use.program, ()):
        for index, word in enumerate(words):
            if (
                (word == option and index + 1 < len(words))
                or word.startswith(f"{option}=")
                or (len(option) == 2 and word.startswith(option) and len(word) > 2)
            ):
                directory = words[index + 1] if word == option else word[len(option) :].lstrip("=")
                scene.where = Whereabouts(HOLE if HOLE in directory else key(directory, scene.where), *scene.where[1:])
    try:
        return _verbs(use)
    finally:
        scene.where = before


def _verbs(use: Use) -> Value:
    scene = use.scene
    bare = _without_options(use.words)
    said = " ".join(shown(word) for word in bare)
    if use.program in {"policyloop", "cerbos"}:
        said = " ".join(use.words)
    if HOLE in " ".join(use.words):
        scene.unknown("variable-argument")
    if use.program in _INTO and bare:
        inner = _into_container(use, bare)
        if inner is not None:
            return inner
    texts = [said] if bare and bare[0] not in {"", None} else [" ".join(use.words)]
    if use.program in _SQL:
        texts = [" ".join(use.words) + " " + (use.given.known or "")]
    for pattern, flags in by_name()[use.program]:
        if any(pattern.match(_searchable(use, pattern, text)) for text in texts):
            for flag in flags.split():
                scene.unknown(flag[1:]) if flag.startswith("?") else scene.does(flag)
            break
    _named(use, bare)
    return Value((HOLE,), use.tags)


_MOST_SEARCHED = 1_000


def _searchable(use: Use, pattern: re.Pattern[str], text: str) -> str:
    """A line as far as it can be held against a pattern: two that each fit anything take the square of its length."""
    if len(text) <= _MOST_SEARCHED or pattern.pattern.count(".*") < 2:
        return text
    use.scene.unknown("too-large")
    return text[:_MOST_SEARCHED]


_SQL = frozenset(
    (
        "psql mysql mariadb sqlite3 sqlite mongosh mongo redis-cli cqlsh clickhouse-client sqlcmd "
        "duckdb crontab ssh-keygen gpg gpg2 terraform tofu aws gcloud az gsutil gh glab kubectl oc systemctl "
        "claude codex gemini dpkg rpm pacman apk nix-env rails make ansible ansible-playbook"
    ).split()
)
"""For these the line is held against all words, options among them."""


def _without_options(words: list[str]) -> list[str]:
    bare: list[str] = []
    index = 0
    while index < len(words):
        word = words[index]
        index += 1
        if word in _SKIP and not bare:
            index += 1
        elif word.startswith("-") and not bare and len(word) > 1:
            continue
        else:
            bare.append(word)
    return bare


def _named(use: Use, bare: list[str]) -> None:
    """Files that are named: read as far as can be told."""
    scene, tags = use.scene, 0
    sends = use.program in {"aws", "gsutil", "gcloud", "az", "rclone", "s3cmd", "mc", "azcopy", "twine", "gh", "glab"}
    for word in use.words:
        text = word.partition("=")[2] if word.startswith("--") and "=" in word else word
        match = _FILES.match(text)
        if match is not None and "://" not in match[1]:
            tags |= scene.reads(match[1])
        elif "://" in text and not text.startswith("-"):
            scene.reaches(text)
    if use.program == "crontab":
        for word in bare:
            scene.reads(word) if word != "-" and not word.startswith("-") else None
        if use.given.known is not None and bare in ([], ["-"]):
            for line in use.given.known.split("\n"):
                parts = line.split(None, 5)
                if len(parts) == 6 and re.match(r"[\d*@/,-]+$", parts[0]):
                    with scene.deeper("crontab"), scene.perhaps():
                        scene.code(Value((parts[5],)), EMPTY)
    if (
        sends
        and tags & CONTENTS
        and any(
            word
            in {
                "cp",
                "sync",
                "mv",
                "rsync",
                "upload",
                "copy",
                "put-object",
                "copyto",
                "put",
                "create",
                "moveto",
                "edit",
                "comment",
            }
            for word in bare
        )
    ):
        scene.sends(tags | use.given.tags)


def _into_container(use: Use, bare: list[str]) -> Value | None:
    scene = use.scene
    words = bare
    if words[0] in {"compose", "container"}:
        words = _without_options(words[1:])
    if not words or words[0] not in {"run", "exec", "debug"} or (use.program == "crictl" and words[0] != "exec"):
        return _copied(use, words)
    verb = words[0]
    given = arguments(words[1:], _RUN)
    _isolation(use, given.flags)
    for kind, value in given.values:
        place(scene, kind, value)
    operands = given.operands
    if use.program in {"kubectl", "oc"}:
        scene.does("cloud-change")
        command = operands[operands.index("--") + 1 :] if "--" in operands else operands[1:] if verb == "exec" else []
        rest = arguments(operands[1:], _RUN)
        command = command or rest.operands
    else:
        command = operands[1:]
        if verb == "run":
            scene.unknown("package-program")
        for text in given.flags.get("entrypoint", []):
            command = [text, *command]
    scene.unknown("remote-command")
    if command:
        with scene.deeper(f"{use.program} {verb}"), scene.apart():
            scene.where = scene.where._replace(cwd="")
            kept, scene.files = scene.files, {}
            output = scene.run(use.of(command))
            scene.files = kept
        return output
    return ANYTHING


def _isolation(use: Use, flags: dict[str, list[str]]) -> None:
    scene = use.scene
    escaping = "privileged" in flags or any(
        value.split(":", 1)[0] == "host"
        for name in ("pid", "ipc", "userns", "uts", "network", "net", "cgroupns")
        for value in flags.get(name, [])
        if name not in {"network", "net"}
    )
    escaping = escaping or any(
        re.search(r"ALL|SYS_ADMIN|SYS_PTRACE|SYS_MODULE|DAC_READ|DAC_OVERRIDE|SYS_RAWIO|NET_ADMIN", value, re.I)
        for value in flags.get("cap-add", [])
    )
    escaping = (
        escaping
        or any("unconfined" in value or "disable" in value for value in flags.get("security-opt", []))
        or bool(flags.get("device"))
    )
    for value in flags.get("volume", []):
        source, sign, rest = value.partition(":")
        if sign and source.startswith(("/", "~", ".", "\ue005", HOLE)):
            name = key(source, scene.where)
            escaping = escaping or _ROOTS.match(shown(name)) is not None
            scene.reads(source)
            if not rest.endswith(":ro"):
                scene.writes(source)
    for value in flags.get("mount", []):
        match = re.search(r"(?:source|src)=([^,]+)", value)
        if match is not None and "type=volume" not in value:
            escaping = escaping or _ROOTS.match(key(match[1], scene.where)) is not None
            scene.reads(match[1])
            scene.writes(match[1])
    if escaping:
        scene.does("container-escape")


def _copied(use: Use, words: list[str]) -> Value | None:
    scene = use.scene
    if words[:1] == ["cp"] and len([word for word in words if not word.startswith("-")]) >= 3:
        source, target = [word for word in words[1:] if not word.startswith("-")][:2]
        if ":" not in source:
            scene.sends(scene.reads(source) & ~CONTENTS)
        if ":" not in target:
            scene.writes(target, Value((HOLE,), FETCHED))
    return None
