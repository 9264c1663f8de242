"""Write a converted model as standard ONNX again, without functions.

Each op of qudnn is replaced by its function body, and what that computes of weights alone is folded. The
result has the same bits in onnxruntime, and opens in any runtime that knows ONNX's operators. It does not run
on qudnn's kernels any more: convert the original again for these.

  qudnn inline model.qudnn.onnx -o model.standard.onnx
"""

import argparse

from qudnn.converter.cli.console import Console
from qudnn.converter.cli.verb import Exit
from qudnn.converter.io import output


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="CONVERTED", help="the converted model, or -")
    parser.add_argument("-o", "--output", metavar="OUT", required=True, help="the file to write, or -")


def run(arguments: argparse.Namespace, console: Console) -> Exit:
    from qudnn.converter.api import inline_file

    if output.is_standard(arguments.output):
        console.leave_standard_output()
    inline_file(arguments.model, arguments.output)
    source, target = output.name(arguments.model, "input"), output.name(arguments.output, "output")
    console.answer(
        lambda: {"source": source, "target": target},
        lambda: f"{target} is {source} in standard operators, without functions",
    )
    return Exit.DONE
