"""Arguments that several verbs take."""

import argparse


def add_shape(parser: argparse._ActionsContainer) -> None:
    """--shape, to a parser or a group of options, which converter/cli/shapes.py reads."""
    parser.add_argument(
        "--shape",
        action="append",
        default=[],
        metavar="INPUT=SIZES",
        help="an input's shape, such as x=64,3,224,224; x=1..64,3,224,224 is one for each power of two; "
        "may be repeated",
    )


def add_inputs(parser: argparse.ArgumentParser) -> None:
    """--shape, --inputs and --seed, which converter/cli/sides.py: load_inputs reads."""
    add_shape(parser)
    parser.add_argument(
        "--inputs", metavar="FILE", help="an .npz file with an array for each input of the model"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of random inputs; 0 if not given")


def add_selection(parser: argparse.ArgumentParser) -> None:
    """--include, --exclude, --quantize-activations and --constant-defaults: what to convert."""
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
    parser.add_argument(
        "--constant-defaults",
        action="store_true",
        help="take the default of each input that has one as a constant: callers cannot give another",
    )
