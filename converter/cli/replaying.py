"""One problem through every engine, for `qudnn bench PROBLEM`: how fast each plan is, and its bits."""

import argparse
from collections.abc import Sequence
from typing import NamedTuple

from qudnn.converter.cli.console import Console
from qudnn.converter.cli.problem_text import shorten
from qudnn.converter.cli.runtime import check_gpu, load_library
from qudnn.converter.cli.terminal import cell, columns
from qudnn.converter.cli.verb import Exit, UsageError

_HEADINGS = ("engine", "plan", "bits", "us", "TOPS")
_LEFT = 3  # columns of words, the others are numbers


class Replayed(NamedTuple):
    """What came of one plan, or of an engine that has none: the fields of csrc/plan/aside/replay.h."""

    engine: str
    plan: str
    refusal: str
    differing_bytes: int
    microseconds: float
    is_reference: bool


def run(arguments: argparse.Namespace, console: Console) -> Exit:
    """The verb, with a problem's text as arguments.target."""
    library = load_library()
    try:
        problem, operations = library.read_problem(arguments.target)
    except ValueError as error:
        raise UsageError(f"not a problem: {error}") from error
    check_gpu("timing plans")
    console.say(problem)
    try:
        replayed = [Replayed(*each) for each in library.replay(problem, arguments.only, arguments.all)]
    except RuntimeError as error:
        raise UsageError(str(error)) from error
    if not replayed:
        raise UsageError(f"no engine and no plan for this problem has the name {arguments.only!r}")
    console.answer(
        lambda: {
            "problem": problem,
            "operations": operations,
            "plans": [each._asdict() for each in replayed],
        },
        lambda: "\n".join(lines(replayed, operations)),
    )
    if wrong := [each for each in replayed if each.differing_bytes]:
        names = ", ".join(each.plan for each in wrong)
        raise UsageError(f"the bits of {names} differ from the reference's, for {shorten(problem)}")
    return Exit.DONE


def lines(replayed: Sequence[Replayed], operations: int) -> list[str]:
    """The table of the plans that ran, fastest first, and a line for each engine or plan that did not."""
    ran = [each for each in replayed if each.plan and not each.refusal]
    rows = [
        (
            cell(each.engine),
            cell(each.plan),
            _bits(each),
            f"{each.microseconds:.1f}" if each.microseconds else "-",
            f"{operations / each.microseconds / 1e6:.1f}" if each.microseconds else "-",
        )
        for each in sorted(ran, key=lambda each: each.microseconds or float("inf"))
    ]
    said = columns([_HEADINGS, *rows], _LEFT) if rows else []
    return said + [
        f"{cell(each.engine)}{' ' * bool(each.plan)}{cell(each.plan)}: {cell(each.refusal)}"
        for each in replayed
        if each.refusal
    ]


def _bits(replayed: Replayed) -> str:
    if replayed.is_reference:
        return "the reference"
    return f"{replayed.differing_bytes} bytes differ" if replayed.differing_bytes else "same"
