"""The command `qudnn`: int8 ONNX models on the GPU's int8 units.

Exit statuses: 0 done; 1 something is to be put right, one line on standard error says what; 2 the arguments
are wrong; 3 the answer is no (a quantized node is left, models differ); 128 and the signal's number where a
signal ended it.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from inspect import getdoc  # the verb of that name is a module here

from qudnn.converter.cli import interruption
from qudnn.converter.cli.console import NORMAL, QUIET, VERBOSE, Console
from qudnn.converter.cli.verb import Exit, UsageError, Verb
from qudnn.converter.errors import ConversionError


class _Version(argparse.Action):
    """Prints versions() and leaves; they are looked up only when asked for."""

    def __call__(self, *_: object) -> None:
        from qudnn.converter.cli.versions import versions

        print(versions())
        sys.exit(0)


class _Completion(argparse.Action):
    """Prints a shell's script for completion and leaves."""

    def __call__(self, parser: argparse.ArgumentParser, _: object, shell: object, *__: object) -> None:
        import shtab

        _complete_files(parser)
        print(shtab.complete(parser, str(shell)))
        sys.exit(0)


def _complete_files(parser: argparse.ArgumentParser) -> None:
    """Let the arguments that take paths, by their metavar, be completed with those."""
    import shtab

    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for verb in action.choices.values():
                _complete_files(verb)
        elif action.metavar in ("IN", "OUT", "MODEL", "ORIGINAL", "CONVERTED", "FILE", "DATA"):
            action.complete = shtab.FILE  # type: ignore[attr-defined]
        elif action.metavar == "DIR":
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit status: see Exit.

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
        return Exit.MISTAKE


def _verbs() -> tuple[Verb, ...]:
    """Imported here, where a signal is heeded."""
    from qudnn.converter.cli import bench, compare, convert, doctor, inline, inspect, plans, quantize, tune

    return convert, quantize, inspect, compare, inline, tune, plans, bench, doctor


def make_parser() -> argparse.ArgumentParser:
    """The parser of the command, with all verbs; a verb's module is in `verb`."""
    parser = argparse.ArgumentParser(
        "qudnn", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--version", action=_Version, nargs=0, help="print the versions of qudnn and of what it works with"
    )
    parser.add_argument(
        "--print-completion",
        action=_Completion,
        choices=("bash", "zsh"),
        help="print a script that completes the command in this shell, and leave",
    )
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    common = _common()
    for verb in _verbs():
        text = getdoc(verb) or ""
        sub = verbs.add_parser(
            verb.__name__.rpartition(".")[2],
            help=text.partition("\n")[0],
            description=text,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            parents=[common],
        )
        verb.add_arguments(sub)
        sub.set_defaults(verb=verb)
    return parser


def _common() -> argparse.ArgumentParser:
    """The options that all verbs have."""
    common = argparse.ArgumentParser(add_help=False)
    group = common.add_argument_group("what is printed")
    group.add_argument("--json", action="store_true", help="print one JSON document instead of text")
    amount = group.add_mutually_exclusive_group()
    for short, long, level, what in (
        ("-q", "--quiet", QUIET, "print nothing but errors: the exit status says the rest"),
        ("-v", "--verbose", VERBOSE, "print more: all names, where lists are cut"),
    ):
        amount.add_argument(short, long, dest="level", action="store_const", const=level, help=what)
    common.set_defaults(level=NORMAL)
    return common


def _run(arguments: Sequence[str] | None) -> int:
    parsed = make_parser().parse_args(arguments)
    try:
        status: Exit = parsed.verb.run(parsed, Console(parsed.level, parsed.json))
    except (ConversionError, UsageError) as error:
        Console.complain(str(error))
        return Exit.MISTAKE
    except ModuleNotFoundError as error:
        from qudnn.custom_ops.onnxruntimes import MISSING

        if error.name != "onnxruntime":
            raise
        Console.complain(MISSING)
        return Exit.MISTAKE
    return status
