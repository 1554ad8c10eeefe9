"""A process that writes a log and says on standard output each number that was acknowledged, until it is killed."""

import sys
from pathlib import Path

from audit_logs import record, secrets_in
from policyloop.audit.log import Log


def main(store: str, folder: str) -> None:
    with Log(store, secrets_in(Path(folder)), every_records=20, every_seconds=0.05) as log:
        waiting = []
        number = log.size
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()
        while True:
            waiting.append((number, log.submit(record(number))))
            number += 1
            if len(waiting) > 8:
                expected, done = waiting.pop(0)
                assert done.result(60) == expected
                sys.stdout.write(f"{expected + 1}\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
