"""The command `qudnn`: int8 ONNX models on the GPU's int8 units."""

import argparse
import inspect
import sys
from collections.abc import Sequence

from converter.cli import convert, plans, tune
from converter.cli.verb import UsageError, Verb
from converter.cli.versions import versions
from converter.errors import ConversionError

VERBS: tuple[Verb, ...] = (convert, tune, plans)


class _Version(argparse.Action):
    """Prints versions() and leaves; they are looked up only when asked for."""

    def __call__(self, *_: object) -> None:
        print(versions())
        sys.exit(0)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit status: 0, or 1 where the user has something to put right."""
    parser = argparse.ArgumentParser("qudnn", description=__doc__)
    parser.add_argument(
        "--version", action=_Version, nargs=0, help="print the versions of qudnn and of what it works with"
    )
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    for verb in VERBS:
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
        print(f"qudnn: {error}", file=sys.stderr)
        return 1
    return 0
