"""`policyloop`, and `python -m policyloop`: the way in, which is quiet from its first moment."""

import os
import signal
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run one command. An interrupt while its imports are under way ends the process at once, without a traceback."""
    default = signal.signal(signal.SIGINT, signal.SIG_DFL)
    if sys.argv[1:3] == ["hook", "forward"] and not {"--help", "-h"} & set(sys.argv[3:]):
        from policyloop.forward import run as forward

        os._exit(forward(sys.argv[3:]))
    if sys.argv[1:2] == ["hook"]:
        # People wait for a hook at every edit: no command line is built for it.
        from policyloop.hooks import EVENTS
        from policyloop.hooks import run as answer

        if sys.argv[2:3] and sys.argv[2] in EVENTS:
            code = answer(sys.argv[2:])
            # Not `sys.exit`: where an answer cannot be written, that makes 120 of the 2 which blocks the tool.
            os._exit(code)
    from policyloop.cli import main as run

    signal.signal(signal.SIGINT, default)
    run()


if __name__ == "__main__":
    main()
