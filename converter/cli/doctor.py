"""Say whether GPU, driver, CUDA, cuDNN, onnxruntime and qudnn fit together, and what to do if not.

Prints a line for each part, with its version: the GPU, its driver, onnxruntime, the CUDA and cuDNN that it
uses, qudnn's library and the folder of plans. Where something is wrong, a second line says what to do.

With MODEL the model is opened and run once on the GPU, with random inputs, and the nodes are counted that
ran there, on qudnn's kernels or on onnxruntime's, and those that ran on the CPU. Without a GPU it says what
would run where.

The exit status is 1 where something is wrong; what is marked as a note does no harm.

  qudnn doctor
  qudnn doctor model.onnx --shape x=1,3,224,224
"""

import argparse
from typing import TYPE_CHECKING, Any

from qudnn.converter.cli.common import add_shape
from qudnn.converter.cli.console import Console
from qudnn.converter.cli.verb import Exit, UsageError

if TYPE_CHECKING:
    from qudnn.custom_ops.checkup import Check
    from qudnn.custom_ops.facts import Facts


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", nargs="?", help="a model to run, converted or not")
    add_shape(parser)
    parser.add_argument("--cache-dir", metavar="DIR", help="the folder of plans, if not the user's own")


def run(arguments: argparse.Namespace, console: Console) -> Exit:
    if arguments.shape and arguments.model is None:
        raise UsageError("--shape is about a model's inputs: give MODEL")
    try:
        from qudnn.custom_ops import checkup, facts
    except ImportError as error:
        raise UsageError(
            f"onnxruntime cannot be imported ({error}): `pip install onnxruntime-gpu[cuda,cudnn]`"
        ) from error
    gathered = facts.gather(arguments.cache_dir)
    checks = checkup.checks(gathered)
    kernels: list[dict[str, Any]] | None = None
    if arguments.model is not None:
        check, kernels = _model(arguments)
        checks.append(check)
    wrong = [check for check in checks if check.state is checkup.State.WRONG]
    console.answer(lambda: _document(checks, kernels, gathered), lambda: "\n".join(_lines(checks)))
    if wrong:
        names = ", ".join(check.name for check in wrong)
        console.complain(f"{len(wrong)} of {len(checks)} parts are not as they should be: {names}")
        return Exit.MISTAKE
    return Exit.DONE


def _model(arguments: argparse.Namespace) -> "tuple[Check, list[dict[str, Any]] | None]":
    """The model's check, and the kernels that ran, by provider; None where there is no GPU."""
    import numpy as np

    from qudnn.converter.api import convert, is_converted
    from qudnn.converter.cli import placement
    from qudnn.converter.cli.random_inputs import check_types, random_inputs
    from qudnn.converter.cli.runtime import why_no_gpu
    from qudnn.converter.cli.shapes import inputs_of, shape_sets
    from qudnn.converter.io.proto import load_proto

    proto = load_proto(arguments.model)
    converted = proto if is_converted(proto) else convert(arguments.model).model
    if why_no_gpu():
        return placement.of_a_conversion(converted), None
    inputs = inputs_of(proto)
    check_types(inputs)
    shapes, *more = shape_sets(inputs, arguments.shape)
    if more:
        raise UsageError("the model is run once: give one shape for each input")
    fed = random_inputs(inputs, shapes, np.random.default_rng(0))
    check, ran = placement.of_a_run(arguments.model, fed, placement.ops_of(converted), arguments.cache_dir)
    return check, [{**kernel._asdict(), "runs": count} for kernel, count in sorted(ran.items())]


def _document(
    checks: "list[Check]", kernels: list[dict[str, Any]] | None, gathered: "Facts"
) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "well": all(check.state != "wrong" for check in checks),
        "checks": [asdict(check) for check in checks],
        "kernels": kernels,
        "facts": asdict(gathered),
    }


def _lines(checks: "list[Check]") -> list[str]:
    width = max(len(check.name) for check in checks)
    lines = []
    for check in checks:
        lines.append(f"{check.state:5}  {check.name:{width}}  {check.found}")
        if check.remedy:
            lines.append(f"{'':5}  {'':{width}}  -> {check.remedy}")
    return lines
