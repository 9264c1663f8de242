"""Compare a model with its conversion, on the CPU and on the GPU, bit for bit.

Runs ORIGINAL on onnxruntime's CPU provider, and the converted model there and on the GPU, if there is one
that qudnn can use. Without CONVERTED the conversion is made in memory. Inputs are random, or those of a file
that numpy.savez has written, with an array for each input.

Where outputs differ, it names the first node whose result differs, and by how much. --reduce writes the
smallest part of ORIGINAL that still differs from its conversion as a model of its own, and what to feed it
beside it. The exit status is 3 where anything differs.

  qudnn compare model.onnx --shape x=2,3,224,224
  qudnn compare model.onnx model.qudnn.onnx --inputs inputs.npz --tensors
  qudnn compare model.onnx --inputs inputs.npz --reduce small.onnx
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from qudnn.converter.cli.common import add_inputs
from qudnn.converter.cli.console import Console
from qudnn.converter.cli.runtime import check_gpu, why_no_gpu
from qudnn.converter.cli.verb import Exit, UsageError
from qudnn.converter.io import output

if TYPE_CHECKING:
    import onnx

    from qudnn.converter import Report
    from qudnn.converter.cli.locating import Tensor
    from qudnn.converter.cli.sides import Array, Arrays, Side
    from qudnn.converter.comparison.difference import Difference


class Output(NamedTuple):
    """An output of the model, and how it differs."""

    name: str
    value: "Array"
    found: "Difference | None"

    def __str__(self) -> str:
        kind = f"{self.name} {self.value.dtype} {list(self.value.shape)}"
        return f"{kind}: {self.found or 'the same bits'}"


class Comparison(NamedTuple):
    """One side with the original. tensors: those between, where they were compared; note: what they are."""

    side: "Side"
    outputs: list[Output]
    tensors: "list[Tensor]"
    note: str

    @property
    def differs(self) -> bool:
        return any(output.found for output in self.outputs)

    @property
    def first(self) -> "Tensor | None":
        """The first tensor that differs."""
        return next((tensor for tensor in self.tensors if tensor.found), None)

    def document(self) -> dict[str, Any]:
        def entry(name: str, found: "Difference | None", **others: Any) -> dict[str, Any]:
            return {"name": name, **others, "difference": None if found is None else found.document()}

        tensors = [entry(t.name, t.found, node=t.node, op_type=t.op_type) for t in self.tensors]
        return {
            "device": str(self.side.device),
            "same": not self.differs,
            "outputs": [
                entry(o.name, o.found, dtype=str(o.value.dtype), shape=list(o.value.shape))
                for o in self.outputs
            ],
            "tensors": tensors,
            "first": next((tensor for tensor in tensors if tensor["difference"]), None),
            "note": self.note,
        }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("original", metavar="ORIGINAL", help="the model before conversion")
    parser.add_argument("converted", metavar="CONVERTED", nargs="?", help="its conversion; made if left out")
    add_inputs(parser)
    parser.add_argument(
        "--device",
        choices=("cpu", "gpu", "both"),
        default="both",
        help="where to run the converted model; both, the default, leaves a GPU out that is not there",
    )
    parser.add_argument(
        "--tensors", action="store_true", help="compare the tensors between operators too, not only outputs"
    )
    parser.add_argument(
        "--tolerance",
        type=float,
        default=0.0,
        metavar="X",
        help="let values differ by so much; 0: bits count",
    )
    parser.add_argument("--reduce", metavar="OUT", help="write the smallest part that differs, and OUT.npz")


def run(arguments: argparse.Namespace, console: Console) -> Exit:
    from qudnn.converter.cli.sides import Device, Side, load_inputs
    from qudnn.converter.io import weights
    from qudnn.converter.io.proto import load_proto

    if arguments.reduce is not None and (problem := output.problem(arguments.reduce)):
        raise UsageError(f"cannot write {arguments.reduce}: {problem}")
    if arguments.reduce is not None and arguments.converted is not None:
        raise UsageError("--reduce converts each part anew: leave CONVERTED out")
    model = load_proto(arguments.original)
    feeds = load_inputs(model, arguments)
    if arguments.device == "gpu":
        check_gpu("comparing on the GPU")
    weights.load(model, weights.folders_of(arguments.original))
    converted, report = _converted(arguments)
    original = Side(arguments.original, model)
    name = arguments.converted or f"the conversion of {arguments.original}"
    devices = {"cpu": [Device.CPU], "gpu": [Device.GPU], "both": [Device.CPU, Device.GPU]}[arguments.device]
    left_out = why_no_gpu() if arguments.device == "both" else ""
    if left_out:
        devices.remove(Device.GPU)
    found = []
    for inputs in feeds:
        want = original.run(inputs)
        for device in devices:
            side = Side(name, converted, device)
            found.append((_compare(original, side, want, inputs, arguments), inputs))
    reduced = _reduce(original, found, arguments) if arguments.reduce is not None else None
    comparisons = [comparison for comparison, _ in found]
    console.answer(
        lambda: {
            "original": arguments.original,
            "converted": arguments.converted,
            "same": not any(each.differs for each in comparisons),
            "comparisons": [each.document() for each in comparisons],
            "gpu_left_out": left_out,
            "approximate": [entry._asdict() for entry in report.approximate] if report else [],
            "reduced": reduced,
        },
        lambda: "\n".join(_lines(comparisons, report, left_out, reduced, arguments, console.is_verbose)),
    )
    return Exit.NO if any(each.differs for each in comparisons) else Exit.DONE


def _converted(arguments: argparse.Namespace) -> "tuple[onnx.ModelProto, Report | None]":
    from qudnn.converter.api import convert
    from qudnn.converter.io import weights
    from qudnn.converter.io.proto import load_proto

    if arguments.converted is None:
        conversion = convert(arguments.original)
        return conversion.model, conversion.report
    model = load_proto(arguments.converted)
    weights.load(model, weights.folders_of(arguments.converted))
    return model, None


def _compare(
    original: "Side", side: "Side", want: "Arrays", inputs: "Arrays", arguments: argparse.Namespace
) -> Comparison:
    from qudnn.converter.comparison.difference import difference

    got = side.run(inputs)
    if got.keys() != want.keys():
        raise UsageError(
            f"{side.name} has the outputs {', '.join(got)}, and {original.name} {', '.join(want)}: "
            "give a model and its conversion"
        )
    outputs = [
        Output(name, value, difference(got[name], value, arguments.tolerance)) for name, value in want.items()
    ]
    comparison = Comparison(side, outputs, [], "")
    if comparison.differs or arguments.tensors:
        tensors, note = _tensors(original, side, want, inputs, arguments)
        comparison = comparison._replace(tensors=tensors, note=note)
    return comparison


def _tensors(
    original: "Side", side: "Side", want: "Arrays", inputs: "Arrays", arguments: argparse.Namespace
) -> "tuple[list[Tensor], str]":
    """The tensors between operators, and what they are of."""
    from qudnn.converter.api import convert
    from qudnn.converter.cli import locating
    from qudnn.converter.cli.sides import Device
    from qudnn.converter.comparison.parts import borders, computed, with_outputs

    if side.device is Device.GPU:  # against the function bodies, all of whose tensors are the same
        cpu = side._replace(device=Device.CPU)
        tensors = locating.compare_tensors(cpu, side, computed(cpu.model), inputs, arguments.tolerance)
        if any(tensor.found for tensor in tensors) or arguments.tensors:
            return tensors, "of the converted model, on the GPU against the CPU"
    if arguments.converted is None:
        exposed, other, names = locating.converted_with_outputs(original, side, lambda m: convert(m).model)
        note = "between operators"
    else:
        names = locating.common_tensors(original, side)
        exposed, other, note = original, side, "that both models have"
        if not locating.is_undisturbed(original.of(with_outputs(original.model, names)), want, inputs):
            names = [name for name in names if name in {*borders(original.model), *want}]
    tensors = locating.compare_tensors(exposed, other, names, inputs, arguments.tolerance)
    if not locating.is_undisturbed(exposed.of(with_outputs(exposed.model, names)), want, inputs):
        note += ", of which onnxruntime computes some otherwise when it gives them out"
    return tensors, note


def _reduce(
    original: "Side", found: "Sequence[tuple[Comparison, Arrays]]", arguments: argparse.Namespace
) -> dict[str, Any] | None:
    """Write the smallest part that differs, and its inputs; None where nothing differs."""
    import io

    import numpy as np

    from qudnn.converter.api import convert
    from qudnn.converter.cli import locating
    from qudnn.converter.comparison.parts import producers

    for comparison, inputs in found:
        if not comparison.differs:
            continue
        here = next(each.name for each in comparison.outputs if each.found)
        first = comparison.first.name if comparison.first else here
        tensor = first if first in producers(original.model) else here
        part, fed, difference = locating.reduce(
            original, comparison.side, lambda m: convert(m).model, inputs, tensor, arguments.tolerance
        )
        arrays = io.BytesIO()
        np.savez(arrays, allow_pickle=False, **{name: np.asarray(value) for name, value in fed.items()})
        target = Path(arguments.reduce)
        data = target.with_name(target.name + ".npz")
        output.write(target, part.SerializeToString())
        output.write(data, arrays.getvalue())
        return {
            "model": str(target),
            "inputs": str(data),
            "nodes": len(part.graph.node),
            "difference": difference.document(),
        }
    return None


def _lines(
    comparisons: list[Comparison],
    report: "Report | None",
    left_out: str,
    reduced: dict[str, Any] | None,
    arguments: argparse.Namespace,
    is_verbose: bool,
) -> list[str]:
    lines = []
    for each in comparisons:
        lines += [f"{each.side.device}: {output}" for output in each.outputs]
        if arguments.tensors:
            shown = [tensor for tensor in each.tensors if tensor.found or is_verbose]
            same = sum(tensor.found is None for tensor in each.tensors)
            lines.append(
                f"{each.side.device}: {same} of {len(each.tensors)} tensors {each.note} are the same"
            )
            lines += [f"  {tensor}" for tensor in shown]
        if each.differs:
            lines.append(f"{each.side.device}: {_first(each, report)}")
    if left_out:
        lines.append(f"the GPU is left out: {left_out}")
    if report is not None and report.approximate and any(each.differs for each in comparisons):
        count = len(report.approximate)
        lines.append(
            f"the report lists {count} node{'s' * (count > 1)} whose results may differ: see `qudnn inspect`"
        )
    if reduced is not None:
        lines.append(
            f"{reduced['model']} is the smallest part that differs, {reduced['nodes']} nodes; "
            f"its inputs are in {reduced['inputs']}"
        )
    elif arguments.reduce is not None:
        lines.append("nothing differs: nothing was written")
    return lines


def _first(comparison: Comparison, report: "Report | None") -> str:
    first = comparison.first
    if first is None:
        count = len(comparison.tensors)
        return f"none of {count} tensors {comparison.note} differs by itself, only the whole does"
    known = report is not None and first.node in {entry.name for entry in report.approximate}
    return f"the first node that differs{', as the report says it may' if known else ''}: {first}"
