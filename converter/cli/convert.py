"""Convert a quantized ONNX model.

Writes a model that runs on the GPU with qudnn's ops and anywhere else without, and prints what was
converted, and what was not and why. Where nothing can be converted, as in a float model, OUT is the
same model as IN. Where the weights of IN lie in other files, those of OUT lie in OUT.data.
"""

import argparse

from converter.api import convert_file


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="IN", help="the model to convert")
    parser.add_argument("-o", "--output", metavar="OUT", required=True, help="the file to write")


def run(arguments: argparse.Namespace) -> None:
    report = convert_file(arguments.source, arguments.output)
    print(report)
    unchanged = report.already or not report.converted
    print(f"{arguments.output} is {'a copy of' if unchanged else 'the conversion of'} {arguments.source}")
