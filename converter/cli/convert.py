"""Convert a quantized ONNX model.

Writes a model that runs on the GPU with qudnn's ops and anywhere else without, and prints what was
converted, and what was not and why. Where nothing can be converted, as in a float model, OUT is the
same model as IN. Where the weights of IN lie in other files, those of OUT lie in OUT.data. IN or OUT may be
a pipe, or - for standard input and output; the report is printed to standard error then.
"""

import argparse
import sys

from qudnn.converter.api import convert_file
from qudnn.converter.cli.terminal import escaped
from qudnn.converter.io import output


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="IN", help="the model to convert")
    parser.add_argument("-o", "--output", metavar="OUT", required=True, help="the file to write")
    parser.add_argument(
        "--trace", metavar="DIR", help="write the graph after each pass that changed it into DIR"
    )
    parser.add_argument(
        "--explain",
        action="store_true",
        default=None,
        help="print which fusions were not done, and why; as the environment variable QUDNN_EXPLAIN=1 does",
    )


def run(arguments: argparse.Namespace) -> None:
    report = convert_file(
        arguments.source, arguments.output, trace=arguments.trace, explain=arguments.explain
    )
    # Where the model is on standard output, the report is on the other one.
    stream = sys.stderr if output.is_standard(arguments.output) else sys.stdout
    source, target = output.name(arguments.source, "input"), output.name(arguments.output, "output")
    unchanged = report.already or not report.converted
    relation = "a copy of" if unchanged else "the conversion of"
    print(escaped(f"{report}\n{target} is {relation} {source}"), file=stream)
