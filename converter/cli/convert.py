"""Convert quantized ONNX models.

Writes a model that runs on the GPU with qudnn's ops and anywhere else without, and prints what was
converted, and what was not and why. Where nothing can be converted, as in a float model, OUT is the
same model as IN. Where the weights of IN lie in other files, those of OUT lie in OUT.data. IN or OUT may be
a pipe, or - for standard input and output; the report is printed to standard error then.

Of several models, or of all in a folder, OUT is a folder. One that cannot be converted does not keep the
others from it; the exit status is 1 then. With --strict it is 3 where a quantized node is left.

--report writes a page for a browser: the graph as islands, what was left, why, and what to do about it. Of
several models, or of all in a folder, it is a folder: a page for each, and index.html, which leads to them.

  qudnn convert model.onnx -o model.qudnn.onnx --report report.html
  qudnn convert models/ -o converted/ --strict --report pages/
  qudnn convert model.onnx -o model.qudnn.onnx --exclude Softmax --exclude '/head/*'
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from qudnn.converter.cli.batch import Job, are_several, jobs
from qudnn.converter.cli.common import add_selection
from qudnn.converter.cli.console import Console
from qudnn.converter.cli.hints import hint
from qudnn.converter.cli.pages import Pages
from qudnn.converter.cli.verb import Exit, UsageError
from qudnn.converter.errors import ConversionError
from qudnn.converter.io import output

if TYPE_CHECKING:
    from qudnn.converter import Report


class Outcome(NamedTuple):
    """What came of one model; without a report, the error."""

    job: Job
    report: "Report | None"
    error: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "source", metavar="IN", nargs="+", help="the models to convert: files or folders, or -"
    )
    parser.add_argument("-o", "--output", metavar="OUT", required=True, help="the file or folder to write")
    parser.add_argument(
        "--strict", action="store_true", help="end with exit status 3 if a quantized node is left"
    )
    add_selection(parser)
    parser.add_argument(
        "--report", metavar="FILE", help="write a page of HTML about the conversion; a folder of several"
    )
    parser.add_argument(
        "--trace", metavar="DIR", help="write the graph after each pass that changed it into DIR"
    )
    parser.add_argument(
        "--explain",
        action="store_true",
        default=None,
        help="print which rewrites were not done, and why; as the environment variable QUDNN_EXPLAIN=1 does",
    )


def run(arguments: argparse.Namespace, console: Console) -> Exit:
    work = jobs(arguments.source, arguments.output)
    if arguments.trace is not None and len(work) > 1:
        raise UsageError("--trace is about one model: convert it alone")
    pages = None if arguments.report is None else _pages(arguments, work)
    if any(output.is_standard(job.target) for job in work):  # the report goes to the other one
        console.leave_standard_output()
    outcomes = []
    for job in work:
        outcome = _convert(job, arguments, pages)
        outcomes.append(outcome)
        if outcome.report is not None:
            console.say(_text(outcome.job, outcome.report, console) + "\n" * (len(work) > 1))
        else:
            console.complain(outcome.error)
    if pages is not None:
        console.say(pages.finish((each.job.source, each.report, each.error) for each in outcomes))
    console.answer(lambda: {"models": [_document(each) for each in outcomes]}, lambda: _summary(outcomes))
    if any(outcome.report is None for outcome in outcomes):
        return Exit.MISTAKE
    left = any(outcome.report.left_quantized for outcome in outcomes if outcome.report is not None)
    return Exit.NO if arguments.strict and left else Exit.DONE


def _pages(arguments: argparse.Namespace, work: Sequence[Job]) -> Pages:
    several = are_several(arguments.source)
    places = [
        Job(source, str(Path(target).relative_to(arguments.output)) if several else Path(source).name)
        for source, target in work
    ]
    return Pages(arguments.report, places, several, [path for job in work for path in job])


def _convert(job: Job, arguments: argparse.Namespace, pages: Pages | None) -> Outcome:
    from qudnn.converter.api import convert_file

    try:
        report = convert_file(
            *job,
            trace=arguments.trace,
            explain=arguments.explain,
            include=arguments.include,
            exclude=arguments.exclude,
            quantize_activations=arguments.quantize_activations,
            constant_defaults=arguments.constant_defaults,
        )
        if pages is not None:
            pages.write(*job, report)
    except ConversionError as error:
        return Outcome(job, None, str(error))
    return Outcome(job, report, "")


def _text(job: Job, report: "Report", console: Console) -> str:
    source, target = output.name(job.source, "input"), output.name(job.target, "output")
    relation = "a copy of" if report.already or not report.converted else "the conversion of"
    lines = [report.text(None) if console.is_verbose else str(report), hint(report)]
    return "\n".join([*filter(None, lines), f"{target} is {relation} {source}"])


def _summary(outcomes: Sequence[Outcome]) -> str:
    """For several models, how many of them there are of each kind; nothing for one."""
    reports = [outcome.report for outcome in outcomes if outcome.report is not None]
    complete = sum(bool(report.converted) and not report.left_quantized for report in reports)
    changed = sum(bool(report.converted) and not report.already for report in reports)
    failed = len(outcomes) - len(reports)
    if len(outcomes) == 1:
        return ""
    return (
        f"{len(outcomes)} models: {changed} converted, {complete} of them completely, "
        f"{len(reports) - changed} copied, {failed} failed"
    )


def _document(outcome: Outcome) -> dict[str, Any]:
    document: dict[str, Any] = {"source": outcome.job.source, "target": outcome.job.target}
    if outcome.report is None:
        return {**document, "error": outcome.error}
    return {**document, **outcome.report.document(), "hint": hint(outcome.report)}
