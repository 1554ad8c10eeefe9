"""What was read of a policy directory so far, and the limits of it: the same for a folder and for an archive."""

from policyloop.bundle import MAX_FILES, MAX_TOTAL_BYTES
from policyloop.errors import UsageError
from policyloop.layout import is_ours
from policyloop.workspace.inside import shown

MAX_FILE_BYTES = 8 * 1_048_576
MAX_ENTRIES = 400_000
"""The most files and folders that are looked at, policies or not: `/` is nobody's policy directory."""


class Gathered:
    """The files of a bundle, one after another. `name` is what messages call the place that they come from."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.files: dict[str, str] = {}
        self._bytes = 0
        self._entries = 0

    def count(self, entries: int) -> None:
        """So many more names were seen. Raises `UsageError` past the limit."""
        self._entries += entries
        if self._entries > MAX_ENTRIES:
            raise UsageError(
                f"{self.name} holds more than {MAX_ENTRIES:,} files and folders.", "Give the policy directory alone."
            )

    def check_name(self, path: str) -> None:
        """Raises `UsageError` for a name that policyloop gives a meaning to."""
        if is_ours(path.rpartition("/")[2]):
            raise UsageError(
                f"{self.at(path)} bears a name of policyloop's own, and is not read where a model writes.",
                "Move it out of the policy directory.",
            )

    def check_room(self, path: str, size: int) -> None:
        """Raises `UsageError` when the file at `path`, of `size` bytes, is too large or is one too many."""
        if len(self.files) >= MAX_FILES:
            raise UsageError(f"{self.name} holds more than {MAX_FILES:,} policy files.", "Give a smaller directory.")
        if size > MAX_FILE_BYTES:
            raise UsageError(
                f"{self.at(path)} has {size:,} bytes; at most {MAX_FILE_BYTES >> 20} MiB are read.",
                "Split it, or move it out of the policy directory.",
            )

    def take(self, path: str, data: bytes) -> None:
        """One more file. Raises `UsageError` past the limits, and for a name or a text that is not UTF-8."""
        self.check_room(path, len(data))
        self._bytes += len(data)
        if self._bytes > MAX_TOTAL_BYTES:
            raise UsageError(
                f"{self.name} holds more than {MAX_TOTAL_BYTES >> 20} MiB of policies.", "Give a smaller directory."
            )
        try:
            path.encode()
        except UnicodeEncodeError:
            raise UsageError(f"The name of {self.at(path)} is not UTF-8.", "Rename it.") from None
        try:
            self.files[path] = data.decode()
        except UnicodeDecodeError as error:
            raise UsageError(
                f"{self.at(path)} is not UTF-8: byte {data[error.start]:#04x} at offset {error.start}.",
                "Save it as UTF-8.",
            ) from None

    def at(self, path: str) -> str:
        """A path in it, as messages name it."""
        return f"{self.name}/{shown(path)}" if path else self.name
