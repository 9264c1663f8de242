"""Static quantization with onnxruntime's own quantizer."""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

_TYPES = {"uint8": QuantType.QUInt8, "int8": QuantType.QInt8}
_FORMATS = {"QOperator": QuantFormat.QOperator, "QDQ": QuantFormat.QDQ}


class _Reader(CalibrationDataReader):
    """Hands out images one by one: calibration keeps every activation of a batch."""

    def __init__(self, name: str, images: npt.NDArray[Any]):
        self._feeds: Iterator[dict[str, npt.NDArray[Any]]] = ({name: image[None]} for image in images)

    def get_next(self) -> dict[str, npt.NDArray[Any]] | None:
        return next(self._feeds, None)


def quantize(
    model: onnx.ModelProto,
    images: npt.NDArray[np.float32],
    *,
    form: Literal["QOperator", "QDQ"] = "QOperator",
    activations: Literal["uint8", "int8"] = "uint8",
    weights: Literal["uint8", "int8"] = "int8",
    per_channel: bool = True,
    symmetric: bool = False,
    op_types: Sequence[str] | None = None,
) -> onnx.ModelProto:
    """`model` in 8 bits, calibrated on `images` `[N, ...]`, inputs of the model's only input.

    symmetric: activations get the zero point 0, as NVIDIA's tools have it.
    op_types: the operators to quantize, all that can be by default.
    """
    with tempfile.TemporaryDirectory(prefix="quantize-") as folder:
        source, prepared, quantized = (
            Path(folder, f"{name}.onnx") for name in ("float", "prepared", "quantized")
        )
        onnx.save_model(model, source)  # the quantizer's steps change a ModelProto that they are given
        quant_pre_process(source, prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared,
            quantized,
            _Reader(model.graph.input[0].name, images),
            quant_format=_FORMATS[form],
            activation_type=_TYPES[activations],
            weight_type=_TYPES[weights],
            per_channel=per_channel,
            op_types_to_quantize=op_types,
            extra_options={"ActivationSymmetric": symmetric},
            calibration_providers=["CPUExecutionProvider"],
        )
        return onnx.load_model(quantized)
