"""Say what models are: quantized or not, by whom, and what would convert; write nothing.

Prints inputs, outputs and operators, the format and the types of the quantization, and the report that
`qudnn convert` would print. Of a converted model, what its islands consist of. MODEL may be a folder, of
which all .onnx files are told in one line each, or - for standard input.

With --strict the exit status is 3 where a quantized node would be left.

--report writes the page that `qudnn convert --report` writes, of the conversion that was not made. Of several
models, or of all in a folder, it is a folder: a page for each, and index.html, which leads to them.

  qudnn inspect model.onnx --report report.html
  qudnn inspect models/ --report pages/
  qudnn inspect models/ --json
"""

import argparse
from typing import TYPE_CHECKING, Any, NamedTuple

from qudnn.converter.cli.batch import are_several, models
from qudnn.converter.cli.common import add_selection
from qudnn.converter.cli.console import Console
from qudnn.converter.cli.hints import hint
from qudnn.converter.cli.pages import Pages
from qudnn.converter.cli.verb import Exit
from qudnn.converter.errors import ConversionError
from qudnn.converter.io import output
from qudnn.converter.reports.units import in_units

if TYPE_CHECKING:
    from qudnn.converter import Report
    from qudnn.converter.reports.summary import Summary

_MOST_OPERATORS = 12


class Found(NamedTuple):
    """What is known of one model; error: why nothing is, or why it does not convert."""

    name: str
    summary: "Summary | None"
    report: "Report | None"
    error: str

    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = {"file": self.name}
        if self.summary is not None:
            document |= self.summary.document()
        if self.report is not None:
            document |= {"report": self.report.document(), "hint": hint(self.report)}
        return {**document, "error": self.error} if self.error else document


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", nargs="+", help="the models: files or folders, or -")
    parser.add_argument(
        "--strict", action="store_true", help="end with exit status 3 if a quantized node would be left"
    )
    parser.add_argument(
        "--report", metavar="FILE", help="write a page of HTML about what would convert; a folder of several"
    )
    add_selection(parser)


def run(arguments: argparse.Namespace, console: Console) -> Exit:
    places = models(arguments.model)
    names = [place.source for place in places]
    several = are_several(arguments.model)
    pages = None if arguments.report is None else Pages(arguments.report, places, several, names)
    found = []
    for name in names:
        each = _inspect(name, arguments, pages)
        found.append(each)
        if each.error:
            console.complain(each.error)
        if each.summary is not None:
            console.say(_line(each) if len(names) > 1 else _text(each, console.is_verbose))
    if pages is not None:
        outcomes = zip(names, found, strict=True)
        console.say(pages.finish((name, each.report, each.error) for name, each in outcomes))
    console.answer(lambda: {"models": [each.document() for each in found]}, str)
    if any(each.error for each in found):
        return Exit.MISTAKE
    left = any(each.report.left_quantized for each in found if each.report is not None)
    return Exit.NO if arguments.strict and left else Exit.DONE


def _inspect(name: str, arguments: argparse.Namespace, pages: Pages | None) -> Found:
    from qudnn.converter.api import inspect
    from qudnn.converter.io.proto import load_proto, read_once
    from qudnn.converter.reports.page.about import about
    from qudnn.converter.reports.summary import Summary

    shown, summary = output.name(name, "input"), None
    try:
        content = read_once(name)
        proto = load_proto(name, content)
        summary = Summary.of(proto)
        report = inspect(
            proto,
            name,
            include=arguments.include,
            exclude=arguments.exclude,
            quantize_activations=arguments.quantize_activations,
            constant_defaults=arguments.constant_defaults,
        )
        if pages is not None:
            pages.write(name, None, report, [about(summary)])
    except ConversionError as error:
        return Found(shown, summary, None, str(error))
    return Found(shown, summary, report, "")


def _text(found: Found, is_verbose: bool) -> str:
    summary, report = found.summary, found.report
    assert summary is not None
    operators = list(summary.operators.items())
    shown = operators if is_verbose else operators[:_MOST_OPERATORS]
    rest = sum(count for _, count in operators[len(shown) :])
    listed = [f"{count} {name}" for name, count in shown] + ([f"{rest} others"] if rest else [])
    lines = [
        f"{found.name}: {in_units(summary.weight_bytes)} of weights, opset {summary.opset}, "
        f"IR version {summary.ir_version}"
        + (f", produced by {summary.producer}" if summary.producer else ""),
        f"inputs: {', '.join(summary.inputs) or 'none'}",
        f"outputs: {', '.join(summary.outputs)}",
        f"{sum(summary.operators.values())} nodes: {', '.join(listed)}",
        summary.quantization(),
    ]
    if report is not None:
        lines += [
            "" if report.already else "a conversion would give:",
            report.text(None if is_verbose else 3),
        ]
        lines.append(hint(report))
    return "\n".join(filter(None, lines))


def _line(found: Found) -> str:
    """A model of several, in one line."""
    summary, report = found.summary, found.report
    assert summary is not None
    if summary.converted_by:
        return f"{found.name}: converted by qudnn {summary.converted_by}"
    if report is None or not report.quantized_nodes:
        return f"{found.name}: {summary.quantization()}"
    counts = f"{report.converted_nodes} of {report.quantized_nodes} quantized nodes would convert"
    return f"{found.name}: {summary.quantization()}; {counts}"
