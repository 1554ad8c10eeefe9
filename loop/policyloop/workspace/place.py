"""Where things lie: the project's root above the policy directory, and the state directory of policyloop in it."""

import os
import stat
from contextlib import suppress
from pathlib import Path

from policyloop.errors import Unavailable, UsageError
from policyloop.next_command import Next, shell
from policyloop.workspace.git import git_tracks
from policyloop.workspace.inside import shown

CONFIG = "policyloop.yaml"
STATE = ".policyloop"
_ELSEWHERE = "Give another folder with --state."


def project_root(policies: Path) -> Path:
    """The nearest folder above `policies` with a `policyloop.yaml`, else with a `.git`, else the folder above.

    Never `policies` itself or anything below it: a model writes there. Nor is a mark believed that another user put
    into a folder that everybody may write to, such as `/tmp`.
    """
    # A link to the directory must not give it another root, with another state and another configuration.
    policies = policies.resolve()
    for mark in (CONFIG, ".git"):
        for above in policies.parents:
            if _believed(above / mark):
                return above
    return policies.parent


def locate_state(policies: Path, state: Path | None) -> Path:
    """Where the state of runs over `policies` lies, whether or not it exists.

    Raises `UsageError` for a place inside the policy directory, or around it, and for a state directory that came with
    the project's files: a link, or one in which git tracks something.
    """
    policies = policies.resolve()
    place = state.resolve() if state else _own(project_root(policies))
    if _within(place, policies):
        raise UsageError(f"The state directory {place} lies in the policy directory {policies}.", _ELSEWHERE)
    if _within(policies, place):
        raise UsageError(f"The policy directory {policies} lies in the state directory {place}.", _ELSEWHERE)
    return place


def state_directory(policies: Path, state: Path | None = None) -> Path:
    """As `locate_state`, and made when it is not there: for its owner only, and hidden from git.

    Raises `UsageError` for a place that will not do and `Unavailable` when it cannot be written.
    """
    place = locate_state(policies, state)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        # Two runs may begin at once; whichever comes second finds the folder made.
        with suppress(FileExistsError):
            place.mkdir(mode=0o700)
        status = place.stat()
        # Only where it is new: what a person wrote there since is theirs.
        if stat.S_ISDIR(status.st_mode) and not any(place.iterdir()):
            (place / ".gitignore").write_text("*\n", encoding="ascii")
    except OSError as error:
        raise Unavailable(f"The state directory {place} cannot be made: {error.strerror}.", _ELSEWHERE) from None
    if not stat.S_ISDIR(status.st_mode):
        raise UsageError(f"The state directory {place} is a file.", _ELSEWHERE)
    # Whoever can write here can put a patch or a run of their own in place of ours.
    if not trusted(status, policies.stat()):
        raise UsageError(f"The state directory {place} can be written by other users.", _ELSEWHERE)
    if not os.access(place, os.W_OK | os.X_OK):
        raise Unavailable(f"The state directory {place} cannot be written.", _ELSEWHERE)
    return place


def find_state(state: Path | None = None) -> Path:
    """The state directory for commands that look at runs: the given one, else the nearest at or above here.

    Raises `UsageError` when there is none.
    """
    if state:
        if state.is_dir():
            return state.resolve()
        raise UsageError(f"There is no state directory {state}.", "Give the one that the runs were started with.")
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / STATE).is_dir():
            return _own(folder)
    raise UsageError(f"There is no {STATE} folder at or above {here}.", "Give the state directory with --state.")


def _own(root: Path) -> Path:
    """The state directory in a project's root. Raises `UsageError` for one that came with the project's files."""
    place = root / STATE
    if place.is_symlink():
        raise UsageError(
            f"The state directory {place} is a link, and whoever made these files chose where it leads.",
            "Remove it.",
            [Next(shell(["rm", str(place)]))],
        )
    # What came with a clone was chosen by whoever made the clone: a ledger, say, that tells of a green run.
    tracked = git_tracks(place)
    if tracked:
        untrack = shell(["git", "-C", str(root), "rm", "-r", "--cached", STATE])
        raise UsageError(
            f"git tracks {shown(tracked)} in the state directory {place}: it came with the repository.",
            "Take it out.",
            [Next(f"{untrack} && {shell(['rm', '-r', str(place)])}")],
        )
    return place.resolve()


def trusted(status: os.stat_result, policies: os.stat_result) -> bool:
    """Whether nobody but us, root and the owner of the policies can have written it: its content ends up in them."""
    return status.st_uid in {os.geteuid(), policies.st_uid, 0} and not status.st_mode & stat.S_IWOTH


def _believed(mark: Path) -> bool:
    try:
        status, above = mark.stat(), mark.parent.stat()
    except OSError:
        return False
    # In a folder like /tmp anybody can put a policyloop.yaml above somebody else's policies.
    return not above.st_mode & stat.S_IWOTH or status.st_uid == os.geteuid()


def _within(inner: Path, outer: Path) -> bool:
    """Whether `inner` is `outer` or lies in it, also by another spelling of the same folder."""
    for folder in (inner, *inner.parents):
        if folder == outer:
            return True
        try:
            # Capitals that the disk does not tell apart, and bind mounts: another name for the very same folder.
            if folder.samefile(outer):
                return True
        except OSError:
            continue
    return False
