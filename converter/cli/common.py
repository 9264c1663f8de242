"""Arguments that several verbs take."""

import argparse


def add_shape(parser: argparse.ArgumentParser) -> None:
    """--shape, which converter/cli/shapes.py reads."""
    parser.add_argument(
        "--shape",
        action="append",
        default=[],
        metavar="INPUT=SIZES",
        help="an input's shape, such as x=64,3,224,224; may be repeated",
    )


def add_selection(parser: argparse.ArgumentParser) -> None:
    """--include, --exclude and --quantize-activations: what to convert."""
    for name, what in ("include", "convert only nodes"), ("exclude", "leave nodes as they are"):
        parser.add_argument(
            f"--{name}",
            action="append",
            default=[],
            metavar="PATTERN",
            help=f"{what} whose name or operator is like this, such as Softmax or '/head/*'; may be repeated",
        )
    parser.add_argument(
        "--quantize-activations",
        action="store_true",
        help="also convert what multiplies float32 by weights that are only stored in 8 bits: its "
        "activations are quantized at run time, and results change",
    )
