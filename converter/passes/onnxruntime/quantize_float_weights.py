"""DequantizeLinear -> Conv of float weights -> Relu or Clip -> QuantizeLinear => dequantized weights"""

from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import constant_or_none, node_input, required_input
from qudnn.converter.graph.edit import add_initializer
from qudnn.converter.graph.op_traits import Trait, has_trait, is_onnx
from qudnn.converter.passes.base import EarlyNodePass
from qudnn.converter.qdq.linear import dequantizes, dtype_read, quantizes, read_with

_MOST_ACTIVATIONS = 64  # in a row
_LEAST_SCALE = 2.0**-100  # of weights: float32 divides by smaller ones with fewer bits


class QuantizeFloatWeights(EarlyNodePass):
    """Of a Conv, ConvTranspose or Gemm: it becomes an integer operator, as in onnxruntime.

    In int8, one scale and zero point for all, over the range that they and 0 have:

        scale = (largest - least) / 255                 zero_point = rint(clamp(-128 - least / scale))
        w     = rint(w / scale) + zero_point, saturated

    A bias becomes int32 in units of x's scale times that. (onnxruntime 1.31, weight_bias_quantization.cc,
    WeightBiasQuantization, which runs for all providers; GetQuantizationParameter of quantization.h, 1.31.)
    """

    def matches(self, node: ir.Node) -> bool:
        if not is_onnx(node, "Conv", "ConvTranspose", "Gemm"):
            return False
        dequantize = required_input(node, 0).producer()
        if not dequantizes(dequantize) or dequantize.graph is not node.graph:
            return False
        weights = constant_or_none(required_input(node, 1))
        return weights is not None and weights.dtype == np.float32 and _is_quantized(node)

    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        dequantize = required_input(node, 0).producer()
        assert dequantize is not None
        x_scale = read_with(dequantize, dtype_read(dequantize)).scale
        bias = node_input(node, 2)
        if bias is not None:
            array = constant_or_none(bias)
            if array is None or array.dtype != np.float32 or array.ndim != 1:
                raise Refusal("its bias is no constant row in float32")
        weights = required_input(node, 1)
        array = constant_or_none(weights)
        assert array is not None
        values, scale, zero_point = _quantized(array)
        in_units = None if bias is None else _in_units(bias, x_scale * scale)
        name = node.name or node.outputs[0].name or ""
        parameters: dict[str, NDArray[Any]] = {"scale": np.array(scale), "zero_point": np.array(zero_point)}
        self._dequantize(node, 1, f"{name}/weight", values, parameters)
        if in_units is not None:
            self._dequantize(node, 2, f"{name}/bias", in_units, {"scale": np.array(x_scale * scale)})

    def _dequantize(
        self, node: ir.Node, index: int, name: str, values: NDArray[Any], parameters: dict[str, NDArray[Any]]
    ) -> None:
        graph, names = node.graph, self.context.names
        assert isinstance(graph, ir.Graph)
        inputs = [add_initializer(graph, names.value(f"{name}/quantized"), values)]
        inputs += [
            add_initializer(graph, names.value(f"{name}/{what}"), np.asarray(array))
            for what, array in parameters.items()
        ]
        dequantize = ir.node("DequantizeLinear", inputs, name=names.node(f"{name}/dequantize"))
        dequantize.outputs[0].name = names.value(f"{name}/dequantized")
        graph.insert_before(node, dequantize)
        node.replace_input_with(index, dequantize.outputs[0])


def _is_quantized(node: ir.Node) -> bool:
    """Whether a QuantizeLinear alone reads the result, perhaps after activations; the graph may, too."""
    for _ in range(_MOST_ACTIVATIONS):
        uses = list(node.outputs[0].uses())
        if len(uses) != 1 or uses[0].idx != 0 or uses[0].node.graph is not node.graph:
            return False
        node = uses[0].node
        if quantizes(node):
            return True
        if not has_trait(node, Trait.CLIPS) or not is_onnx(node, "Relu", "Clip"):
            return False
    return False


def _quantized(weights: NDArray[np.float32]) -> tuple[NDArray[np.int8], np.float32, np.int8]:
    """The weights in int8, their scale and zero point."""
    if not weights.size or not np.isfinite(weights).all():
        raise Refusal("its weights are not all finite numbers")
    least, largest = np.minimum(weights.min(), np.float32(0)), np.maximum(weights.max(), np.float32(0))
    scale = np.float32(1) if least == largest else (largest - least) / np.float32(255)
    if not _LEAST_SCALE < scale < np.inf:
        raise Refusal("its weights are too large or too near to 0 to be quantized")
    zero_point = np.rint(np.clip(np.float32(-128) - least / scale, -128, 127)).astype(np.int8)
    values = np.clip(np.rint(weights / scale) + np.float32(zero_point), -128, 127).astype(np.int8)
    return values, np.float32(scale), np.int8(zero_point)


def _in_units(bias: ir.Value, unit: np.float32) -> NDArray[np.int32]:
    array = constant_or_none(bias)
    assert array is not None
    with np.errstate(all="ignore"):
        units = np.rint(array / unit)
    if not (np.abs(units) < 2.0**31).all():  # false for NaN too
        raise Refusal("its bias does not fit into 32 bits in units of its input's and weights' scales")
    return units.astype(np.int32)
