"""The systems that settings are written for. By itself, since a command line names them before it loads more."""

from enum import Enum


class Machine(Enum):
    """The system for which settings are written."""

    LINUX = "linux"
    MACOS = "macos"
    WINDOWS = "windows"
