"""Shells and interpreters: where their code comes from decides what is said. Code in other languages is not followed;
what it plainly names (literal paths, commands in `os.system`) is taken along as possible.
"""

import re

from policyloop.decide.scene import Scene, Use
from policyloop.decide.values import ANYTHING, DECODED, EMPTY, FETCHED, Value
from policyloop.shell.marks import HOLE
from policyloop.shell.quotes import decoded

SHELLS = frozenset(
    ("sh bash dash zsh ksh ash rbash mksh fish csh tcsh yash posh oksh pdksh ksh93 elvish nu xonsh").split()
)
_SHELL_VALUES = {"-o", "+o", "-O", "+O", "--rcfile", "--init-file"}
_CODE = {
    "python": ("-c",),
    "python2": ("-c",),
    "python3": ("-c",),
    "pypy": ("-c",),
    "pypy3": ("-c",),
    "ipython": ("-c",),
    "perl": ("-e", "-E"),
    "ruby": ("-e",),
    "node": ("-e", "--eval", "-p", "--print", "-pe"),
    "nodejs": ("-e", "--eval", "-p", "--print"),
    "bun": ("-e", "--eval", "-p"),
    "deno": (),
    "php": ("-r", "-R", "-B", "-E"),
    "lua": ("-e",),
    "luajit": ("-e",),
    "Rscript": ("-e",),
    "R": ("-e",),
    "julia": ("-e", "--eval", "-E", "--print"),
    "tclsh": (),
    "osascript": ("-e",),
    "pwsh": tuple(("-c -Command -command -EncodedCommand -enc -e -ec").split()),
    "powershell": tuple(("-c -Command -command -EncodedCommand -enc -e -ec").split()),
    "groovy": ("-e",),
    "scala": ("-e",),
    "elixir": ("-e",),
    "swift": ("-e",),
    "ghc": ("-e",),
    "runghc": (),
    "expect": ("-c",),
    "gdb": ("-ex", "--eval-command", "-eval-command"),
    "emacs": ("--eval", "-eval"),
    "vim": ("-c", "+"),
    "vi": ("-c",),
    "nvim": ("-c",),
    "ex": ("-c",),
    "ed": (),
    "sqlite3": (),
    "irb": ("-e",),
    "guile": ("-c",),
    "racket": ("-e",),
    "sbcl": ("--eval",),
    "clojure": ("-e",),
    "crystal": ("eval",),
    "tsx": ("-e", "--eval"),
    "ts-node": ("-e", "--eval"),
    "jshell": (),
    "java": (),
    "cmd": ("/c", "/C", "/k", "/K"),
    "octave": ("--eval",),
    "gawk-script": (),
}
INTERPRETERS = set(_CODE)
_LITERAL = re.compile(r"""(?:[rRbBuUfF]{0,2})(?P<q>"{1}|'{1})(?P<t>(?:\\.|(?!(?P=q)).)*)(?P=q)""", re.DOTALL)
_SYSTEM = re.compile(
    r"system|popen|spawn|exec|subprocess|check_output|check_call|getoutput|\brun\b|Open3|qx\b|shell_exec|"
    r"passthru|proc_open|child_process|doShellScript|do shell script|Invoke-Expression|\biex\b|Start-Process",
    re.I,
)
_DELETES = re.compile(
    r"remove|unlink|rmtree|rmdir|rm_r|rm_rf|\brm\b|rmSync|delete|FileUtils|Clear-Content|Remove-Item|\bdel\b|"
    r"\brd\b|erase|truncate|shred|destroy",
    re.I,
)
_WRITES = re.compile(
    r"write|open\s*\(|chmod|chown|rename|replace|move|copy|symlink|\blink\b|touch|mkdir|Set-Content|Out-File|"
    r"Add-Content|creat|append|put|utime|>|save|dump|extract|Move-Item|Copy-Item|New-Item|\becho\b|print",
    re.I,
)
_SENDS = re.compile(
    r"requests\.|urllib|http\.client|httpx|socket|fetch\(|axios|net\.connect|TCPSocket|Net::HTTP|LWP|"
    r"fsockopen|curl_|WebClient|Invoke-WebRequest|Invoke-RestMethod|\biwr\b|\bcurl\b|\bwget\b|smtplib|"
    r"ftplib|paramiko"
)
_FETCHES = re.compile(
    r"urlopen|requests\.get|httpx\.get|DownloadString|Invoke-WebRequest|\biwr\b|Invoke-RestMethod|\birm\b|"
    r"fetch\(|http\.get|https\.get|Net::HTTP|open-uri|LWP|file_get_contents\s*\(\s*['\"]http|urlretrieve|"
    r"DownloadFile",
    re.I,
)
_RUNS_TEXT = re.compile(
    r"\beval\b|\bexec\s*\(|\bcompile\s*\(|iex\b|Invoke-Expression|os\.system|popen|subprocess|child_process|"
    r"Function\s*\(|loadstring|instance_eval|system\s*\(",
    re.I,
)
_DECODES = re.compile(
    r"b64decode|base64|fromhex|unhexlify|atob|decode64|MIME::Base64|base64_decode|FromBase64String|"
    r"codecs\.decode|zlib\.decompress|marshal\.loads|unpack\s*\(|pack\s*\(|gzinflate|str_rot13|pickle\.loads"
)
_SHELL_OUT = re.compile(r"/bin/(?:ba|z|da)?sh|pty\.spawn|\bsh\b.*-i|cmd\.exe|dup2")
_PIECE, _OVERLAP = 6_000, 500
"""Characters that are looked at together, and how many of them come again with the next ones."""
_URL = re.compile(r"(?:https?|ftp|wss?)://[^\s\"'<>()`\\]+")


def shell(use: Use) -> Value:
    """`sh -c code`, `sh file`, `sh` with code on its input."""
    scene, words = use.scene, use.words
    index, code, reads_input, checks_only = 0, None, False, False
    while index < len(words) and words[index][:1] in {"-", "+"} and words[index] not in {"-", "--"}:
        word = words[index]
        index += 1
        if word in {"--help", "--version"}:
            return ANYTHING
        if word in _SHELL_VALUES or (not word.startswith("--") and word[-1] in "oO" and len(word) > 1):
            if word in {"--rcfile", "--init-file"} and index < len(words):
                scene.reads(words[index])
                scene.unknown("loaded-file")
            index += 1
        if not word.startswith("--") and word.startswith("-"):
            code = "" if "c" in word else code
            reads_input = reads_input or "s" in word
            checks_only = checks_only or "n" in word
        elif word.startswith("+") and "n" in word:
            checks_only = False
    if index < len(words) and words[index] in {"-", "--"}:
        index += 1
    rest = words[index:]
    if checks_only:
        # With `-v` it prints what it reads, and an error names what it does not understand.
        return Value((HOLE,), scene.reads(rest[0]) if rest and code is None else use.given.tags)
    if code is not None:
        return _given_code(use, rest)
    if rest and not reads_input:
        return script_file(use, rest[0], rest[1:])
    return script_input(use, rest)


def _given_code(use: Use, rest: list[str]) -> Value:
    scene = use.scene
    if not rest:
        return ANYTHING
    with scene.deeper(f"{use.program} -c"), scene.apart():
        scene.arguments = [Value((word,)) for word in rest[2:]]
        return scene.code(Value((rest[0],), origins(rest[0], use.tags)), use.given)


def script_file(use: Use, name: str, rest: list[str]) -> Value:
    """A script that stands in a file: followed where the text wrote that file itself."""
    scene = use.scene
    scene.reads(name)
    held = scene.held(name)
    if name in {"/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"}:
        held = use.given
    ran_origin(scene, held)
    if held is None or held.known is None or use.program not in SHELLS | {".", "source"}:
        scene.unknown("script-file")
        if held is None or held.known is None:
            return ANYTHING
        other_code(scene, held.known)
        return ANYTHING
    with scene.deeper(f"{use.program} {name}"):
        if use.program in {".", "source"}:
            return scene.code(held, use.given)
        with scene.apart():
            scene.arguments = [Value((word,)) for word in rest]
            return scene.code(held, use.given)


def script_input(use: Use, rest: list[str]) -> Value:
    """Code by a pipe or a here-document."""
    scene = use.scene
    if use.given.texts == ("",) and not use.given.tags:
        scene.unknown("interactive-shell")
        return ANYTHING
    ran_origin(scene, use.given)
    if use.given.known is None and HOLE in use.given.texts[0] and len(use.given.texts[0]) == 1:
        scene.unknown("script-stdin")
        return Value((HOLE,), use.given.tags)
    with scene.deeper(use.program), scene.apart():
        scene.arguments = [Value((word,)) for word in rest]
        return scene.code(use.given, EMPTY)


def origins(code: str, tags: int) -> int:
    """What is to be said of code whose words came from somewhere: that it was fetched only where it is not known."""
    return tags if HOLE in code else tags & ~FETCHED


def ran_origin(scene: Scene, held: Value | None) -> None:
    """Flags for code that is run, by where it came from."""
    if held is None:
        return
    if held.tags & FETCHED:
        scene.does("fetch-and-run")
    if held.tags & DECODED:
        scene.does("decode-and-run")


def interpreter(use: Use) -> Value:
    """python, node, perl and their like."""
    scene, words = use.scene, use.words
    options = _CODE.get(re.sub(r"(?<=[a-z])[\d.]+$", "", use.program), _CODE.get(use.program, ()))
    if not words:
        return _other_input(use)
    if words[0] in {"--version", "--help", "-V", "-h", "-v", "-version"} and len(words) == 1:
        return ANYTHING
    for index, word in enumerate(words):
        option, code = _code_option(word, words, index, options)
        if option:
            if any(sign in option.lower() for sign in ("-enc", "-ec")) or (
                use.program in {"pwsh", "powershell"} and option == "-e"
            ):
                if code.startswith("-") or not code:
                    return ANYTHING
                scene.does("decode-and-run", "inline-code")
                scene.unknown("inline-code")
                return ANYTHING
            _inline(use, code)
            return ANYTHING
        if not word.startswith("-") or word == "-":
            break
        if word == "-m":
            return _module(use, words[index + 1 :])
    rest = [word for word in words if not word.startswith("-")]
    if not rest or rest[0] == "-" or "-" in words[:1]:
        return _other_input(use)
    return script_file(use, rest[0], rest[1:])


def _code_option(word: str, words: list[str], index: int, options: tuple[str, ...]) -> tuple[str, str]:
    following = words[index + 1] if index + 1 < len(words) else ""
    clusters = not any(option == "-Command" for option in options)
    for option in options:
        if word == option:
            return option, following
        if option.startswith("--") and word.startswith(option + "="):
            return option, word[len(option) + 1 :]
        if (
            clusters
            and len(option) == 2
            and option[0] == "-"
            and re.fullmatch(rf"-[A-Za-z]*{re.escape(option[1])}", word)
            and not word.startswith("--")
            and len(word) <= 6
            and option != "-p"
        ):
            return option, following
        if len(option) == 2 and word.startswith(option) and len(word) > 2 and option[0] in "-/":
            return option, word[2:]
    return "", ""


def _other_input(use: Use) -> Value:
    scene = use.scene
    if use.given.texts == ("",) and not use.given.tags:
        scene.unknown("interactive-shell")
        return ANYTHING
    ran_origin(scene, use.given)
    if use.given.known is not None:
        _inline(use, use.given.known)
    else:
        scene.unknown("script-stdin")
    return ANYTHING


def _module(use: Use, words: list[str]) -> Value:
    scene = use.scene
    name = words[0] if words else ""
    if name in {"pip", "pipx", "uv", "pytest", "coverage", "build", "venv", "twine"}:
        with scene.deeper(f"{use.program} -m"):
            return scene.run(use.of(words))
    if name == "http.server":
        scene.does("network-listen", "publish")
    elif name in frozenset(
        (
            "json.tool this calendar timeit platform site sysconfig compileall py_compile "
            "unittest doctest ast tokenize dis black ruff mypy flake8 isort pylint"
        ).split()
    ):
        for word in words[1:]:
            if not word.startswith("-"):
                scene.reads(word)
    else:
        scene.unknown("package-program")
    return ANYTHING


def _inline(use: Use, code: str) -> None:
    scene = use.scene
    scene.does("inline-code")
    scene.unknown("inline-code")
    if HOLE in code:
        scene.unknown("variable-argument")
    if use.tags & FETCHED or (use.given.tags & FETCHED and _RUNS_TEXT.search(code)):
        scene.does("fetch-and-run")
    if use.tags & DECODED:
        scene.does("decode-and-run")
    with scene.deeper(use.program), scene.perhaps():
        other_code(scene, code)
    if use.program == "cmd":
        with scene.deeper("cmd"), scene.perhaps():
            scene.code(Value((code,)), EMPTY)


def other_code(scene: Scene, code: str) -> None:
    """What code in another language plainly names: addresses, paths by what it calls, commands for a shell.

    Long code piece by piece: some of what is looked for takes the square of what is looked at.
    """
    if len(code) > _PIECE:
        scene.unknown("too-large")
    for start in range(0, max(len(code), 1), _PIECE - _OVERLAP):
        _piece_of_code(scene, code[start : start + _PIECE])


def _piece_of_code(scene: Scene, code: str) -> None:
    for address in _URL.findall(code):
        scene.reaches(address)
    if _FETCHES.search(code) and _RUNS_TEXT.search(code):
        scene.does("fetch-and-run", sure=False)
    if _DECODES.search(code) and _RUNS_TEXT.search(code):
        scene.does("decode-and-run", sure=False)
    if _SHELL_OUT.search(code) and re.search(r"socket|connect|TCPSocket|fsockopen|net\.", code):
        scene.does("network-shell", sure=False)
    runs, deletes, writes = _SYSTEM.search(code), _DELETES.search(code), _WRITES.search(code)
    texts = [
        re.sub(
            r"\\u\{([0-9a-fA-F]+)\}",
            lambda m: chr(int(m[1], 16)),
            re.sub(r"\\x\{([0-9a-fA-F]+)\}", lambda m: chr(int(m[1], 16)), match["t"]),
        )
        for match in _LITERAL.finditer(code)
    ]
    texts = [decoded(text) for text in texts]
    tags = 0
    for text in [*texts, *_bare_paths(code)]:
        if (
            re.fullmatch(r"[~./]?[\w@%+=:,./~${}*?\[\]\\ -]+", text)
            and (re.match(r"[~./]|[A-Za-z]:[\\/]|\$HOME|\$env:", text) or "." in text or "/" in text)
            and "://" not in text
        ):
            tags |= scene.reads(_homed(text))
            if deletes:
                scene.deletes(_homed(text))
                if re.search(r"rmtree|rm_r|recursive|-Recurse|rmSync|/s\b", code, re.I):
                    scene.does("recursive-delete")
            if writes:
                scene.writes(_homed(text))
        if runs and (" " in text or "/" in text or text.isalpha()):
            _possible_shell(scene, text)
    if runs:
        _possible_shell(scene, " ".join(texts))
        for match in re.finditer(r"`([^`]+)`|%x[({\[]([^)}\]]+)[)}\]]|qx[({/]([^)}/]+)", code):
            _possible_shell(scene, match[1] or match[2] or match[3])
    if _SENDS.search(code):
        scene.sends(tags)


def _possible_shell(scene: Scene, text: str) -> None:
    from policyloop.shell.tree import Unparsed

    kept = scene.gathered
    try:
        with scene.perhaps(), scene.apart():
            scene.code(Value((text,)), EMPTY)
    except Unparsed:
        scene.gathered = kept


def _bare_paths(code: str) -> list[str]:
    """Paths without quotes, as PowerShell and cmd write them."""
    outside = _LITERAL.sub(" ", code)
    return (
        re.findall(
            r"(?<![\w/\\.~$])(?:~[/\\]|\$HOME[/\\]|\$env:USERPROFILE[/\\]|/|[A-Za-z]:[\\/])[\w.~\\/*-]*", outside
        )
        if re.search(r"Item|Content|\bdel\b|\brd\b|\brm\b|erase|format|cat\b|type\b|gc\b", outside, re.I)
        else []
    )


def _homed(text: str) -> str:
    from policyloop.shell.marks import TILDE

    return re.sub(
        r"^(?:~|\$HOME|\$\{HOME\}|\$env:(?:HOME|USERPROFILE)|%USERPROFILE%)(?=[/\\]|$)", lambda _: TILDE, text
    )
