"""The spec's file and the answers' file: found, read, and written all or nothing."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from policyloop.confirmed.believed import believed
from policyloop.errors import PersonNeeded, Unavailable, UsageError
from policyloop.specification import FILE_NAME, Spec, confirm, parse_spec, renewed
from policyloop.specification.document import MAX_BYTES, read_document
from policyloop.workspace.named import write_named


def spec_path(given: Path | None, policies: Path | None = None) -> Path:
    """Where the spec is: as given, else beside the policy directory, else here."""
    if given is not None:
        return given
    if policies is None:
        return Path(FILE_NAME)
    beside, here = policies.resolve().parent / FILE_NAME, Path.cwd()
    # As a person here would write it, in the commands that they are told.
    return beside.relative_to(here) if beside.is_relative_to(here) else beside


def read_text(path: Path) -> str:
    """The text of a file. Raises `UsageError`."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise UsageError(f"{path} has more than {MAX_BYTES} bytes.", "Split what it says.")
        return data.decode()
    except FileNotFoundError:
        raise UsageError(f"There is no file {path}.", "Go where it is, or name it.") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.", "Name another file.") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 at byte {error.start}.", "Save it as UTF-8.") from None


def read_spec(path: Path) -> Spec:
    """The spec in a file, confirmed only if a person's confirmation is known. Raises `UsageError` with the line."""
    return believed(parse_spec(read_text(path), str(path)), path)


def read_answers(path: Path) -> Mapping[str, str]:
    """Question id -> the id of an option, or words. Raises `UsageError`."""
    document = read_document(read_text(path), str(path))
    answers = document.data
    if not isinstance(answers, dict) or not answers:
        raise UsageError(f"{path}: it holds no answers.", "It is a mapping: the id of a question, and the answer.")
    for name, answer in answers.items():
        if not isinstance(answer, str) or not answer.strip():
            where = f"{path}:{document.lines.get((name,), 1)}"
            raise UsageError(f"{where}: the answer to `{name}` is no text.", "Give an option's id, or words in quotes.")
    return answers


def confirmed_text(text: str | None, spec: Spec, by: str, *, seen: bool = True) -> str:
    """The file with the spec confirmed now, after `text`, whose comments stay where they can (see `renewed`)."""
    return renewed(text, confirm(spec, by, datetime.now(UTC).isoformat(timespec="seconds"), seen=seen))


def write_spec(path: Path, text: str, *, expect: str | None) -> None:
    """Write `text` to `path`, all or nothing. `expect`: what must stand there now, None for no file.

    Raises `PersonNeeded` when something else stands there, `Unavailable` when it cannot be written.
    """
    try:
        now = path.read_bytes().decode(errors="replace") if path.exists() else None
        if now != expect:
            raise PersonNeeded(f"{path} was changed meanwhile, so it was not overwritten.", "Look at it, then go on.")
        path.parent.mkdir(parents=True, exist_ok=True)
        write_named(path, text, "--spec")
    except OSError as error:
        raise Unavailable(
            f"{path} cannot be written: {error.strerror}.", "Make room, or name another --spec."
        ) from None
