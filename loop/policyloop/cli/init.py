"""`policyloop init`: a first project, green from the start. It overwrites nothing."""

import os
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import Annotated

import typer

from policyloop.cli.first_project import FILES, POLICIES, POLICY_FILES
from policyloop.cli.options import directory
from policyloop.errors import Unavailable, UsageError
from policyloop.next_command import Next, policyloop, shell


def init(
    folder: Annotated[
        Path | None,
        typer.Argument(help="The project's folder; by default this one.", metavar="FOLDER", parser=directory),
    ] = None,
) -> None:
    """Write policyloop.yaml, a first policy with a suite that is green, and a workflow of CI. Nothing is overwritten.

    Each file is put in place whole, the policy directory as a whole and last. What fails takes the others back; what
    was killed in the middle is finished by calling it again.
    """
    from policyloop.printing import say, say_next

    project = folder or Path()
    if not project.is_dir():
        command = f"{shell(['mkdir', '-p', str(project)])} && {policyloop('init', named=project)}"
        raise UsageError(f"There is no folder {project}.", "Make it.", [Next(command)])
    written = place(project)
    for path in written:
        say(os.path.join(str(project), path) if folder else path)  # noqa: PTH118 - as it was given
    if not written:
        say("Nothing to do: all of it is there.", err=True)
    say_next([Next(policyloop("check", named=project / POLICIES if folder else None), "to see that it is green")])


def place(project: Path) -> list[str]:
    """Put all of it in place; the paths of what was not there. Raises `UsageError` for what stands in the way."""
    missing = _missing(project)
    if not missing:
        return []
    done: list[Path] = []
    staged = _stage_folder(project)
    try:
        for path in missing:
            _stage(staged, path)
        for path in missing:
            done += _put(staged, project, path)
    except BaseException as error:
        for placed in reversed(done):
            _take_back(placed)
        if isinstance(error, FileExistsError):
            raise _in_the_way(Path(str(error.filename2 or error.filename)), project) from None
        if isinstance(error, OSError):
            raise _unwritable(project, error) from None
        raise
    finally:
        _remove(staged)
    return missing


def _stage_folder(project: Path) -> Path:
    """A folder of ours on the same disk; what a killed call left of its own is cleaned away."""
    for left in project.glob(".policyloop-init-*"):
        if left.is_dir() and not left.is_symlink():
            _remove(left)
    try:
        return Path(mkdtemp(prefix=".policyloop-init-", dir=project))
    except OSError as error:
        raise _unwritable(project, error) from None


def _missing(project: Path) -> list[str]:
    """What is not there yet, in the order in which it is put there."""
    missing = []
    for path, text in FILES.items():
        if not os.path.lexists(project / path):
            missing.append(path)
        elif not _says(project / path, text):
            raise _in_the_way(project / path, project)
    folder = project / POLICIES
    if not os.path.lexists(folder):
        missing.append(POLICIES)
    elif not all(_says(folder / path, text) for path, text in POLICY_FILES.items()):
        raise _in_the_way(folder, project)
    return missing


def _says(path: Path, text: str) -> bool:
    """Whether a file, and no link, holds this text: it was put there by an earlier call."""
    try:
        return not path.is_symlink() and path.is_file() and path.read_bytes() == text.encode()
    except OSError:
        return False


def _stage(staged: Path, path: str) -> None:
    """Write what belongs at `path` beside the project, down to the disk."""
    files = (
        {f"{POLICIES}/{name}": text for name, text in POLICY_FILES.items()} if path == POLICIES else {path: FILES[path]}
    )
    for name, text in files.items():
        file = staged / name
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("xb") as out:
            out.write(text.encode())
            out.flush()
            os.fsync(out.fileno())


def _put(staged: Path, project: Path, path: str) -> list[Path]:
    """Put one thing in place in one step; what was made for it, folders first. Raises `OSError`, also if it is."""
    made = []
    target = project / path
    for folder in reversed(target.parents):
        if folder.is_symlink() and folder != project and folder.is_relative_to(project):
            raise FileExistsError(17, "it is a link", str(folder))
        if folder != project and folder.is_relative_to(project) and not folder.is_dir():
            folder.mkdir()
            made.append(folder)
    if path == POLICIES:
        if os.path.lexists(target):
            raise FileExistsError(17, "it is there", str(target))
        (staged / path).rename(target)
    else:
        target.hardlink_to(staged / path)
    return [*made, target]


def _take_back(placed: Path) -> None:
    with suppress(OSError):
        if placed.is_dir() and placed.name == POLICIES:
            _remove(placed)
        elif placed.is_dir():
            placed.rmdir()
        else:
            placed.unlink()


def _remove(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)


def _in_the_way(path: Path, project: Path) -> UsageError:
    empty = project / "first-project"
    command = f"{shell(['mkdir', '-p', str(empty)])} && {policyloop('init', named=empty)}"
    return UsageError(
        f"{path} is there already, so nothing was written.",
        "It begins where nothing of it is there.",
        [Next(command, "to have it in a folder of its own")],
    )


def _unwritable(project: Path, error: OSError) -> Unavailable:
    return Unavailable(
        f"{project} cannot be written: {error.strerror}. Nothing is left of it.", "Make room, or the folder yours."
    )
