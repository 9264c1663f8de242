"""What a verb of the command is."""

import argparse
from typing import Protocol


class UsageError(Exception):
    """What the user has to put right. The message says what is wrong, with the value, and what to do."""


class Verb(Protocol):
    """A module called like the verb, whose docstring is its help."""

    __name__: str
    __doc__: str | None

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, arguments: argparse.Namespace) -> None:
        """Raises UsageError or ConversionError where the user has something to put right."""
