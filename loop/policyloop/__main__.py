"""`policyloop`, and `python -m policyloop`: the way in, which is quiet from its first moment."""

import signal
from typing import NoReturn


def main() -> NoReturn:
    """Run one command. An interrupt while its imports are under way ends the process at once, without a traceback."""
    default = signal.signal(signal.SIGINT, signal.SIG_DFL)
    from policyloop.cli import main as run

    signal.signal(signal.SIGINT, default)
    run()


if __name__ == "__main__":
    main()
