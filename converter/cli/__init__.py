"""The command `qudnn`: int8 ONNX models on the GPU's int8 units."""

import argparse
import inspect
import os
import sys
from collections.abc import Sequence

from qudnn.converter.cli import interruption
from qudnn.converter.cli.terminal import escaped
from qudnn.converter.cli.verb import UsageError, Verb
from qudnn.converter.errors import ConversionError


class _Version(argparse.Action):
    """Prints versions() and leaves; they are looked up only when asked for."""

    def __call__(self, *_: object) -> None:
        from qudnn.converter.cli.versions import versions

        print(versions())
        sys.exit(0)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit status: 0, or 1 where the user has something to put right.

    arguments: by default sys.argv's, and then a signal ends the process, with 128 and its number.
    """
    try:
        if arguments is not None:  # the caller's signals are the caller's
            return _run(arguments)
        status = interruption.endable(lambda: _run(None))
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # who reads what is printed has seen enough
        # For what Python still writes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _verbs() -> tuple[Verb, ...]:
    """Imported here, where a signal is heeded: it takes a second."""
    from qudnn.converter.cli import bench, convert, plans, tune

    return convert, tune, plans, bench


def _run(arguments: Sequence[str] | None) -> int:
    parser = argparse.ArgumentParser("qudnn", description=__doc__)
    parser.add_argument(
        "--version", action=_Version, nargs=0, help="print the versions of qudnn and of what it works with"
    )
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    for verb in _verbs():
        text = inspect.getdoc(verb) or ""
        sub = verbs.add_parser(
            verb.__name__.rpartition(".")[2],
            help=text.partition("\n")[0],
            description=text,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        verb.add_arguments(sub)
        sub.set_defaults(run=verb.run)
    parsed = parser.parse_args(arguments)
    try:
        parsed.run(parsed)
    except (ConversionError, UsageError) as error:
        print(f"qudnn: {escaped(str(error))}", file=sys.stderr)
        return 1
    return 0
