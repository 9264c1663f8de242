"""What a verb prints: text for people, or one JSON document for programs."""

import json
import sys
from collections.abc import Callable
from io import StringIO
from typing import Any, TextIO

from qudnn.converter.cli.terminal import escaped

QUIET, NORMAL, VERBOSE = -1, 0, 1


class Console:
    """Where the verbs print, and how much.

    level: QUIET prints nothing but errors, VERBOSE more than NORMAL. as_json: instead of text, one document
    in JSON; QUIET has no say in that.
    """

    def __init__(self, level: int = NORMAL, as_json: bool = False) -> None:
        self._level = level
        self._as_json = as_json
        self._stream: TextIO | None = None

    @property
    def is_verbose(self) -> bool:
        return self._level >= VERBOSE

    def leave_standard_output(self) -> None:
        """Print to standard error from now on: a model, or plans, go to standard output."""
        self._stream = sys.stderr

    def say(self, text: str) -> None:
        """Print for people, with escapes for what would do something to a terminal."""
        if text and self._level >= NORMAL and not self._as_json:
            print(escaped(text), file=self._target())

    def answer(self, document: Callable[[], Any], text: Callable[[], str]) -> None:
        """Print the verb's answer, in JSON or for people; only the one that is wanted is made."""
        if self._as_json:
            print(json.dumps(document(), indent=2, default=str), file=self._target())
        elif self._level >= NORMAL:
            self.say(text())

    def progress(self) -> TextIO:
        """A stream for a progress bar."""
        if self._level < NORMAL:
            return StringIO()
        return sys.stderr if self._as_json else self._target()

    @staticmethod
    def complain(text: str) -> None:
        """Print what is wrong, on standard error, whatever else is printed."""
        print(f"qudnn: {escaped(text)}", file=sys.stderr)

    def _target(self) -> TextIO:
        return self._stream or sys.stdout
