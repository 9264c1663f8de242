"""Static and dynamic quantization with onnxruntime's own quantizer."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import onnx
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)

from qudnn.converter.quantization.preparation import prepare

_TYPES = {"uint8": QuantType.QUInt8, "int8": QuantType.QInt8}
_FORMATS = {"QOperator": QuantFormat.QOperator, "QDQ": QuantFormat.QDQ}


class _Reader(CalibrationDataReader):
    """Hands out samples one by one: calibration keeps every activation of a batch."""

    def __init__(self, samples: Mapping[str, npt.NDArray[Any]]):
        self._feeds: Iterator[dict[str, npt.NDArray[Any]]] = (
            {name: value[None] for name, value in zip(samples, values, strict=True)}
            for values in zip(*samples.values(), strict=True)
        )

    def get_next(self) -> dict[str, npt.NDArray[Any]] | None:
        return next(self._feeds, None)


def quantize(
    model: onnx.ModelProto,
    samples: npt.NDArray[np.float32] | Mapping[str, npt.NDArray[Any]],
    *,
    form: Literal["QOperator", "QDQ"] = "QOperator",
    activations: Literal["uint8", "int8"] = "uint8",
    weights: Literal["uint8", "int8"] = "int8",
    per_channel: bool = True,
    symmetric: bool = False,
    op_types: Sequence[str] | None = None,
    in_float: Sequence[str] = (),
) -> onnx.ModelProto:
    """`model` in 8 bits, calibrated on `samples`.

    samples: `[N, ...]`, values of each of the model's inputs by name, or of its only one.
    symmetric: activations get the zero point 0, as NVIDIA's tools have it.
    op_types: the operators to quantize, all that can be by default. in_float: the names of nodes not to.
    """
    with tempfile.TemporaryDirectory(prefix="quantize-") as folder:
        quantized = Path(folder, "quantized.onnx")
        quantize_static(
            _prepared(model, Path(folder)),
            quantized,
            _Reader(samples if isinstance(samples, Mapping) else {model.graph.input[0].name: samples}),
            quant_format=_FORMATS[form],
            activation_type=_TYPES[activations],
            weight_type=_TYPES[weights],
            per_channel=per_channel,
            op_types_to_quantize=op_types,
            nodes_to_exclude=list(in_float),
            extra_options={"ActivationSymmetric": symmetric},
            calibration_providers=["CPUExecutionProvider"],
        )
        return onnx.load_model(quantized)


def masked_softmaxes(model: onnx.ModelProto) -> list[str]:
    """The names of each Softmax over masked scores and of the Add of the mask: no 8 bits hold both."""
    writers = {output: node for node in model.graph.node for output in node.output}
    softmaxes = [node for node in model.graph.node if node.op_type == "Softmax"]
    adds = [writers[softmax.input[0]] for softmax in softmaxes]
    return [node.name for node in [*softmaxes, *(add for add in adds if add.op_type == "Add")]]


def quantize_dynamically(
    model: onnx.ModelProto,
    *,
    weights: Literal["uint8", "int8"] = "int8",
    per_channel: bool = True,
    reduce_range: bool = False,
    op_types: Sequence[str] | None = None,
) -> onnx.ModelProto:
    """`model` with weights in 8 bits, and activations that are quantized in each run, by their range.

    reduce_range: weights in 7 bits. op_types: the operators to quantize, all that can be by default.
    """
    with tempfile.TemporaryDirectory(prefix="quantize-") as folder:
        quantized = Path(folder, "quantized.onnx")
        quantize_dynamic(
            _prepared(model, Path(folder)),
            quantized,
            weight_type=_TYPES[weights],
            per_channel=per_channel,
            reduce_range=reduce_range,
            op_types_to_quantize=op_types,
        )
        return onnx.load_model(quantized)


def _prepared(model: onnx.ModelProto, folder: Path) -> Path:
    """`model` as the quantizer wants it, in a file in `folder`."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    return prepare(copy, folder)
