"""What a verb of the command is, and how the command ends."""

import argparse
from enum import IntEnum
from typing import Protocol

from qudnn.converter.cli.console import Console


class Exit(IntEnum):
    """The exit statuses of the command; a signal gives 128 and its number."""

    DONE = 0
    MISTAKE = 1  # the user has something to put right
    USAGE = 2  # the arguments are not those of the verb; argparse ends with it
    NO = 3  # all went well, and the answer to what was asked is no


class UsageError(Exception):
    """What the user has to put right. The message says what is wrong, with the value, and what to do."""


class Verb(Protocol):
    """A module called like the verb, whose docstring is its help.

    It imports what takes a while only when it runs: `qudnn --help` and completion import all verbs.
    """

    __name__: str
    __doc__: str | None

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, arguments: argparse.Namespace, console: Console) -> Exit:
        """Raises UsageError or ConversionError where the user has something to put right."""
