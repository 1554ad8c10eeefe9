"""The file in which a person releases assertions by name. No model's edit can reach it: it is read before the run."""

from pathlib import Path

from policyloop.errors import UsageError
from policyloop.guard import Release, parse_releases

MAX_BYTES = 1_048_576


def read_releases(file: Path | None) -> tuple[Release, ...]:
    """The releases in `file`, none without a file. Raises `UsageError`."""
    if file is None:
        return ()
    try:
        data = file.read_bytes()
        if len(data) > MAX_BYTES:
            raise UsageError(f"{file} has {len(data)} bytes; a release file has at most {MAX_BYTES}.")
        return parse_releases(data.decode(), str(file))
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.", "Give --release a readable file.") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is not UTF-8 at byte {error.start}.", "Save it as UTF-8.") from None
