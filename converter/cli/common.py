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
    """--include and --exclude."""
    for name, what in ("include", "convert only nodes"), ("exclude", "leave nodes as they are"):
        parser.add_argument(
            f"--{name}",
            action="append",
            default=[],
            metavar="PATTERN",
            help=f"{what} whose name or operator is like this, such as Softmax or '/head/*'; may be repeated",
        )
