"""A model program for `--model-command`: `speaker.py FILE` gives the replies in FILE in turn, then the last for ever.

It keeps no state: which turn it is follows from the history in the task. A reply that is a string is written as it is.
"""

import json
import sys
from pathlib import Path

replies = json.loads(Path(sys.argv[1]).read_text())
task = json.load(sys.stdin)
turn = len(task["history"])
reply = replies[min(turn, len(replies) - 1)]
sys.stdout.write(reply if isinstance(reply, str) else json.dumps(reply))
