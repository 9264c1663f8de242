"""Quantize a float model to 8 bits, convert it, and say what that changes.

onnxruntime's static quantizer writes QDQ form with weights in int8 per channel, after its own preparation;
layers get biases of their own, and masks stay in float. --data has samples of the model's inputs: a folder
with .npy or .npz files or images, or one .npz file whose arrays are stacked samples. The range of each tensor
is the one on the samples, so they should be such as the model will meet; some hundreds are enough.

Prints how outputs change, in float32 and in 8 bits, and whether the converted model gives the bits of the
quantized one. OUT is the converted model; --quantized keeps the other one. --report ranks layers by their
error on a page of HTML, --keep-float leaves the worst in float. The exit status is 3 where bits differ.

  qudnn quantize model.onnx --data samples.npz -o model.qudnn.onnx
  qudnn quantize model.onnx --data samples/ -o model.qudnn.onnx --report report.html --keep-float 2
"""

import argparse
from typing import TYPE_CHECKING, Any

from qudnn.converter.cli.batch import Job
from qudnn.converter.cli.console import Console
from qudnn.converter.cli.pages import Pages
from qudnn.converter.cli.verb import Exit, UsageError
from qudnn.converter.io import output

if TYPE_CHECKING:
    from qudnn.converter.cli.quantizing import Outcome

_WORST = 5  # layers that are printed


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(number) for number in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no list of numbers, such as 0.485,0.456,0.406"
        ) from None


def _count(text: str) -> int:
    if not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of 1 or more")
    return int(text)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="MODEL", help="the float model")
    parser.add_argument("--data", metavar="DATA", required=True, help="samples: a folder, or an .npz file")
    parser.add_argument("-o", "--output", metavar="OUT", required=True, help="the converted model to write")
    parser.add_argument(
        "--quantized", metavar="FILE", help="write the quantized model before conversion, too"
    )
    parser.add_argument(
        "--samples", type=_count, metavar="N", help="use the first N samples; all if not given"
    )
    parser.add_argument(
        "--test",
        metavar="DATA",
        help="other samples, on which to measure what changes; by default those of --data",
    )
    parser.add_argument(
        "--activations",
        choices=("uint8", "int8"),
        default="uint8",
        help="uint8, the default, uses all its values for any range; int8 is symmetric, as TensorRT wants it",
    )
    parser.add_argument(
        "--calibration",
        choices=("minmax", "percentile", "entropy"),
        default="minmax",
        help="how ranges are found: minmax, the default, clips nothing; the others clip rare large values",
    )
    parser.add_argument(
        "--keep-float", type=_count, metavar="N", help="leave the N layers of the largest error in float"
    )
    parser.add_argument(
        "--mean", type=_numbers, default=(0.0,), metavar="X,...", help="of images, whose pixels are in [0, 1]"
    )
    parser.add_argument(
        "--std", type=_numbers, default=(1.0,), metavar="X,...", help="what to divide by after"
    )
    parser.add_argument("--report", metavar="FILE", help="write a page of HTML that ranks layers, too")


def run(arguments: argparse.Namespace, console: Console) -> Exit:
    job = Job(arguments.source, arguments.output)
    _check(arguments, job)
    from qudnn.converter.cli.quantizing import quantize, sections

    outcome = quantize(arguments)
    if arguments.report is not None:
        pages = Pages(arguments.report, [job], False, job)
        pages.write(*job, outcome.report, sections(outcome))
    console.answer(
        lambda: {"source": job.source, "target": job.target, **outcome.document()},
        lambda: "\n".join(_lines(outcome, job, console.is_verbose)),
    )
    return Exit.DONE if outcome.same else Exit.NO


def _check(arguments: argparse.Namespace, job: Job) -> None:
    targets = {"-o": arguments.output, "--quantized": arguments.quantized, "--report": arguments.report}
    for option, path in targets.items():
        if path is None:
            continue
        if output.is_standard(path) or not output.is_file(path):
            raise UsageError(f"{option} {path} is no file: what quantizing writes goes to files")
        if problem := output.problem(path):
            raise UsageError(f"cannot write {path}: {problem}")
        others = [arguments.source, *(other for name, other in targets.items() if name != option)]
        if any(other is not None and output.real(other) == output.real(path) for other in others):
            raise UsageError(f"{option} {path} is another file of this command: give it a name of its own")
    if not output.is_file(job.source):
        raise UsageError("quantizing reads the model from a file, not from a pipe")


def _lines(outcome: "Outcome", job: Job, is_verbose: bool) -> list[str]:
    lines = [f"{len(outcome.quantized)} operators in 8 bits, calibrated on {outcome.calibrated}"]
    if outcome.masks:
        lines.append(
            f"left in float for their large values, as of masks: {_names(outcome.masks, is_verbose)}"
        )
    if outcome.kept:
        lines.append(f"left in float for their error: {_names(outcome.kept, is_verbose)}")
    lines.append(f"outputs in 8 bits for float32, on {outcome.measured}:")
    lines += [f"  {_change(change)}" for change in outcome.changes]
    if outcome.before:
        lines.append("with all layers in 8 bits it was:")
        lines += [f"  {_change(change)}" for change in outcome.before]
    shown = outcome.layers if is_verbose else outcome.layers[:_WORST]
    if shown:
        lines.append("layers by their error, the worst first:")
        lines += [
            ("" if layer.effect is None else f"  {layer.effect:6.1f} dB of the outputs, by it alone;")
            + f"  {layer.own:6.1f} dB by itself, {layer.so_far:6.1f} dB so far  {layer.op_type}: {layer.name}"
            for layer in shown
        ]
    lines += ["", outcome.report.text(None if is_verbose else 3), *outcome.comparisons]
    lines.append(f"{job.target} is the conversion of {job.source} in 8 bits")
    return lines


def _change(change: Any) -> str:
    top = f", top-1 {change.same_top} of {change.tops}" if change.tops else ""
    return (
        f"{change.name}: error {change.largest:.4g} at most, {change.mean:.4g} on average, "
        f"SQNR {change.sqnr:.1f} dB{top}"
    )


def _names(names: tuple[str, ...], is_verbose: bool) -> str:
    shown = names if is_verbose else names[:3]
    return ", ".join(shown) + (", ..." if len(names) > len(shown) else "")
