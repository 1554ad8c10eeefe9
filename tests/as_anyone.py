"""Running Python so that permission bits bind, also when the tests run as root."""

import os
import sys

# 24 is PR_CAPBSET_DROP; 1 and 2 are CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH, which let root pass every permission.
_DROP = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
for capability in (1, 2):
    if libc.prctl(24, capability, 0, 0, 0):
        sys.exit(os.strerror(ctypes.get_errno()))
os.execv(sys.argv[1], sys.argv[1:])
"""


def python() -> list[str]:
    """The beginning of a command that runs this Python as somebody whom permission bits bind."""
    return [sys.executable, "-c", _DROP, sys.executable] if os.geteuid() == 0 else [sys.executable]
