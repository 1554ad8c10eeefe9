"""What Claude Code asks before a tool runs, before a turn ends and when a prompt comes in.

    policyloop hook pre-tool-use < question.json      policyloop hook stop < question.json
    policyloop hook user-prompt-submit < question.json

Any other agent's harness may ask the same. A question without a session that holds its `session_id` gets no answer:
exit 0 and no output. This runs at every tool call, so nothing is imported that the decision does not need. It fails
closed: what goes wrong before a tool runs blocks the tool (exit 2); a stop and a prompt are let go with an error that
is shown (exit 1), since a turn that can never end helps nobody, and the guard stays.
"""

import json
import sys

from policyloop.hooks.verdict import Fault, Verdict
from policyloop.outside import NotOurs

EVENTS = ("pre-tool-use", "stop", "user-prompt-submit")
HARDENED = "--hardened"
_BLOCKED, _SHOWN = 2, 1
"""Exit codes of a hook: 2 blocks the tool, and the model reads why; any other failure is shown and blocks nothing."""


def run(arguments: list[str]) -> int:
    """Answer the question on stdin; the exit code.

    `arguments`: the event, then `--hardened` where only known tools may pass, session or not, then `--command PATH` for
    each other name under which policyloop may be called, such as that of a wrapper.
    """
    event = arguments[0] if arguments else ""
    failed = _SHOWN if event in {"stop", "user-prompt-submit"} else _BLOCKED
    try:
        answer = _answer(event, arguments[1:], json.loads(sys.stdin.buffer.read()))
        if answer:
            from policyloop.printing import say_answer

            say_answer(answer)
    except Fault as wrong:
        return _fail(failed, str(wrong))
    except NotOurs as wrong:
        return _fail(failed, f"{wrong}. A person sets XDG_STATE_HOME, or HOME, to a folder outside of it.")
    except ValueError:
        return _fail(failed, "The hook's input is no JSON, so nothing can be decided.")
    except BaseException as error:  # noqa: BLE001  (whatever it is, the tool must not run)
        return _fail(failed, f"The hook failed and decides nothing: {type(error).__name__}: {error}.")
    return 0


def _answer(event: str, options: list[str], question: object) -> dict[str, object] | None:
    if not isinstance(question, dict):
        raise Fault("The hook's input is no object.")
    session = question.get("session_id")
    if not isinstance(session, str) or not session:
        raise Fault("The hook's input has no session_id.")
    if event == "stop":
        from policyloop.hooks.stop import stop

        return stop(session, question)
    if event == "user-prompt-submit":
        from policyloop.hooks.prompt import prompt

        return prompt(session, question)
    from policyloop.hooks.tools import before_tool

    hardened = HARDENED in options[:1]
    verdict = before_tool(session, question, _commands(options[hardened:]), hardened=hardened)
    return _as_json(verdict) if verdict else None


def _commands(options: list[str]) -> tuple[str, ...]:
    if len(options) % 2 or any(name != "--command" for name in options[::2]):
        raise Fault("Usage: policyloop hook EVENT [--hardened] [--command PATH]...")
    return tuple(options[1::2])


def _as_json(verdict: Verdict) -> dict[str, object]:
    output: dict[str, object] = {"hookEventName": "PreToolUse"}
    if verdict.decision:
        output["permissionDecision"] = verdict.decision
        output["permissionDecisionReason"] = f"policyloop: {verdict.reason}"
    if verdict.updated is not None:
        output["updatedInput"] = verdict.updated
    return {"hookSpecificOutput": output}


def _fail(code: int, words: str) -> int:
    try:
        from policyloop.printing import one_line, say

        say(f"policyloop hook: {one_line(words, 2000)}", err=True)
    except (OSError, ValueError, AttributeError):
        pass
    return code
