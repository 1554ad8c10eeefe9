"""git, asked what is in a repository; nothing of the repository's configuration is run, and nothing is fetched."""

import os
import subprocess
from pathlib import Path

from policyloop.errors import Unavailable

TIMEOUT_SECONDS = 60
# A commit can carry the files of a bare repository, and git would take the folder that holds them for one.
_SETTINGS = (
    "--literal-pathspecs",
    *("-c", "core.warnAmbiguousRefs=true"),
    *("-c", "safe.bareRepository=explicit"),
    *("-c", "core.fsmonitor=false"),
)


def in_work_tree(folder: Path) -> bool:
    """Whether a `.git` stands in the folder or above it."""
    return any(os.path.lexists(above / ".git") for above in (folder, *folder.parents))


def git_tracks(place: Path) -> str | None:
    """The first path that git tracks at `place` or below it, None when there is none. Raises `Unavailable`."""
    if not in_work_tree(place.parent):
        return None
    listed = Git(place.parent).ask("ls-files", "-z", "--", place.name)
    return os.fsdecode(listed.split(b"\0", 1)[0]) or None if listed else None


class Git:
    """git in one folder, asked only what needs no hook, filter, pager, prompt or network."""

    def __init__(self, folder: Path) -> None:
        self.said = ""
        """The first line of what it complained of last."""
        self.complaints = b""
        """All that it complained of last."""
        self._folder = folder
        # `GIT_DIR`, `GIT_WORK_TREE` and the like would point git at another repository than the one the folder lies in.
        kept = {k: v for k, v in os.environ.items() if not k.startswith("GIT_") or k.startswith("GIT_CONFIG")}
        self._environment = {
            **kept,
            # A partial clone fetches what it lacks when it is asked, from wherever its configuration says.
            "GIT_NO_LAZY_FETCH": "1",
            # A replaced object or a graft would show another content under the revision that a person named.
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_GRAFT_FILE": os.devnull,
            # Looking writes nothing, not even a fresh index into `.git`.
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_TERMINAL_PROMPT": "0",
            # What git complains of is compared with English words.
            "LC_ALL": "C",
        }

    def ask(self, *arguments: str, stdin: bytes = b"") -> bytes | None:
        """What git prints, None when it fails; then `said` is its last line."""
        try:
            done = subprocess.run(
                ["git", "--no-pager", *_SETTINGS, *arguments],
                cwd=self._folder,
                env=self._environment,
                input=stdin,
                capture_output=True,
                timeout=TIMEOUT_SECONDS,
                check=False,
            )
        except FileNotFoundError:
            raise Unavailable("git is not installed, so no revision can be read.", "Install git.") from None
        except subprocess.TimeoutExpired:
            raise Unavailable(f"git {arguments[0]} did not answer in {TIMEOUT_SECONDS} seconds.") from None
        self.complaints = done.stderr
        lines = done.stderr.decode(errors="replace").splitlines() or [f"exit code {done.returncode}"]
        self.said = lines[0]
        return None if done.returncode else done.stdout

    def must(self, *arguments: str, stdin: bytes = b"") -> bytes:
        """As `ask`; raises `Unavailable` when git fails."""
        answer = self.ask(*arguments, stdin=stdin)
        if answer is None:
            raise Unavailable(f"git {arguments[0]} failed: {self.said}.", "See whether the repository is whole.")
        return answer
