"""Running the command qudnn in this process."""

import argparse
import json
from typing import Any

import pytest

from qudnn.converter.cli import main, make_parser


def verbs() -> dict[str, argparse.ArgumentParser]:
    """The parsers of all verbs."""
    (action,) = [a for a in make_parser()._actions if isinstance(a, argparse._SubParsersAction)]
    return dict(action.choices)


class Run:
    """Calls give the exit status, and what was printed to standard output and error."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: object) -> tuple[int, str, str]:
        try:
            status = main(list(map(str, arguments)))
        except SystemExit as end:
            status = int(end.code or 0)
        return int(status), *self._capsys.readouterr()

    def json(self, *arguments: object, status: int = 0) -> Any:
        """The document that the verb prints with --json, when it ends with this status."""
        ended, out, err = self(*arguments, "--json")
        assert ended == status, err
        return json.loads(out)

    def fails(self, *arguments: object) -> str:
        """The one line on standard error with which it ends, with status 1 and nothing else printed."""
        status, out, err = self(*arguments)
        assert (status, out) == (1, ""), (status, out, err)
        assert err.startswith("qudnn: ") and err.count("\n") == 1, err
        return err.removeprefix("qudnn: ").rstrip("\n")
