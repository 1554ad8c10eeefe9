"""Programs that run another one: taken off, and told in `via`. One row a wrapper."""

import re
import shlex
from typing import NamedTuple

from policyloop.decide.programs.apply import place
from policyloop.decide.programs.options import Arguments, arguments, known
from policyloop.decide.scene import Use
from policyloop.decide.values import ANYTHING, EMPTY, Value
from policyloop.places.keys import Whereabouts, key
from policyloop.shell.marks import HOLE

_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=", re.ASCII)


class Wrapper(NamedTuple):
    """How a wrapper's own words end and the program's begin."""

    names: str
    options: str = ""
    before: int = 0
    """Operands of its own before the program."""
    does: str = ""
    assigns: bool = False
    """`NAME=value` before the program sets variables for it."""
    code: str = ""
    """The option whose value is code for a shell."""
    joined: bool = False
    """The words are put together and given to a shell."""
    idle: str = ""
    """Options with which it runs nothing."""
    alone: str = ""
    """What it does without a program: a reason of the unknown."""


WRAPPERS = (
    Wrapper(
        "sudo",
        "A|askpass b|background B|bell C|close-from= D|chdir=V E|preserve-env=? e|edit g|group= "
        "H|set-home h|host= i|login k|reset-timestamp K|remove-timestamp l|list "
        "n|non-interactive N P|preserve-groups p|prompt= R|chroot= r|role= s|shell S|stdin t|type= T|"
        "command-timeout= u|user= U|other-user= V|version v|validate",
        does="privilege",
        assigns=True,
        idle="version list",
        alone="interactive-shell",
    ),
    Wrapper("doas", "n s L a= C=R u=", does="privilege", assigns=True, alone="interactive-shell"),
    Wrapper(
        "pkexec gksudo kdesudo",
        "u|user= disable-internal-agent k|keep-cwd m= g",
        does="privilege",
        alone="interactive-shell",
    ),
    Wrapper(
        "run0 systemd-run",
        "u|user=|unit= g|group= t|pty P|pipe S|shell G|collect q|quiet p|property= E|"
        "setenv= d|same-dir D|chdir=V working-directory=V on-calendar= on-boot= on-active= "
        "on-startup= on-unit-active= scope slice= r|remain-after-exit no-block wait uid= gid= nice= "
        "description= M|machine= H|host= timer-property= background= slice-inherit send-sighup "
        "service-type= no-ask-password",
        does="privilege",
    ),
    Wrapper(
        "su runuser",
        "c|command= l|login m|p|preserve-environment s|shell= g|group= G|supp-group= P|pty "
        "f|fast w|whitelist-environment= T u|user= session-command=",
        1,
        does="privilege",
        code="command",
        alone="interactive-shell",
    ),
    Wrapper(
        "gosu su-exec setuidgid chpst", "u= U= b= e= n= l= L= m= d= o= p= f= c= r= t= P 0 1 2 v", 1, does="privilege"
    ),
    Wrapper(
        "nsenter unshare",
        "t|target= m|mount=? u|uts=? i|ipc=? n|net=? p|pid=? C|cgroup=? U|user=? T|"
        "time=? S|setuid= G|setgid= r|root=?|map-root-user w|wd=? f|fork F|no-fork a|all e Z "
        "mount-proc=? map-user= map-group= map-users= map-groups= c|map-current-user keep-caps "
        "kill-child=? propagation= setgroups= R W preserve-credentials",
        does="privilege container-escape",
    ),
    Wrapper("chroot", "userspec= groups= skip-chdir u= g= G= n", 1, does="privilege"),
    Wrapper(
        "setpriv capsh aa-exec runcon sg newgrp",
        "reuid= regid= groups= clear-groups keep-groups "
        "init-groups inh-caps= ambient-caps= bounding-set= no-new-privs p|profile= n= d i u= r= t= l= c= user= "
        "drop= keep= print "
        "reset-env pdeathsig= selinux-label= apparmor-profile=",
        does="privilege",
    ),
    Wrapper(
        "env genv",
        "i|ignore-environment 0|null u|unset= C|chdir=V S|split-string= v|debug P= "
        "block-signal=? default-signal=? ignore-signal=? list-signal-handling a|argv0=",
        assigns=True,
        alone="-",
    ),
    Wrapper("nice gnice", "n|adjustment="),
    Wrapper("ionice", "c|class= n|classdata= p|pid= P|pgid= u|uid= t|ignore", idle="pid pgid uid"),
    Wrapper("chrt", "a b d f i m o r R v T= P= D= p|pid max all-tasks", 1, idle="pid max"),
    Wrapper("taskset", "a p|pid c|cpu-list", 1, idle="pid"),
    Wrapper("timeout gtimeout", "k|kill-after= s|signal= foreground preserve-status v|verbose f p", 1),
    Wrapper(
        "nohup setsid caffeinate fakeroot eatmydata dbus-run-session setarch linux32 linux64 i386 x86_64 "
        "unbuffer rlwrap winpty proot torsocks proxychains proxychains4 tsocks faketime "
        "catchsegv prlimit cgexec numactl ltrace-run firejail bwrap sandbox-exec valgrind perf-run "
        "chronic ts-run softlimit setlock daemonize daemon start-stop-daemon xvfb-run dotenv "
        "direnv-exec "
        "aws-vault-exec with-contenv tini dumb-init s6-setuidgid catatonit pidproxy ld.so "
        "ld-linux-x86-64.so.2 ld-linux.so.2 ld-linux-aarch64.so.1 wine",
        "c f w t= q a p r= u= D= n= v "
        "i s d e= o= g= G= B= b= l= S= quiet wait fork ctty l|library-path=I preload=I argv0= "
        "tool= leak-check= log-file=W suppressions=R track-origins= auto-servernum a|auto-servernum s|"
        "server-args= e|error-file=W ro-bind= bind= dev= proc= unshare-all die-with-parent private "
        "net= noprofile profile= "
        "exec= start stop pidfile=W make-pidfile background chuid= chdir=V user= group= name= x|exec= K "
        "k C= F R H h 0 1 2 3 X L",
    ),
    Wrapper("stdbuf gstdbuf", "i|input= o|output= e|error="),
    Wrapper("time gtime", "p|portability v|verbose f|format= o|output=W a|append l h q"),
    Wrapper("command", "p v V", idle="v V"),
    Wrapper("builtin noglob nocorrect - then-run", ""),
    Wrapper("exec", "c l a=", alone="-"),
    Wrapper(
        "strace ltrace dtruss truss",
        "f F c C r t T x v i q y e=|trace= o=W p|attach= s= S= u|user= E= "
        "a= P= O= I= b= k n= A= D d h L l= w output-separately follow-forks",
        idle="attach p",
    ),
    Wrapper("busybox toybox", "list install= s= list-full help", idle="list install list-full", alone="-"),
    Wrapper(
        "watch viddy",
        "n|interval= d|differences=? t|no-title x|exec e|errexit g|chgexit c|color b|beep "
        "p|precise q|equexit= w|no-wrap C|no-color",
        joined=True,
    ),
    Wrapper(
        "script",
        "c|command= q|quiet f|flush=? a|append e|return t|timing=? T|log-timing=W O|log-out=W "
        "I|log-in=W B|log-io=W m|logging-format= o|output-limit= E|echo= F k d p r",
        code="command",
        alone="interactive-shell",
    ),
    Wrapper(
        "flock",
        "n|nb|nonblock w|wait|timeout= e|x|exclusive s|shared u|unlock E|conflict-exit-code= o|"
        "close F|no-fork c|command= verbose",
        1,
        code="command",
        alone="-",
    ),
    Wrapper("entr", "a c d n p r s z", joined=False),
    Wrapper("coproc", ""),
    Wrapper(
        "npx bunx pnpx uvx",
        "p|package= y|yes no no-install q|quiet c|call= w|workspace= "
        "ignore-existing from= with= python= isolated bun index-url= refresh with-requirements=R n|no-cache "
        "offline node-options= prefer-offline verbose",
        does="package-install",
        code="call",
    ),
    Wrapper(
        "parallel",
        "j|jobs= k|keep-order N|max-replace-args= n|max-args= L= P= I= a|arg-file=R X m q|"
        "quote v t|verbose u|ungroup bar progress eta halt= joblog=W results=W S|sshlogin=H dry-run C|colsep= "
        "d|delimiter= 0|null retries= timeout= tmpdir=W "
        "will-cite no-notice tag line-buffer lb pipe block= recstart= recend= env= workdir= wd= delay= "
        "load= memfree= nice= plus r|no-run-if-empty x|xargs s|max-chars= rpl= shuf",
        joined=True,
        idle="dry-run",
        alone="-",
    ),
)
_XARGS = known(
    "0|null r|no-run-if-empty t|verbose p|interactive o|open-tty I= i|replace=? n|max-args= L|max-lines= l=? "
    "P|max-procs= d|delimiter= s|max-chars= E= e|eof=? a|arg-file=R x|exit J= R= S= show-limits "
    "process-slot-var=",
    stops=True,
)
_PACKAGE_RUNNERS = {"npx", "bunx", "pnpx", "uvx"}
_BY_NAME: dict[str, Wrapper] = {name: wrapper for wrapper in WRAPPERS for name in wrapper.names.split()}


def names() -> list[str]:
    """All programs that are taken off."""
    return [*_BY_NAME, "xargs", "gxargs"]


def unwrapped(use: Use) -> Value:
    """What the program behind a wrapper does."""
    wrapper = _BY_NAME[use.program]
    scene = use.scene
    given = arguments(use.words, known(wrapper.options, stops=True))
    if given.uncertain:
        scene.unknown("variable-argument")
    flags = given.flags
    if any(name in flags for name in ("help", "version", *wrapper.idle.split())):
        return ANYTHING
    if given.strange:
        scene.unknown("unknown-option")
    if wrapper.does:
        scene.does(*wrapper.does.split())
    before = scene.where
    try:
        for kind, value in given.values:
            if kind == "V":
                scene.where = Whereabouts(HOLE if HOLE in value else key(value, scene.where), *scene.where[1:])
            else:
                place(scene, kind, value)
        with scene.deeper(use.program):
            return _behind(use, wrapper, given)
    finally:
        scene.where = before


def _behind(use: Use, wrapper: Wrapper, given: Arguments) -> Value:
    scene, flags, rest = use.scene, given.flags, list(given.operands)
    if use.program == "sudo" and "edit" in flags:
        for name in rest:
            scene.reads(name)
            scene.writes(name)
        return EMPTY
    if use.program in {"su", "runuser"}:
        return _other_user(use, given)
    code = flags.get(wrapper.code, []) if wrapper.code else []
    if code:
        if use.program == "script" and rest:
            scene.writes(rest[0])
        return scene.code(Value((code[0],), use.tags), use.given)
    if use.program in {"env", "genv"} and "split-string" in flags:
        rest = [*_split(flags["split-string"]), *rest]
    kept = scene.variables
    if wrapper.assigns:
        scene.variables = {} if "ignore-environment" in flags else dict(kept)
        while rest and _ASSIGNMENT.match(rest[0]):
            name, _, text = rest.pop(0).partition("=")
            assigned(use, name.rstrip("+"), text)
    own, rest = rest[: wrapper.before], rest[wrapper.before :]
    if use.program == "flock" and own and "/" in own[0]:
        scene.writes(own[0])
    if use.program == "chroot" and own:
        scene.unknown("remote-command")
    if use.program == "flock" and rest[:1] in (["-c"], ["--command"]):
        return scene.code(Value((rest[1] if len(rest) > 1 else "",)), use.given)
    try:
        if not rest:
            return _alone(use, wrapper, flags)
        if use.program == "sudo" and flags.keys() & {"shell", "login"}:
            return scene.code(Value((" ".join(rest),)), use.given)
        if wrapper.joined:
            return _joined(use, rest, flags)
        if use.program in _PACKAGE_RUNNERS:
            scene.unknown("package-program")
            rest[0] = re.sub(r"(?<=.)@[^/]*$", "", rest[0])
        if use.program == "entr":
            rest = [HOLE if word == "/_" else word for word in rest]
        return scene.run(use.of(rest))
    finally:
        scene.variables = kept


def assigned(use: Use, name: str, text: str) -> None:
    """A variable for a program: some make it run or load something else."""
    from policyloop.decide.environment import noted

    use.scene.variables[name] = Value((text,), use.tags)
    noted(use.scene, name, Value((text,), use.tags))


def _alone(use: Use, wrapper: Wrapper, flags: dict[str, list[str]]) -> Value:
    if use.program == "sudo" and flags.keys() & {"validate", "reset-timestamp", "remove-timestamp"}:
        return EMPTY
    if wrapper.alone and wrapper.alone != "-":
        if use.given.texts != ("",):
            from policyloop.decide.programs.interpreters import script_input

            return script_input(use, [])
        use.scene.unknown(wrapper.alone)
    return ANYTHING


def _other_user(use: Use, given: Arguments) -> Value:
    """`su [-] [user] [-c code]`: options may stand behind the user."""
    words = [word for word in given.operands if word != "-"]
    behind = arguments(words[1:], known(next(row.options for row in WRAPPERS if "su" in row.names.split())))
    code = given.flags.get("command", []) or behind.flags.get("command", [])
    if code:
        return use.scene.code(Value((code[0],), use.tags), use.given)
    if use.program == "runuser" and given.flags.get("user"):
        return use.scene.run(use.of(words))
    if use.given.texts != ("",):
        from policyloop.decide.programs.interpreters import script_input

        return script_input(use, [])
    use.scene.unknown("interactive-shell")
    return ANYTHING


def _split(texts: list[str]) -> list[str]:
    words: list[str] = []
    for text in texts:
        try:
            words.extend(shlex.split(text))
        except ValueError:
            words.append(HOLE)
    return words


def _joined(use: Use, rest: list[str], flags: dict[str, list[str]]) -> Value:
    scene = use.scene
    if use.program == "watch" and "exec" in flags:
        return scene.run(use.of(rest))
    if use.program != "parallel":
        return scene.code(Value((" ".join(rest),), use.tags), use.given)
    markers = [index for index, word in enumerate(rest) if word in {":::", ":::+", "::::"}]
    command = rest[: markers[0]] if markers else rest
    if markers and rest[markers[0]] != "::::":
        items = [word for word in rest[markers[0] + 1 :] if not word.startswith(":::")]
    else:
        items = [line for line in (use.given.known or "").split("\n") if line] or [HOLE]
    if not command:
        for item in items[:16]:
            with scene.perhaps():
                scene.code(Value((item,), use.given.tags), EMPTY)
        return ANYTHING
    text = " ".join(command)
    pieces = re.split(r"\{(?:[./#%]*|\d+[./]*)\}", text)
    for item in items[:16]:
        filled = item.join(pieces)
        with scene.perhaps():
            scene.code(Value((filled if filled != text else f"{text} {item}",), use.given.tags), EMPTY)
    return ANYTHING


def xargs(use: Use) -> Value:
    """`xargs`: what it is given becomes arguments."""
    scene = use.scene
    given = arguments(use.words, _XARGS)
    if given.uncertain:
        scene.unknown("variable-argument")
    if given.strange:
        scene.unknown("unknown-option")
    for kind, value in given.values:
        place(scene, kind, value)
    rest = given.operands or ["echo"]
    flags = given.flags
    marker = (flags.get("I") or flags.get("J") or [""])[0] or ("{}" if "replace" in flags else "")
    known_text = use.given.known if "arg-file" not in flags else None
    with scene.deeper("xargs"):
        inner = use._replace(tags=use.tags | use.given.tags)
        if known_text is None:
            items = [HOLE]
        elif "null" in flags:
            items = [item for item in known_text.split("\0") if item]
        elif marker or flags.get("delimiter"):
            items = [item for item in known_text.split("\n") if item]
        else:
            items = _split([known_text.replace("\n", " ")])
        if known_text is not None and not items:
            return scene.run(inner.of(rest, EMPTY)) if "no-run-if-empty" not in flags else EMPTY
        if marker:
            for item in items[:16]:
                scene.run(inner.of([word.replace(marker, item) for word in rest], EMPTY))
            return ANYTHING
        return scene.run(inner.of([*rest, *items], EMPTY))
