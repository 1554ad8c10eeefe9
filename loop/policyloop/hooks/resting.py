"""What became of the policies since the last step, and whether something else than a person could speak next.

Claude Code 2.1.329 asks `UserPromptSubmit` about every prompt alike: what a person typed, a job of CronCreate or
ScheduleWakeup (word for word as the model wrote it), the news that something in the background has ended, and what
`claude -p` was started with. Nothing in the question tells them apart. But `Stop` names what runs in the background and
most of what is scheduled, the rest stands in a file, and the client's environment says whether somebody attends it.
"""

import json
import os
from typing import Any

from policyloop.session import home
from policyloop.session.home import Entry

MAX_BYTES = 1_048_576
ATTENDED = "CLAUDE_CODE_SESSION_ATTENDED"
"""What Claude Code (seen: 2.1.329) sets to 1 for its hooks at a terminal, and to 0 in `-p`."""


def changed_since(entry: Entry) -> tuple[str, ...]:
    """The files of the policy directory that are not as the last step left them, or why that cannot be told."""
    from pathlib import Path

    from policyloop.errors import PolicyloopError
    from policyloop.session.store import Store
    from policyloop.workspace.read import read_bundle

    try:
        kept = Store(Path(home.kept(entry)))
        judged = kept.bundle(kept.value(entry.lock)["current"])
        return judged.changed(read_bundle(Path(entry.policies)))
    except PolicyloopError as error:
        return (f"something ({error.message.rstrip('.')})",)
    except (KeyError, TypeError, ValueError):
        return ("something (the record of the session is not whole)",)


def speaks_by_itself(question: dict[str, Any]) -> bool:
    """Whether more than a person could begin the next turn. What is not known counts as yes."""
    if question.get("background_tasks") != [] or question.get("session_crons") != []:
        return True
    cwd = str(question.get("cwd") or "")
    folders = [cwd, os.environ.get("CLAUDE_PROJECT_DIR", ""), os.path.expanduser("~")]
    return any(_schedules(os.path.join(folder, ".claude", "scheduled_tasks.json")) for folder in folders if folder)


def unattended() -> bool:
    """Whether nobody sits at the client that asks. Another harness than Claude Code answers for that itself."""
    return bool(os.environ.get("CLAUDECODE")) and os.environ.get(ATTENDED) != "1"


def _schedules(path: str) -> bool:
    """Whether jobs are kept there that outlive a session."""
    try:
        with open(path, "rb") as file:
            data = json.loads(file.read(MAX_BYTES))
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError):
        return True
    return not isinstance(data, dict) or data.get("tasks") != []
