"""The work of `qudnn quantize`: reading samples, quantizing, converting, and measuring what changes."""

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import onnx

from qudnn.converter.api import convert_file
from qudnn.converter.cli.images import Pixels
from qudnn.converter.cli.runtime import why_no_gpu
from qudnn.converter.cli.samples import Samples, load_samples
from qudnn.converter.cli.shapes import inputs_of
from qudnn.converter.cli.sides import Device, Side
from qudnn.converter.cli.verb import UsageError
from qudnn.converter.comparison.difference import difference
from qudnn.converter.errors import ConversionError
from qudnn.converter.io import output, weights
from qudnn.converter.io.files import LARGEST_IN_ONE_FILE
from qudnn.converter.io.proto import load_proto
from qudnn.converter.qdq.linear import dequantizes
from qudnn.converter.quantization.fidelity import Change
from qudnn.converter.quantization.preparation import prepare, save
from qudnn.converter.quantization.quantizer import Settings
from qudnn.converter.quantization.quantizer import quantize as quantize_file
from qudnn.converter.quantization.ranges import nodes_of_large_values
from qudnn.converter.quantization.ranking import Layer, rank
from qudnn.converter.reports.page.document import Section, table
from qudnn.converter.reports.page.text import escaped
from qudnn.converter.reports.report import Report
from qudnn.converter.reports.summary import Summary

_COMPARED = 16  # samples on which bits are compared


@dataclass
class Outcome:
    """What came of it.

    calibrated, measured: on which samples. quantized: the names of the operators in 8 bits. masks, kept:
    those of nodes left in float, for their large values and for their error. changes: of the outputs; before:
    as they were with all layers in 8 bits, where some are kept. same: whether the bits of the conversion are
    those of the quantized model on the CPU; comparisons: that in words.
    """

    calibrated: str
    measured: str
    quantized: tuple[str, ...]
    masks: tuple[str, ...]
    kept: tuple[str, ...]
    changes: list[Change]
    before: list[Change]
    layers: list[Layer]
    report: Report
    same: bool
    comparisons: list[str] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """As what JSON can hold."""
        return {
            "calibrated": self.calibrated,
            "measured": self.measured,
            "quantized": list(self.quantized),
            "kept_float": {"large_values": list(self.masks), "error": list(self.kept)},
            "outputs": [change.document() for change in self.changes],
            "outputs_before": [change.document() for change in self.before],
            "layers": [layer.document() for layer in self.layers],
            "same_bits": self.same,
            "report": self.report.document(),
        }


def quantize(arguments: argparse.Namespace) -> Outcome:
    """Do what the verb does, but for the page and what is printed. Raises UsageError and ConversionError."""
    model = load_proto(arguments.source)
    weights.load(model, weights.folders_of(arguments.source))
    _check_float(model, arguments.source)
    inputs = inputs_of(model)
    pixels = Pixels(arguments.mean, arguments.std)
    samples = load_samples(arguments.data, inputs, arguments.samples, pixels)
    tests = load_samples(arguments.test, inputs, None, pixels) if arguments.test else samples
    original = Side(arguments.source, model)
    want = [original.run(feed) for feed in tests.feeds]
    with tempfile.TemporaryDirectory(prefix="qudnn-") as name:
        return _Work(arguments, Path(name), original, samples, tests, want).outcome()


def _check_float(model: onnx.ModelProto, name: str) -> None:
    summary = Summary.of(model)
    if summary.converted_by:
        raise ConversionError(f"{name} is converted by qudnn already: give the float model")
    if summary.format != "float":
        by = f" by {summary.quantizer}" if summary.quantizer else ""
        raise ConversionError(
            f"{name} is quantized already ({summary.format}{by}): give the float model, or convert this one "
            "with `qudnn convert`"
        )


class _Work:
    """One model on its way. want: the float model's outputs on the tests."""

    def __init__(
        self,
        arguments: argparse.Namespace,
        folder: Path,
        original: Side,
        samples: Samples,
        tests: Samples,
        want: list[dict[str, Any]],
    ) -> None:
        self._arguments, self._folder, self._original = arguments, folder, original
        self._samples, self._tests, self._want = samples, tests, want
        copy = onnx.ModelProto()
        copy.CopyFrom(original.model)
        self._path = prepare(copy, folder)
        self._prepared = onnx.load_model(self._path)
        size = sum(len(tensor.raw_data) for tensor in self._prepared.graph.initializer)
        self._apart = size > LARGEST_IN_ONE_FILE

    def outcome(self) -> Outcome:
        feeds = self._samples.feeds
        masks = tuple(nodes_of_large_values(self._prepared, feeds, self._folder))
        model = self._quantized(masks)
        in_detail = bool(self._arguments.keep_float or self._arguments.report)
        layers = rank(self._prepared, model, feeds, self._folder, masks, in_detail)
        changes = self._changes(model)
        before: list[Change] = []
        kept: tuple[str, ...] = ()
        if self._arguments.keep_float:
            if self._arguments.keep_float >= len(layers):
                raise UsageError(
                    f"--keep-float {self._arguments.keep_float} would leave nothing in 8 bits: the model has "
                    f"{len(layers)} such layers"
                )
            kept = tuple(layer.name for layer in layers[: self._arguments.keep_float])
            model = self._quantized((*masks, *kept))
            before, changes = changes, self._changes(model)
            layers = rank(self._prepared, model, feeds, self._folder, (*masks, *kept), in_detail)
        report = convert_file(self._folder / "quantized.onnx", self._arguments.output)
        if self._arguments.quantized is not None:
            output_of(model, self._arguments.quantized, self._apart)
        same, comparisons = self._compare(model)
        return Outcome(
            calibrated=_told(self._samples),
            measured=_told(self._tests),
            quantized=tuple(name for name in _in_8_bits(model) if name not in {*masks, *kept}),
            masks=masks,
            kept=kept,
            changes=changes,
            before=before,
            layers=layers,
            report=report,
            same=same,
            comparisons=comparisons,
        )

    def _quantized(self, in_float: Sequence[str]) -> onnx.ModelProto:
        arguments, target = self._arguments, self._folder / "quantized.onnx"
        settings = Settings(arguments.activations, arguments.calibration, tuple(in_float))
        quantize_file(self._path, target, self._samples.feeds, settings, self._apart)
        model = onnx.load_model(target)
        if not _in_8_bits(model):
            operators = ", ".join(sorted({node.op_type for node in self._prepared.graph.node}))
            raise UsageError(f"nothing in {arguments.source} can be quantized: its operators are {operators}")
        return model

    def _changes(self, model: onnx.ModelProto) -> list[Change]:
        """What the quantized model makes of the outputs that are numbers in floating point."""
        side = Side(f"{self._original.name} in 8 bits", model)
        found: dict[str, Change] = {}
        for feed, want in zip(self._tests.feeds, self._want, strict=True):
            for name, got in side.run(feed).items():
                if want[name].dtype.kind == "f":
                    found.setdefault(name, Change(name)).add(got, want[name])
        return list(found.values())

    def _compare(self, quantized: onnx.ModelProto) -> tuple[bool, list[str]]:
        converted = load_proto(self._arguments.output)
        weights.load(converted, weights.folders_of(self._arguments.output))
        before = Side("the quantized model", quantized)
        feeds = self._tests.feeds[:_COMPARED]
        devices = [Device.CPU] if why_no_gpu() else [Device.CPU, Device.GPU]
        want = [before.run(feed) for feed in feeds]
        lines, same = [], True
        for device in devices:
            side = Side("the converted model", converted, device)
            told = ""
            for feed, expected in zip(feeds, want, strict=True):
                got = side.run(feed)
                differing = ((name, difference(got[name], value)) for name, value in expected.items())
                told = told or next((f"{name}: {found}" for name, found in differing if found), "")
            number = f"{len(feeds)} sample{'s' * (len(feeds) > 1)}"
            lines.append(
                f"converted and quantized on the {device}: {told}"
                if told
                else f"converted gives the bits of quantized on the {device}, on {number}"
            )
            same &= not told or device is Device.GPU
        return same, lines


def output_of(model: onnx.ModelProto, target: str, apart: bool) -> None:
    """Write the quantized model, whole or not at all."""
    path = output.real(target)
    try:
        with output.aside(path, [path.name + ".data", path.name]) as folder:
            save(model, folder / path.name, apart)
    except OSError as error:
        raise UsageError(f"cannot write {target}: {error.strerror or error}") from error


def _in_8_bits(model: onnx.ModelProto) -> list[str]:
    """The operators that read dequantized tensors."""
    made = {node.output[0] for node in model.graph.node if dequantizes(node)}
    return [node.name for node in model.graph.node if not made.isdisjoint(node.input)]


def _told(samples: Samples) -> str:
    count = len(samples.feeds)
    return f"{count} sample{'s' * (count > 1)} of {samples.what}"


def sections(outcome: Outcome) -> list[Section]:
    """What the page says besides the conversion."""
    rows = [
        (
            escaped(change.name),
            f"{change.largest:.4g}",
            f"{change.mean:.4g}",
            f"{change.sqnr:.1f}",
            f"{change.same_top} of {change.tops}" if change.tops else "",
        )
        for change in outcome.changes
    ]
    headings = ("output", "max error", "mean error", "SQNR, dB", "top-1")
    about = f"<p>In 8 bits for float32, on {escaped(outcome.measured)}.</p>"
    changes = about + table(headings, rows, ("op", "n", "n", "n", ""))
    effects = [layer.own if layer.effect is None else layer.effect for layer in outcome.layers]
    least = max(-60.0, min(effects, default=0.0))
    ranked = [
        (
            "" if layer.effect is None else f"{layer.effect:.1f}",
            f"{layer.own:.1f}",
            f"{layer.so_far:.1f}",
            escaped(layer.op_type),
            f"<code>{escaped(layer.name)}</code>",
            f'<i class=bar style="width:{min(100.0, 100 * 10 ** ((least - effect) / 20)):.1f}%"></i>',
        )
        for layer, effect in zip(outcome.layers, effects, strict=True)
    ]
    note = (
        "<p>Signal-to-noise ratios in dB, the worst first. Effect: of the model's outputs, if the layer "
        "alone is in 8 bits; bars show that error. Own: of the layer's result, on the float model's tensors "
        "in 8 bits. So far: of its result in the quantized model, with the errors of those before it.</p>"
    )
    layers = note + table(
        ("effect", "own", "so far", "operator", "layer", "error"), ranked, ("n", "n", "n", "op", "", "")
    )
    return [
        Section("What quantizing changes", changes),
        Section("Layers by their error", f"<div class=scroll>{layers}</div>"),
    ]
