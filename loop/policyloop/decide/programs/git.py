"""git: its options before the verb, aliases set in the call, and what each verb does to work, history and remotes."""

import itertools
import re

from policyloop.decide.programs.options import Arguments, arguments, known
from policyloop.decide.scene import Scene, Use
from policyloop.decide.values import CONTENTS, EMPTY, Value
from policyloop.places.keys import Whereabouts, key
from policyloop.places.sensitive import is_secret
from policyloop.shell.marks import HOLE, shown

_GLOBAL = known(
    "C= c= exec-path=? git-dir= work-tree= namespace= config-env= super-prefix= list-cmds= "
    "attr-source= p|paginate P|no-pager bare "
    "no-replace-objects no-lazy-fetch no-optional-locks no-advice literal-pathspecs "
    "glob-pathspecs noglob-pathspecs icase-pathspecs v|version "
    "h|help html-path man-path info-path",
    stops=True,
)
_VERBS = {
    "push": "f|force force-with-lease=? force-if-includes no-force-with-lease no-force d|delete mirror all|"
    "branches tags follow-tags prune n|dry-run u|set-upstream "
    "q|quiet v|verbose o|push-option= receive-pack=C exec=C repo= signed=? atomic progress no-verify "
    "verify porcelain thin no-thin recurse-submodules= 4|ipv4 6|ipv6",
    "reset": "hard soft mixed merge keep q|quiet p|patch N|intent-to-add pathspec-from-file=R "
    "pathspec-file-nul recurse-submodules=? refresh no-refresh",
    "clean": "f|force n|dry-run d x X i|interactive e|exclude= q|quiet no-force no-dry-run",
    "checkout": "f|force q|quiet b= B= orphan= t|track=? no-track detach p|patch ours theirs m|merge "
    "conflict= l ignore-skip-worktree-bits "
    "pathspec-from-file=R pathspec-file-nul overlay no-overlay recurse-submodules=? guess "
    "no-guess ignore-other-worktrees no-force progress",
    "restore": "s|source= S|staged W|worktree p|patch q|quiet ours theirs m|merge conflict= ignore-unmerged "
    "ignore-skip-worktree-bits "
    "pathspec-from-file=R pathspec-file-nul overlay no-overlay recurse-submodules=? no-staged "
    "no-worktree progress",
    "switch": "f|force|discard-changes c|create= C|force-create= d|detach orphan= t|track=? no-track m|merge "
    "conflict= q|quiet guess no-guess "
    "ignore-other-worktrees recurse-submodules=? no-force no-discard-changes progress",
    "branch": "D d|delete f|force m|move M c|copy C a|all r|remotes l|list v|verbose q|quiet u|"
    "set-upstream-to= unset-upstream t|track=? no-track contains=? no-contains=? "
    "merged=? no-merged=? points-at= format= sort= color=? column=? show-current edit-description "
    "abbrev=? i|ignore-case create-reflog",
    "tag": "d|delete f|force a|annotate s|sign m|message= F|file=R l|list n=? v|verify u|local-user= e|edit "
    "contains=? merged=? sort= format= points-at= color=? i|ignore-case cleanup= create-reflog",
    "stash": "k|keep-index p|patch q|quiet u|include-untracked a|all m|message= index S|staged "
    "pathspec-from-file=R v|verbose no-keep-index only-untracked",
    "commit": "a|all amend m|message= F|file=R C|reuse-message= c|reedit-message= fixup= squash= "
    "reset-author author= date= n|no-verify s|signoff S|gpg-sign=? no-edit e|edit "
    "q|quiet v|verbose allow-empty allow-empty-message p|patch dry-run short porcelain long i|"
    "include o|only t|template=R cleanup= trailer= u|untracked-files=? verify "
    "no-gpg-sign no-post-rewrite interactive status no-status pathspec-from-file=R",
    "rebase": "i|interactive onto= abort continue skip quit edit-todo show-current-patch x|exec=C r|"
    "rebase-merges=? autosquash no-autosquash autostash no-autostash f|force-rebase "
    "root m|merge s|strategy= X|strategy-option= k|keep-base keep-empty no-keep-empty empty= q|"
    "quiet v|verbose n|no-stat stat no-verify verify S|gpg-sign=? "
    "committer-date-is-author-date ignore-date reset-author-date signoff update-refs "
    "no-update-refs fork-point apply whitespace= C= ignore-whitespace reschedule-failed-exec",
    "gc": "prune=? aggressive auto q|quiet force no-prune cruft max-cruft-size= keep-largest-pack detach no-detach",
    "prune": "n|dry-run v|verbose progress expire= no-expire",
    "reflog": "expire= expire-unreachable= all n|dry-run rewrite updateref stale-fix verbose single-worktree",
    "update-ref": "d m= stdin z create-reflog no-deref batch-updates",
    "worktree": "f|force d|detach b= B= checkout no-checkout lock reason= n|dry-run v|verbose expire= "
    "porcelain z q|quiet guess-remote track orphan",
    "config": "global system local worktree f|file=I blob= get get-all get-regexp get-urlmatch l|list add "
    "unset unset-all replace-all rename-section remove-section e|edit "
    "type= bool int path bool-or-int z|null name-only show-origin show-scope default= includes "
    "no-includes all value= fixed-value append comment= regexp",
    "rm": "f|force r|recursive cached n|dry-run q|quiet ignore-unmatch sparse pathspec-from-file=R pathspec-file-nul",
    "mv": "f|force k n|dry-run v|verbose sparse",
    "add": "A|all u|update f|force n|dry-run v|verbose i|interactive p|patch e|edit N|intent-to-add refresh "
    "ignore-errors ignore-missing chmod= renormalize sparse "
    "pathspec-from-file=R pathspec-file-nul no-all",
    "clone": "b|branch= depth= recursive recurse-submodules=? bare mirror n|no-checkout o|origin= q|quiet v|"
    "verbose single-branch no-single-branch c|config= template=I reference=R "
    "separate-git-dir=W u|upload-pack=C l|local s|shared shallow-since= filter= sparse j|jobs= "
    "progress no-tags no-hardlinks dissociate shallow-submodules remote-submodules no-local",
    "filter-branch": "f|force",
    "filter-repo": "",
}
_ANY = known("")
_NET = frozenset(
    (
        "push fetch pull clone ls-remote remote submodule lfs archive svn p4 send-pack fetch-pack "
        "http-fetch http-push request-pull"
    ).split()
)
_HARMLESS_SETTINGS = re.compile(
    r"^(?:user|color|advice|log|diff\.(?!external|.*\.(?:textconv|command))|"
    r"status|branch|column|i18n|gui|push\.|pull\.|merge\.(?!.*driver|tool)|commit\.|tag\.|"
    r"rerere|core\.(?:quotepath|autocrlf|eol|safecrlf|filemode|ignorecase|abbrev|"
    r"precomposeunicode|bare|longpaths|symlinks|compression|preloadindex|"
    r"untrackedcache|fscache)|"
    r"http\.(?:version|postbuffer|lowspeed.*)|init\.|fetch\.|gc\.|pack\.|index\.|"
    r"feature\.|protocol\.version|safe\.directory|blame|grep|help|format|rebase|"
    r"stash|transfer|submodule\.recurse|"
    r"commit\.gpgsign|tag\.gpgsign|core\.pager=cat$)",
    re.IGNORECASE,
)
_LOCAL = frozenset(
    (
        "status log diff show blame rev-parse describe shortlog ls-files ls-tree cat-file "
        "rev-list name-rev merge-base for-each-ref show-ref symbolic-ref grep whatchanged cherry count-objects "
        "fsck version help var check-ignore check-attr diff-tree diff-index diff-files range-diff verify-commit "
        "verify-tag init merge cherry-pick revert am apply bisect notes bundle format-patch hash-object write-tree "
        "read-tree commit-tree mktree update-index repack pack-refs maintenance sparse-checkout annotate "
        "show-branch ls difftool mergetool citool gui instaweb daemon credential credential-store stripspace "
        "interpret-trailers column check-mailmap mailinfo merge-tree merge-file rerere replace pack-objects "
        "unpack-objects index-pack checkout-index fast-export fast-import bugreport diagnose get-tar-commit-id "
        "send-email shell upload-pack receive-pack http-backend scalar refs backfill last-modified history"
    ).split()
)
_PRINTS_FILES = frozenset(("hash-object", "interpret-trailers", "merge-file", "mailinfo", "annotate"))
"""Verbs that print files which need not be in the repository, or keep them where another verb prints them."""
_RUNS = {"bisect": "run", "submodule": "foreach"}


def git(use: Use) -> Value:
    """What a call of git does; `-C`, `--git-dir` and `-c alias...` are taken along."""
    scene = use.scene
    given = arguments(use.words, _GLOBAL)
    if "HOLE" in given.flags or given.uncertain:
        scene.unknown("variable-argument")
    before = scene.where
    for directory in given.flags.get("C", []):
        scene.where = Whereabouts(HOLE if HOLE in directory else key(directory, scene.where), *scene.where[1:])
    try:
        aliases = _settings(scene, given)
        verb, words = (given.operands[0], given.operands[1:]) if given.operands else ("", [])
        if verb in aliases and verb not in _VERBS and verb not in _LOCAL:
            return _alias(use, aliases[verb], words)
        if HOLE in verb:
            scene.unknown("variable-argument")
            return Value((HOLE,))
        if verb == "credential" or verb.startswith("credential-"):
            scene.does("secret-read")
        return _verb(use, verb, words)
    finally:
        scene.where = before


def _settings(scene: Scene, given: Arguments) -> dict[str, str]:
    """Settings of this call alone: an alias is what a verb means; most are harmless, the rest may run anything."""
    aliases: dict[str, str] = {}
    for setting in given.flags.get("c", []):
        name, _, text = setting.partition("=")
        if name.lower().startswith("alias."):
            aliases[name[6:]] = text
        elif re.match(r"gc\..*expire[^=]*=(?:now|all|0)", setting, re.IGNORECASE):
            scene.does("history-destroy")
        elif not _HARMLESS_SETTINGS.match(setting):
            _setting(scene, name, text)
    if "config-env" in given.flags or given.flags.get("exec-path"):
        scene.does("environment")
        scene.unknown("loaded-file")
    return aliases


def _setting(scene: Scene, name: str, text: str) -> None:
    """A setting that makes git run or load something."""
    scene.does("environment")
    scene.unknown("loaded-file")
    if (
        re.search(
            r"command$|pager|editor|askpass|helper|textconv|external|fsmonitor|driver|gpg\..*program|proxy$|"
            r"filter|clean$|smudge$",
            name,
            re.I,
        )
        and text
    ):
        with scene.perhaps(), scene.deeper("git"):
            scene.code(Value((text.removeprefix("!"),)), Value((HOLE,)))


def _alias(use: Use, text: str, words: list[str]) -> Value:
    scene = use.scene
    if HOLE in text:
        scene.unknown("variable-argument")
        return Value((HOLE,))
    with scene.deeper("git alias"):
        if text.startswith("!"):
            return scene.code(Value((" ".join([text[1:], *words]),)), use.given)
        if any(sign in text for sign in "'\"\\"):
            scene.unknown("variable-argument")
        return git(use._replace(words=[*text.split(), *words]))


def _verb(use: Use, verb: str, words: list[str]) -> Value:
    scene = use.scene
    if any(word in {"--help", "-h"} for word in words[:1]):
        return Value((HOLE,))
    spec = _VERBS.get(verb)
    given = arguments(words, known(spec) if spec is not None else _ANY)
    if given.uncertain:
        scene.unknown("variable-argument")
    if given.strange and spec:
        scene.unknown("unknown-option")
    for kind, value in given.values:
        if kind == "C":
            with scene.deeper("git"):
                scene.code(Value((value,)), EMPTY)
        elif kind in "RI":
            scene.reads(value)
            if kind == "I":
                scene.unknown("loaded-file")
    if verb in _NET:
        _remote(use, verb, words, given)
    elif spec is None and verb not in _LOCAL and verb:
        scene.unknown("unknown-option")
    flags = set(given.flags)
    does = _DOES.get(verb)
    if does is not None:
        does(scene, flags, given, words)
    else:
        _other(use, verb, words)
    return Value(
        (HOLE,), CONTENTS if verb in {"show", "diff", "log", "cat-file", "archive", "grep", "bundle", "blame"} else 0
    )


def _other(use: Use, verb: str, words: list[str]) -> None:
    scene = use.scene
    first = words[0] if words else ""
    if _RUNS.get(verb) == first and len(words) > 1:
        with scene.deeper(f"git {verb}"):
            if verb == "submodule":
                scene.code(
                    Value((" ".join(word for word in words[1:] if word not in {"--recursive", "--quiet"}),)), EMPTY
                )
            else:
                scene.run(use.of(words[1:]))
    elif verb in {"filter-branch", "filter-repo"}:
        scene.does("history-rewrite")
        for option, text in itertools.pairwise(words):
            if option.endswith(("-filter", "-callback", "--setup")):
                scene.does("inline-code") if verb == "filter-repo" else None
                with scene.deeper("git filter-branch"):
                    scene.code(Value((text,)), EMPTY) if verb == "filter-branch" else scene.unknown("inline-code")
    elif verb in {"difftool", "mergetool"}:
        for option, text in itertools.pairwise(words):
            if option in {"-x", "--extcmd"}:
                scene.code(Value((text,)), EMPTY)
        for word in words:
            if word.startswith("--extcmd="):
                scene.code(Value((word[9:],)), EMPTY)
    elif verb == "replace" or (
        verb == "repack" and any(re.match(r"-[^-]*[ad]|--unpack|--cruft-exp", word) for word in words)
    ):
        scene.does(
            "history-destroy"
            if verb == "repack" and any("A" not in word for word in words) and "-ad" in words
            else "history-rewrite"
        ) if verb == "replace" else None
    elif verb == "grep":
        for word in words:
            if re.match(r"-O|--open-files-in-pager", word) and "=" in word + "=":
                text = word.partition("=")[2] if word.startswith("--") else word[2:]
                scene.code(Value((text,)), EMPTY) if text else None
            elif is_secret(key(word, scene.where)):
                scene.reads(word)
    elif verb in {"show", "cat-file", "archive"}:
        for word in words:
            if is_secret(word.partition(":")[2]):
                scene.does("secret-read")
    elif verb in _PRINTS_FILES or (verb == "log" and {"-p", "--patch"} & set(words)):
        for word in words:
            text = word.partition("=")[2] if word.startswith("--") else word
            if is_secret(key(text, scene.where)):
                scene.reads(text)
    elif verb in {"diff", "apply", "am", "blame"}:
        for word in words:
            if not word.startswith("-") and ("/" in word or word.startswith(".")):
                scene.reads(word)
    elif verb == "init":
        for word in words:
            if word.startswith("--template="):
                scene.unknown("loaded-file")
    elif verb == "daemon":
        scene.does("network-listen", "publish")
    elif verb == "send-email":
        scene.sends(CONTENTS)


def _remote(use: Use, verb: str, words: list[str], given: Arguments) -> None:
    scene = use.scene
    if verb == "remote" and (not words or words[0] not in {"add", "set-url", "update", "show", "prune"}):
        return
    _other_side(scene, words)
    for word in given.operands:
        if (
            "://" in word
            or (re.match(r"[\w.-]+@?[\w.-]*:(?!/?/)(?!\\)", word) and not re.fullmatch(r"[\w./-]+:[\w./-]+", word))
            or ("@" in word and ":" in word)
        ):
            if word.startswith("ext::"):
                with scene.deeper("git"):
                    scene.code(Value((word[5:],)), EMPTY)
            else:
                scene.reaches(
                    word if "://" in word else word.rsplit("@", 1)[-1].split(":", 1)[0], "" if "://" in word else 22
                )
        elif word.startswith("ext::"):
            scene.code(Value((word[5:],)), EMPTY)
    if verb == "clone":
        operands = [word for word in given.operands if "://" not in word and ":" not in word]
        scene.writes(operands[-1] if operands else ".")


def _other_side(scene: Scene, words: list[str]) -> None:
    """`--upload-pack=CODE` and its like, shortened as git allows: run at the other side, which may be this machine."""
    for word, following in itertools.zip_longest(words, words[1:], fillvalue=""):
        name, sign, text = word.partition("=")
        if len(name) > 3 and any(option.startswith(name) for option in ("--upload-pack", "--receive-pack", "--exec")):
            with scene.deeper("git"):
                scene.code(Value((text if sign else following,)), EMPTY)


def _push(scene: Scene, flags: set[str], given: Arguments, words: list[str]) -> None:
    if flags & {"dry-run"}:
        return
    scene.does("publish")
    refs = given.operands[1:]
    if flags & {"force", "mirror"} or any(ref.startswith("+") for ref in refs):
        scene.does("force-push")
    if flags & {"delete", "mirror", "prune"} or any(re.match(r"\+?:.", ref) for ref in refs):
        scene.does("remote-delete")
    if "force-with-lease" in flags and "force" not in flags:
        scene.does("history-rewrite")
    if "no-verify" in flags:
        scene.does("security-off")
    if any(HOLE in word for word in words):
        scene.unknown("variable-argument")


def _reset(scene: Scene, flags: set[str], given: Arguments, words: list[str]) -> None:
    del given, words
    if flags & {"hard", "merge"}:
        scene.does("worktree-discard")


def _clean(scene: Scene, flags: set[str], given: Arguments, words: list[str]) -> None:
    del words
    if "dry-run" in flags or not flags & {"force"}:
        return
    scene.does("worktree-discard")
    if "d" in flags:
        scene.does("recursive-delete")
    for name in given.operands or ["."]:
        scene.deletes(name)


def _checkout(scene: Scene, flags: set[str], given: Arguments, words: list[str]) -> None:
    paths = (
        words[words.index("--") + 1 :]
        if "--" in words
        else [word for word in given.operands if word in {".", ":/", "*"} or "/." in word]
    )
    if (
        ("force" in flags and "no-force" not in flags)
        or paths
        or ("B" in flags and "force" in flags)
        or flags & {"ours", "theirs", "pathspec-from-file"}
        or any(shown(word) == "*" for word in given.operands)
    ):
        scene.does("worktree-discard")
    for path in paths:
        scene.writes(path)


def _restore(scene: Scene, flags: set[str], given: Arguments, words: list[str]) -> None:
    del words
    if "staged" in flags and "worktree" not in flags:
        return
    scene.does("worktree-discard")
    for path in given.operands:
        scene.writes(path)


def _switch(scene: Scene, flags: set[str], given: Arguments, words: list[str]) -> None:
    del given, words
    if "force" in flags or "discard-changes" in flags or "f" in flags:
        scene.does("worktree-discard")


def _branch(scene: Scene, flags: set[str], given: Arguments, words: list[str]) -> None:
    del given, words
    if "D" in flags or ("delete" in flags and "force" in flags):
        scene.does("history-destroy")
    elif flags & {"force", "M", "C"}:
        scene.does("history-rewrite")


def _tag(scene: Scene, flags: set[str], given: Arguments, words: list[str]) -> None:
    del given, words
    if flags & {"delete", "force"}:
        scene.does("history-rewrite")


def _stash(scene: Scene, flags: set[str], given: Arguments, words: list[str]) -> None:
    del flags, given
    if words[:1] in (["drop"], ["clear"]):
        scene.does("history-destroy")


def _commit(scene: Scene, flags: set[str], given: Arguments, words: list[str]) -> None:
    del given, words
    if flags & {"amend"} and "dry-run" not in flags:
        scene.does("history-rewrite")
    if "no-verify" in flags:
        scene.does("security-off")


def _rebase(scene: Scene, flags: set[str], given: Arguments, words: list[str]) -> None:
    del given, words
    if not flags & {"abort", "quit", "show-current-patch", "edit-todo"}:
        scene.does("history-rewrite")


def _gc(scene: Scene, flags: set[str], given: Arguments, words: list[str]) -> None:
    del flags, words
    if any(value in {"now", "all", "0", "0.seconds.ago"} for value in given.flags.get("prune", [])):
        scene.does("history-destroy")


def _prune(scene: Scene, flags: set[str], given: Arguments, words: list[str]) -> None:
    del given, words
    if "dry-run" not in flags:
        scene.does("history-destroy")


def _reflog(scene: Scene, flags: set[str], given: Arguments, words: list[str]) -> None:
    del words
    if given.operands[:1] in (["expire"], ["delete"]) and "dry-run" not in flags:
        scene.does("history-destroy")


def _update_ref(scene: Scene, flags: set[str], given: Arguments, words: list[str]) -> None:
    del given, words
    scene.does("history-destroy" if "d" in flags else "history-rewrite")


def _worktree(scene: Scene, flags: set[str], given: Arguments, words: list[str]) -> None:
    del words
    if given.operands[:1] == ["remove"]:
        for path in given.operands[1:]:
            scene.deletes(path)
        if "force" in flags:
            scene.does("worktree-discard")
    elif given.operands[:1] == ["add"]:
        for path in given.operands[1:2]:
            scene.writes(path)


def _config(scene: Scene, flags: set[str], given: Arguments, words: list[str]) -> None:
    del words
    operands = [word for word in given.operands if word not in {"set", "unset", "edit"}]
    reading = flags & {"get", "get-all", "get-regexp", "list", "get-urlmatch"} or given.operands[:1] in (
        ["get"],
        ["list"],
    )
    changing = (
        flags & {"unset", "unset-all", "remove-section", "rename-section", "edit", "add", "replace-all"}
        or len(operands) > 1
    )
    if reading or not changing:
        return
    scene.writes("~/.gitconfig" if "global" in flags else "/etc/gitconfig" if "system" in flags else ".git/config")
    if operands and not _HARMLESS_SETTINGS.match(operands[0]):
        scene.does("environment")
        if len(operands) > 1:
            with scene.perhaps(), scene.deeper("git config"):
                text = operands[1]
                if text.startswith("!") or re.search(
                    r"hookspath|command|pager|editor|helper|fsmonitor|driver", operands[0], re.I
                ):
                    scene.code(Value((text.removeprefix("!"),)), EMPTY)


def _remove(scene: Scene, flags: set[str], given: Arguments, words: list[str]) -> None:
    del words
    if "dry-run" in flags or "cached" in flags:
        return
    if "recursive" in flags:
        scene.does("recursive-delete")
    for path in given.operands:
        scene.deletes(path)


def _move(scene: Scene, flags: set[str], given: Arguments, words: list[str]) -> None:
    del flags, words
    for path in given.operands:
        scene.writes(path)


def _add(scene: Scene, flags: set[str], given: Arguments, words: list[str]) -> None:
    del words
    if "dry-run" not in flags:
        for path in given.operands:
            scene.lists_names(path)


_DOES = {
    "push": _push,
    "reset": _reset,
    "clean": _clean,
    "checkout": _checkout,
    "restore": _restore,
    "switch": _switch,
    "branch": _branch,
    "tag": _tag,
    "stash": _stash,
    "commit": _commit,
    "rebase": _rebase,
    "gc": _gc,
    "prune": _prune,
    "reflog": _reflog,
    "update-ref": _update_ref,
    "worktree": _worktree,
    "config": _config,
    "rm": _remove,
    "mv": _move,
    "add": _add,
}
