"""What is asked on a terminal: one question at a time, the contradicted tests, and at the end whether that is it.

An interrupt or the end of the input is a `KeyboardInterrupt` everywhere here.
"""

import os
import shlex
import subprocess
import tempfile
from pathlib import Path

from policyloop.cli.audience import Shown
from policyloop.errors import UsageError
from policyloop.printing import WHOLE, one_line, say, typed
from policyloop.run.people import Edited, No, Yes
from policyloop.specification import FILE_NAME, Spec, check_spec, parse_spec, renewed, wrong_choice
from policyloop.specification.model import Question
from policyloop.view import View
from policyloop.view.pages.spec import gap_line


class Terminal:
    """The person at the terminal: the `Person` of a run (`policyloop.run.people`). `view` stands still meanwhile,
    `shown` is what shows the spec.
    """

    def __init__(self, view: View, shown: Shown) -> None:
        self._view = view
        self._shown = shown

    def answer(self, question: Question, number: int, count: int) -> str:
        """An option's id, or words; Enter is the recommended option."""
        self._view.pause()
        say("")
        say(f"Question {number} of {count}: {one_line(question.text, WHOLE)}")
        for place, option in enumerate(question.options, 1):
            say(f"  {place}. {one_line(option.text, WHOLE)}" + (" (recommended)" if option.recommended else ""))
        return _answer(question)

    def agree(self, spec: Spec, text: str | None) -> Yes | No | Edited:
        """Yes, no, or the spec as it is after their editor."""
        self._view.pause()
        said = agreement(self._shown, "yne")
        if said == "e":
            return _edited(spec, text)
        return Yes() if said == "y" else No()

    def let_in(self, words: str) -> bool:
        """Whether a person wants the access that got wider."""
        self._view.pause()
        say("")
        say(one_line(words, 2000))
        return _choice("Is that meant? Write it? [y/n]: ", "yn") == "y"


def agreement(shown: Shown, letters: str) -> str:
    """What a person says to the spec that `shown` shows: one of `letters`; whoever asks for more sees it first."""
    words = {"y": "[y]es", "n": "[n]o", "e": "[e]dit", "m": "[m]ore"}
    while True:
        offered = ("m" if shown.has_more else "") + letters
        said = _choice(f"Is this what you want? {', '.join(words[letter] for letter in offered)}: ", offered)
        if said != "m":
            return said
        shown.more()


_HELP = frozenset({"?", "help", "h"})


def _answer(question: Question) -> str:
    best = next((option.id for option in question.options if option.recommended), None)
    while True:
        said = typed("Your answer: a number, Enter for the recommended one, or your own words: ").strip()
        if not said and best is not None:
            return best
        if said.isdecimal():
            if 1 <= int(said) <= len(question.options):
                return question.options[int(said) - 1].id
            say(f"There are {len(question.options)} options.")
            continue
        if said.lower() in _HELP:
            say(
                "Type the number or the id of an option, or a sentence of your own; the rules are then drafted with it."
            )
            for choice in question.options:
                say(f"  {one_line(choice.id)}: {one_line(choice.text, WHOLE)}")
        elif said and (wrong := wrong_choice(question, said)):
            say(one_line(" ".join(wrong), WHOLE))
        elif said:
            return said


def _edited(spec: Spec, text: str | None) -> Edited:
    """The spec as a person leaves it in their editor, and its text. `text`: the file before, for its comments.

    What cannot be read is opened again until they give up; then all is as it was.
    """
    with tempfile.TemporaryDirectory(prefix="policyloop-") as folder:
        file = Path(folder) / FILE_NAME
        file.write_text(renewed(text, spec), encoding="utf-8")
        while True:
            editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
            try:
                subprocess.run([*shlex.split(editor), str(file)], check=True)
                left = file.read_text(encoding="utf-8")
                new = parse_spec(left, FILE_NAME)
            except (OSError, ValueError, subprocess.CalledProcessError) as error:
                say(f"The editor {editor} did not work: {error}. Set EDITOR.")
                return Edited(spec, text)
            except UsageError as error:
                say(f"{error.message} {error.hint}")
            else:
                gaps = check_spec(new)
                if not gaps:
                    return Edited(new, left)
                for gap in gaps:
                    say(gap_line(gap, FILE_NAME))
            if _choice("Edit again? [y/n]: ", "yn") == "n":
                return Edited(spec, text)


def _choice(prompt: str, letters: str) -> str:
    while True:
        said = typed(prompt).strip().lower()[:1]
        if said and said in letters:
            return said
