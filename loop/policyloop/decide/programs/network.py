"""Programs that talk to other machines: curl, wget, nc, socat, ssh, scp, rsync and their like."""

import re

from policyloop.decide.programs.options import arguments, known
from policyloop.decide.scene import Scene, Use
from policyloop.decide.values import ANYTHING, CONTENTS, EMPTY, FETCHED, Value
from policyloop.shell.marks import HOLE

_SPEAKS = re.compile(r"(?:^|/|\s)(?:ba|z|da|k|a|fi|c|tc)?sh\b|python|perl|ruby|php|node|lua|pwsh|powershell|cmd")
"""Programs that run what they are told."""
_CURL = known(
    "d|data=U data-ascii=U data-binary=U data-urlencode=E data-raw= json=U F|form=F form-string= T|"
    "upload-file=T o|output=W O|remote-name remote-name-all J|remote-header-name "
    "output-dir=V K|config=I L|location location-trusted s|silent S|show-error f|fail fail-with-body v|"
    "verbose i|include|show-headers I|head X|request= H|header=A A|user-agent= "
    "e|referer= u|user= U|proxy-user= x|proxy=H preproxy=H socks5=H socks5-hostname=H socks4=H socks4a=H "
    "proxy1.0=H b|cookie=B c|cookie-jar=W k|insecure E|cert=R key=R "
    "cacert=R capath=R D|dump-header=W m|max-time= connect-timeout= retry= retry-delay= retry-max-time= "
    "retry-all-errors retry-connrefused G|get g|globoff compressed create-dirs "
    "C|continue-at= r|range= z|time-cond= w|write-out= url=H resolve= connect-to= interface= N|no-buffer n|"
    "netrc netrc-file=R netrc-optional p|proxytunnel P|ftp-port= Q|quote= "
    "q|disable R|remote-time t|telnet-option= trace=W trace-ascii=W stderr=W unix-socket= "
    "abstract-unix-socket= V|version h|help=? M|manual Z|parallel parallel-max= 0 1 2 3 4 6 "
    "http1.0 http1.1 http2 http3 tlsv1 tlsv1.2 tlsv1.3 tls-max= ciphers= oauth2-bearer= max-redirs= "
    "libcurl=W no-progress-meter progress-bar # a B l j y= Y= limit-rate= post301 "
    "post302 post303 proto= proto-redir= proto-default= path-as-is request-target= etag-save=W "
    "etag-compare=R alt-svc=W hsts=W mail-from= mail-rcpt= no-clobber remove-on-error "
    "ssl-reqd ssl noproxy= dns-servers= doh-url=H cert-type= key-type= pass= pubkey=R crlfile=R aws-sigv4= "
    "anyauth basic digest ntlm negotiate tcp-nodelay keepalive-time= "
    "no-keepalive raw tr-encoding url-query= variable= expand-data= rate= fail-early styled-output skip-existing next :"
)
_WGET = known(
    "O|output-document=W o|output-file=W a|append-output=W P|directory-prefix=W q|quiet v|verbose nv c|"
    "continue N|timestamping r|recursive l|level= k|convert-links p|page-requisites "
    "i|input-file=R e|execute= post-file=T body-file=T post-data= body-data= method= header= user= password= "
    "ask-password no-check-certificate ca-certificate=R certificate=R "
    "private-key=R load-cookies=R save-cookies=W use-askpass=C user-agent= U= referer= proxy=? S|"
    "server-response spider t|tries= T|timeout= w|wait= Q|quota= b|background d|debug "
    "nc|no-clobber m|mirror np|no-parent nd|no-directories nH|no-host-directories A|accept= R|reject= D|"
    "domains= H|span-hosts K E|adjust-extension x|force-directories "
    "limit-rate= retry-connrefused no-verbose show-progress progress= content-disposition content-on-error "
    "config=I bind-address= V|version h|help 4 6 n L I= X= F B= "
    "no-cache no-cookies max-redirect= https-only secure-protocol= start-pos= backups=? trust-server-names "
    "rejected-log=W no-config no-hsts hsts-file=W random-wait connect-timeout= read-timeout= dns-timeout= "
    "waitretry= no-proxy compression= restrict-file-names= keep-session-cookies auth-no-challenge"
)
_NC = known(
    "l|listen e|exec=C c|sh-exec=C p|source-port= v|verbose n|nodns z u|udp w|wait= k|keep-open i|"
    "idle-timeout= s|source= x|proxy=H X|proxy-type= q= N U|unixsock t|telnet "
    "o|output=W lua-exec=R ssl ssl-cert=R ssl-key=R ssl-verify allow= deny= broker chat send-only "
    "recv-only no-shutdown m|max-conns= d|delay= r C D F 4 6 b I= O= P= T= V= S "
    "M= g= G= L= R= append-output x=W crlf h|help version proxy-auth= proxy-type= W="
)
_SSH = known(
    "1 2 4 6 A a C f G g K k M N n q s T t V v X x Y y b= c= D= E=W e= F=I I=R i=R J=H L= l= m= O= o=S p= Q= "
    "R= S= W=H w= B= P=",
    stops=True,
)
_SCP = known("1 2 3 4 6 A B C O p q R r s T v c= F=I i=R J=H l= o=S P= S=C D= X=")
_RSYNC = known(
    "a|archive v|verbose r|recursive u|update z|compress n|dry-run e|rsh=C rsync-path=C delete delete-before "
    "delete-during delete-after delete-excluded del force existing ignore-existing "
    "remove-source-files exclude= exclude-from=R include= include-from=R files-from=R f|filter= progress P "
    "partial partial-dir=W h|human-readable l|links L|copy-links p|perms t|times g|group "
    "o|owner D H|hard-links A|acls X|xattrs x|one-file-system S|sparse q|quiet c|checksum b|backup "
    "backup-dir=W suffix= T|temp-dir=W compare-dest=R copy-dest=R link-dest=R log-file=W "
    "password-file=R port= bwlimit= timeout= contimeout= stats i|itemize-changes chmod= chown= info= debug= "
    "inplace append append-verify whole-file W no-whole-file numeric-ids max-size= "
    "min-size= max-delete= list-only m|prune-empty-dirs R|relative d|dirs mkpath C|cvs-exclude E|"
    "executability F k|copy-dirlinks K|keep-dirlinks O|omit-dir-times J s|secluded-args y|fuzzy "
    "0|from0 4|ipv4 6|ipv6 M|remote-option= B|block-size= U|atimes write-batch=W read-batch=R daemon "
    "config=R skip-compress= size-only modify-window= no-perms no-owner no-group no-times "
    "no-o no-g no-p usermap= groupmap= iconv= stop-after= outbuf= out-format= safe-links munge-links "
    "copy-unsafe-links super fake-super delay-updates delete-missing-args ignore-errors"
)


def curl(use: Use) -> Value:
    """`curl`: fetches to its output or a file; `-d @file`, `-F f=@file`, `-T file` send."""
    scene = use.scene
    given = arguments(use.words, _CURL)
    _doubts(scene, given.strange, given.uncertain)
    flags = given.flags
    if flags.keys() & {"version", "help", "manual"}:
        return Value((HOLE,))
    sent = use.tags
    hosts = list(given.operands)
    outputs: list[str] = []
    config: list[str] = []
    for kind, value in given.values:
        if kind == "W":
            outputs.append(value)
        elif kind == "H":
            hosts.append(value) if value in flags.get("url", []) else scene.reaches(value)
        elif kind == "I":
            config.append(value)
        else:
            sent |= _sent_by_curl(use, kind, value)
    fetched = use.given.tags * ("-" in config)
    for name in config:
        if name != "-":
            fetched |= scene.reads(name)
            scene.unknown("loaded-file")
    sent |= fetched
    local = all(host.lower().startswith("file:") for host in hosts) and bool(hosts)
    for host in hosts:
        if host.lower().startswith("file:"):
            fetched |= scene.reads(host)
        else:
            scene.reaches(host, 80)
    origin = fetched | (0 if local else FETCHED)
    body = flags.get("output", [])
    for name in outputs:
        scene.writes(name, Value((HOLE,), origin if name in body else 0))
    if flags.keys() & {"remote-name", "remote-name-all"}:
        for host in hosts:
            own = host.rstrip("/").rsplit("/", 1)[-1].split("?", 1)[0]
            # With -J the other side gives the name.
            scene.writes(own if own and "remote-header-name" not in flags else HOLE, Value((HOLE,), origin))
    scene.sends(sent)
    if flags.get("aws-sigv4") or flags.get("proto-default") == ["file"]:
        scene.unknown("variable-host")
    saved = (body and body != ["-"]) or flags.keys() & {"remote-name", "remote-name-all"}
    return Value((HOLE,), 0 if saved or "head" in flags else origin)


def _sent_by_curl(use: Use, kind: str, value: str) -> int:
    scene = use.scene
    if kind == "U":
        return _body(use, value[1:]) if value.startswith("@") else 0
    if kind == "E":
        name, sign, file = value.partition("@")
        return _body(use, file) if sign and "=" not in name else 0
    if kind == "F":
        _, _, content = value.partition("=")
        if content[:1] in {"@", "<"}:
            tags = 0
            for name in content[1:].split(";", 1)[0].split(","):
                tags |= _body(use, name.strip('"'))
            return tags
        return 0
    if kind == "T":
        tags = 0
        for name in re.findall(r"[^,{}]+", value) if value.startswith("{") else [value]:
            tags |= _body(use, name)
        return tags
    if kind == "A":
        return _body(use, value[1:]) if value.startswith("@") else 0
    if kind == "B":
        return scene.reads(value) if "=" not in value else 0
    if kind == "R":
        scene.reads(value)
    elif kind == "V":
        scene.writes(value)
    return 0


def _body(use: Use, name: str) -> int:
    return (
        use.given.tags | (0 if use.given.known is not None else CONTENTS)
        if name in {"-", ".", ""}
        else use.scene.reads(name)
    )


def wget(use: Use) -> Value:
    """`wget`: writes a file named as the last part of the address unless told otherwise; `--post-file` sends."""
    scene = use.scene
    given = arguments(use.words, _WGET)
    _doubts(scene, given.strange, given.uncertain)
    flags = given.flags
    if flags.keys() & {"version", "help"}:
        return Value((HOLE,))
    sent = use.tags
    for kind, value in given.values:
        if kind == "T":
            sent |= _body(use, value)
        elif kind == "C":
            with scene.deeper("wget"):
                scene.run(use.of([value], EMPTY))
        elif kind == "W" and value not in flags.get("output-document", []):
            scene.writes(value)
        elif kind in "RI":
            if value == "-":
                sent |= use.given.tags
            else:
                scene.reads(value)
            if kind == "I":
                scene.unknown("loaded-file")
    if flags.get("execute"):
        scene.unknown("loaded-file")
    for host in given.operands:
        scene.reaches(host, 80)
    scene.sends(sent)
    documents = flags.get("output-document", [])
    for name in documents:
        if name != "-":
            scene.writes(name, Value((HOLE,), FETCHED))
    if not documents and "spider" not in flags:
        directory = (flags.get("directory-prefix") or ["."])[-1]
        for host in given.operands:
            name = re.sub(r"^\w+://", "", host).split("?", 1)[0].rstrip("/")
            scene.writes(
                f"{directory}/{name.rsplit('/', 1)[-1] if '/' in name else 'index.html'}", Value((HOLE,), FETCHED)
            )
    return Value((HOLE,), FETCHED if "-" in documents else 0)


def fetch(use: Use) -> Value:
    """`http` (httpie), `aria2c`, `lynx`, `fetch`, `GET`: what is no option is an address or something sent."""
    scene, tags, words = use.scene, use.tags, [word for word in use.words if not word.startswith("-")]
    if use.program in {"http", "https", "xh", "xhs"} and words and words[0].isupper():
        words = words[1:]
    if any(word in {"--help", "--version", "--offline"} for word in use.words):
        return ANYTHING
    for index, word in enumerate(words):
        if index and use.program in {"http", "https", "xh", "xhs"}:
            match = re.match(r"[^@=:]*(?:=@|:=@|@)(.+)", word)
            if match is not None:
                tags |= scene.reads(match[1])
        else:
            scene.reaches(word, 443 if use.program in {"https", "xhs"} else 80)
    if use.program in {"http", "https", "xh", "xhs"} and "--ignore-stdin" not in use.words:
        tags |= use.given.tags
    scene.sends(tags)
    saved = any(
        word in {"-d", "--download", "-O", "-o", "--output"} or word.startswith("--output=") for word in use.words
    )
    if saved or use.program in {"aria2c", "axel"}:
        for index, word in enumerate(use.words[:-1]):
            if word in {"-o", "--output", "-O"}:
                scene.writes(use.words[index + 1], Value((HOLE,), FETCHED))
        return Value((HOLE,), 0)
    return Value((HOLE,), FETCHED)


def netcat(use: Use) -> Value:
    """`nc`: connects or, with `-l`, waits; `-e` hands a program to the other side."""
    scene = use.scene
    given = arguments(use.words, _NC)
    _doubts(scene, given.strange, given.uncertain)
    flags = given.flags
    if flags.keys() & {"help", "version"}:
        return ANYTHING
    listening = "listen" in flags
    if listening:
        scene.does("network-listen")
    elif given.operands:
        scene.reaches(given.operands[0], given.operands[1] if len(given.operands) > 1 else "")
    for name in ("exec", "sh-exec", "lua-exec"):
        for command in flags.get(name, []):
            if not listening and not given.operands:
                return ANYTHING
            if _SPEAKS.search(command) or HOLE in command:
                scene.does("network-shell")
            with scene.deeper(use.program):
                scene.code(Value((command,)), Value((HOLE,), FETCHED))
    for kind, value in given.values:
        if kind == "W":
            scene.writes(value, Value((HOLE,), FETCHED))
        elif kind == "R":
            scene.reads(value)
        elif kind == "H":
            scene.reaches(value)
    if "z" in flags:
        return EMPTY
    scene.sends(use.given.tags | use.tags)
    return Value((HOLE,), FETCHED)


def socat(use: Use) -> Value:
    """`socat A B`: what comes from one address goes to the other. `EXEC:` and `SYSTEM:` run, `OPEN:` is a file."""
    scene = use.scene
    addresses = [part for word in use.words if not word.startswith("-") or word == "-" for part in word.split("!!")]
    tags, away = (
        use.tags | use.given.tags * ("-" in addresses or any(part.upper().startswith("STDI") for part in addresses)),
        False,
    )
    shells: list[str] = []
    for address in addresses:
        kind, _, rest = address.partition(":")
        upper = kind.upper()
        target = rest.split(",", 1)[0]
        if upper in {"EXEC", "SYSTEM", "SHELL"}:
            shells.append(rest.split(",pty", 1)[0].split(",stderr", 1)[0] if upper == "EXEC" else rest)
        elif upper in {"OPEN", "FILE", "GOPEN", "CREATE", "CREAT", "PIPE"}:
            if upper in {"CREATE", "CREAT"}:
                scene.writes(target, Value((HOLE,), FETCHED))
            else:
                tags |= scene.reads(target)
                if "wronly" in rest or "creat" in rest or "append" in rest:
                    scene.writes(target)
        elif "LISTEN" in upper or upper.endswith("-L") or "RECV" in upper:
            scene.does("network-listen")
            away = True
        elif re.match(r"(?:TCP|UDP|SSL|OPENSSL|SOCKS|PROXY|SCTP|VSOCK|TCP4|TCP6|UDP4|UDP6|DCCP)", upper):
            away = True
            host, _, port = target.partition(":")
            scene.reaches(host, port)
        elif upper not in {"-", "STDIO", "STDIN", "STDOUT", "FD", "STDERR"} and rest == "" and kind:
            tags |= scene.reads(kind)
        elif HOLE in address:
            scene.unknown("variable-host")
    for command in shells:
        if away:
            scene.does("network-shell") if re.search(
                r"(?:^|/|\s)(?:ba|z|da|k|a|fi|c|tc)?sh\b|python|perl|ruby|pwsh", command.strip("\"'")
            ) else None
        with scene.deeper("socat"):
            tags |= scene.code(Value((command.strip("\"'"),)), Value((HOLE,), FETCHED if away else 0)).tags
    if away:
        scene.sends(tags)
    return Value((HOLE,), FETCHED if away else tags)


def ssh(use: Use) -> Value:
    """`ssh host command`: the command runs elsewhere, under this name in `via`; places are told as they are named."""
    scene = use.scene
    given = arguments(use.words, _SSH)
    _doubts(scene, given.strange, given.uncertain)
    _ssh_values(use, given.values)
    if given.flags.keys() & {"V", "help"} or not given.operands:
        return ANYTHING
    scene.reaches(given.operands[0].removeprefix("ssh://"), (given.flags.get("p") or ["22"])[-1])
    input_tags = 0 if given.flags.keys() & {"n", "f"} else use.given.tags
    scene.sends(use.tags | input_tags)
    if given.flags.keys() & {"D", "R", "L", "w"}:
        scene.does("network-listen")
    command = given.operands[1:]
    if command:
        scene.unknown("remote-command")
        with scene.deeper("ssh"), scene.apart():
            scene.where = scene.where._replace(cwd="")
            scene.files = {}
            scene.code(Value((" ".join(command),), use.tags), use.given)
    elif use.given.texts != ("",):
        scene.unknown("remote-command")
        with scene.deeper("ssh"), scene.apart():
            scene.where = scene.where._replace(cwd="")
            scene.code(use.given, EMPTY)
    else:
        scene.unknown("interactive-shell")
    return Value((HOLE,), FETCHED)


def _ssh_values(use: Use, values: list[tuple[str, str]]) -> None:
    scene = use.scene
    for kind, value in values:
        if kind == "R":
            scene.reads(value)
        elif kind == "I":
            scene.reads(value)
            scene.unknown("loaded-file")
        elif kind == "W":
            scene.writes(value)
        elif kind == "H":
            scene.reaches(value, 22)
        elif kind == "C":
            with scene.deeper(use.program):
                scene.code(Value((value,)), EMPTY)
        elif kind == "S":
            match = re.match(
                r"\s*(ProxyCommand|LocalCommand|KnownHostsCommand|Match\s+exec|RemoteCommand|"
                r"ProxyUseFdpass)\s*[= ]\s*(.+)",
                value,
                re.IGNORECASE,
            )
            if match is not None:
                with scene.deeper(use.program):
                    scene.code(Value((match[2],)), EMPTY)


def scp(use: Use) -> Value:
    """`scp`, `rsync`, `sftp`: places with `host:` are elsewhere, the others are read or (the last) written."""
    scene, tags = use.scene, use.tags
    table = _RSYNC if use.program == "rsync" else _SCP
    given = arguments(use.words, table)
    _doubts(scene, given.strange, given.uncertain)
    flags = given.flags
    if flags.keys() & {"help", "version"}:
        return ANYTHING
    trying = use.program == "rsync" and flags.keys() & {"dry-run", "list-only"}
    for kind, value in given.values:
        if kind == "C" and use.program == "rsync":
            with scene.deeper("rsync"):
                scene.code(Value((value,)), EMPTY)
        elif use.program == "rsync" and kind in "RW":
            if kind == "R":
                tags |= scene.reads(value)
            else:
                scene.writes(value)
        else:
            _ssh_values(use, [(kind, value)])
    operands = given.operands
    if use.program == "sftp":
        for host in operands[:1]:
            scene.reaches(host.split(":", 1)[0], 22)
            scene.unknown("interactive-shell")
            scene.sends(CONTENTS)
        return ANYTHING
    for name in operands[:-1]:
        tags |= _from(scene, name)
    if operands and not trying:
        last = operands[-1]
        there = _host(last)
        if there is not None and len(operands) > 1:
            scene.reaches(there, 22 if "rsync:" not in last else 873)
            scene.sends(tags | CONTENTS)
        elif len(operands) > 1:
            scene.writes(last, Value((HOLE,), tags))
            if any(flag.startswith("del") for flag in flags):
                scene.does("recursive-delete")
                scene.deletes(last)
    if "remove-source-files" in flags and not trying:
        scene.does("recursive-delete")
        for name in operands[:-1]:
            if _host(name) is None:
                scene.deletes(name)
    return ANYTHING


def _host(name: str) -> str | None:
    if "://" in name:
        return name
    head, sign, _ = name.partition(":")
    return head if sign and "/" not in head and len(head) > 1 else None


def _from(scene: Scene, name: str) -> int:
    host = _host(name)
    if host is None:
        return scene.reads(name)
    scene.reaches(host, 22)
    return FETCHED


def _doubts(scene: Scene, strange: bool, uncertain: bool) -> None:  # noqa: FBT001 - within this file alone
    if strange:
        scene.unknown("unknown-option")
    if uncertain:
        scene.unknown("variable-argument")


def mail(use: Use) -> Value:
    """Mail with what it is given, and what is attached."""
    scene, tags = use.scene, use.tags | use.given.tags
    for option, value in zip(use.words, use.words[1:], strict=False):
        if option in {"-a", "-A", "--attach", "--body"} and not re.match(r"[\w-]+:", value):
            tags |= scene.reads(value)
    if any(word in {"--version", "--help", "-V"} for word in use.words):
        return ANYTHING
    for word in use.words:
        if re.fullmatch(r"[^@\s/]+@[^@\s/]+", word):
            scene.reaches(word)
    scene.sends(tags)
    return EMPTY
