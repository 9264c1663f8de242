"""The public functions of the converter."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import onnx
import onnx_ir as ir

from qudnn.converter import pipeline
from qudnn.converter.domain import has_ops
from qudnn.converter.errors import ConversionError
from qudnn.converter.failures import named
from qudnn.converter.inlining import inlined
from qudnn.converter.io import files, output, weights
from qudnn.converter.io.proto import load_proto, read_once
from qudnn.converter.io.quiet import quiet
from qudnn.converter.quantized_calls import read_inlined
from qudnn.converter.reports.describe import describe_converted
from qudnn.converter.reports.report import Report
from qudnn.converter.selection import Selection
from qudnn.converter.trace import Trace

Source = onnx.ModelProto | str | os.PathLike[str]


@dataclass(frozen=True)
class Conversion:
    """model: the converted model with all its weights; where nothing was converted, the original."""

    model: onnx.ModelProto
    report: Report


@quiet()
def convert(
    model: Source,
    *,
    trace: str | os.PathLike[str] | None = None,
    explain: bool | None = None,
    include: Iterable[str] = (),
    exclude: Iterable[str] = (),
    quantize_activations: bool = False,
    constant_defaults: bool = False,
) -> Conversion:
    """Convert a quantized model, given as such or as the path of its file. The argument is left as it is.

    What the converted model computes, its inputs, outputs and metadata are those of the original. What
    cannot be converted stays, and is in the report. A model that is converted already is returned as it is.

    trace: a folder for the graph after each pass that changed it, and for the times of all passes.
    explain: whether the report says which rewrites were not done, and why. By default it does where the
    environment variable QUDNN_EXPLAIN is 1.
    include, exclude: which nodes to convert, and which not, as patterns of a shell for their names or
    operators; see `qudnn.converter.selection.Selection`.
    quantize_activations: whether matmuls and convolutions of float32 with weights that are only stored in 8
    bits are computed in integers too: their activations are then quantized at run time, and results change.
    constant_defaults: whether inputs with a default are that always; the converted model has none of them.

    Raises ConversionError where the model cannot be read or the trace not be written.
    """
    if isinstance(model, onnx.ModelProto):
        proto = model
        if weights.are_apart(proto):
            raise ConversionError(
                "the model's weights lie in other files: give the path of the model instead"
            )
    else:
        proto = load_proto(model)
        weights.load(proto, weights.folders_of(model))
    selection = Selection.of(include, exclude)
    if is_converted(proto):
        return Conversion(proto, describe_converted(files.to_ir(proto)))
    work = read_inlined(proto)
    report = pipeline.run(
        work,
        _observer(trace),
        explains(explain),
        selection,
        quantize_activations=quantize_activations,
        constant_defaults=constant_defaults,
    )
    if not report.converted:
        return Conversion(proto, report)
    with named("making the converted model"):
        return Conversion(ir.to_proto(work), report)


@quiet()
def convert_file(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    trace: str | os.PathLike[str] | None = None,
    explain: bool | None = None,
    include: Iterable[str] = (),
    exclude: Iterable[str] = (),
    quantize_activations: bool = False,
    constant_defaults: bool = False,
) -> Report:
    """Convert the model in the file `source` into the file `target`.

    Where the source keeps its weights in other files, or the result passes protobuf's 2 GB, the weights
    go into `target`.data beside it. Files appear whole or not at all, where the links of target lead, and
    with the mode of those that they replace; a model of which nothing could be converted, or which is
    converted already, is written as it was. "-" is standard input or output; pipes and devices work, too.

    trace, explain, include, exclude, quantize_activations, constant_defaults: as in convert.

    Raises ConversionError where the source cannot be read, or the target or the trace not be written.
    """
    selection = Selection.of(include, exclude)
    files.check_target(source, target)
    content = read_once(source)
    proto = load_proto(source, content)
    apart = weights.locate(proto, weights.folders_of(source))
    converted_before = is_converted(proto)
    model = files.to_ir(proto) if converted_before else read_inlined(proto)
    report = (
        describe_converted(model)
        if converted_before
        else pipeline.run(
            model,
            _observer(trace),
            explains(explain),
            selection,
            quantize_activations=quantize_activations,
            constant_defaults=constant_defaults,
        )
    )
    if report.converted and not report.already:
        with named("writing the converted model"):
            files.save(model, target, apart)
    elif apart:
        with named("writing the model"):
            files.save(files.to_ir(proto), target, apart)
    else:
        files.copy(source, target, content)
    return report


@quiet()
def inline(model: Source) -> onnx.ModelProto:
    """Standard ONNX of a converted model, given as such or as the path of its file.

    Each op of qudnn is replaced by its function body, so that runtimes without functions open the model too.
    It computes the same, in each bit. Raises ConversionError where the model cannot be read, or has no ops of
    qudnn.
    """
    if isinstance(model, onnx.ModelProto):
        proto = model
    else:
        proto = load_proto(model)
        weights.load(proto, weights.folders_of(model))
    with named("inlining the functions"):
        return ir.to_proto(inlined(_converted(proto, "the model")))


@quiet()
def inline_file(source: str | os.PathLike[str], target: str | os.PathLike[str]) -> None:
    """As inline, from the file source into the file target, which is written as convert_file does it."""
    files.check_target(source, target)
    proto = _converted(load_proto(source), output.name(source, "input"))
    apart = weights.locate(proto, weights.folders_of(source))
    with named("inlining the functions"):
        model = inlined(proto)
    with named("writing the model"):
        files.save(model, target, apart)


def _converted(proto: onnx.ModelProto, name: str) -> onnx.ModelProto:
    if not has_ops(proto):
        raise ConversionError(f"{name} has no ops of qudnn: it is not converted, there is nothing to inline")
    return proto


@quiet()
def inspect(
    proto: onnx.ModelProto,
    source: str | os.PathLike[str],
    *,
    include: Iterable[str] = (),
    exclude: Iterable[str] = (),
    quantize_activations: bool = False,
    constant_defaults: bool = False,
) -> Report:
    """The report that converting a model would give, or that on a converted model; nothing is written.

    include, exclude, quantize_activations, constant_defaults: as in convert.
    source: where proto was read from, in whose folder its weights in other files lie; they are read on
    demand, and so left alone where nobody asks for them. proto is not to be used afterwards.

    Raises ConversionError as convert_file does.
    """
    selection = Selection.of(include, exclude)
    weights.locate(proto, weights.folders_of(source))
    if is_converted(proto):
        return describe_converted(files.to_ir(proto))
    return pipeline.run(
        read_inlined(proto),
        selection=selection,
        quantize_activations=quantize_activations,
        constant_defaults=constant_defaults,
    )


def explains(wanted: bool | None) -> bool:
    """Whether reasons are wanted for what is not done: as told, else as QUDNN_EXPLAIN says."""
    return os.environ.get("QUDNN_EXPLAIN", "0") not in ("", "0") if wanted is None else wanted


def _observer(trace: str | os.PathLike[str] | None) -> Trace | None:
    return None if trace is None else Trace(Path(trace))


def is_converted(model: Source) -> bool:
    """Whether the model has ops of qudnn, bodies of nodes and functions included.

    Raises ConversionError where it cannot be read.
    """
    return has_ops(model if isinstance(model, onnx.ModelProto) else load_proto(model))


__all__ = [
    "Conversion",
    "ConversionError",
    "Report",
    "convert",
    "convert_file",
    "inline",
    "inline_file",
    "is_converted",
]
