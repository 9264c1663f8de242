"""QDQ networks for the tests of the frontend, and how their conversion is compared."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx

import check
from cases.builder import Array, GraphBuilder, Shape, integers
from qudnn import converter
from session import open_session, outputs

SCALE, RESULT_SCALE = 0.0471, 0.0893  # of inputs and of results; no ratio of theirs makes ties
WEIGHT_SCALE = 0.0113


class QdqNetwork(GraphBuilder):
    """Tensors named by their user, each with a scale and zero point of its own; one 8-bit dtype."""

    def __init__(self, dtype: str = "uint8", domain: str = "") -> None:
        super().__init__()
        self.dtype = dtype
        self.domain = domain
        self.rng = np.random.default_rng(0)

    def x(self, shape: Shape = ("n", 4, 9, 8), name: str = "x") -> str:
        """A float32 input, quantized and dequantized."""
        return self.pair(self.input(name, "float32", shape), f"{name}_q", SCALE, 119)

    def y(self, y: str, scale: float = RESULT_SCALE, zero_point: int = 131, rank: int = 4) -> str:
        """A float32 output `<y>_out`: y quantized and dequantized. zero_point: as uint8 has it."""
        name = f"{y}_out"
        self.output(name, "float32", [f"{name}_{axis}" for axis in range(rank)])
        return self.pair(y, name, scale, zero_point)

    def pair(self, x: str, y: str, scale: float, zero_point: int, dtype: str | None = None) -> str:
        dtype = dtype or self.dtype
        parameters = self.parameters(y, scale, zero_point - (128 if dtype == "int8" else 0), dtype)
        self.node("QuantizeLinear", [x, *parameters], f"{y}/quantized", self.domain)
        return self.dequantize(f"{y}/quantized", parameters, y)

    def dequantize(self, x: str, parameters: Sequence[str], y: str, **attributes: Any) -> str:
        return self.node("DequantizeLinear", [x, *parameters], y, self.domain, **attributes)

    def weights(
        self,
        name: str,
        shape: Sequence[int],
        axis: int | None = None,
        dtype: str = "int8",
        zero_point: int = 0,
    ) -> str:
        """8-bit weights, dequantized; quantized per element of `axis`."""
        count = [] if axis is None else [shape[axis]]
        scales = WEIGHT_SCALE * self.rng.uniform(0.5, 1.5, count)
        values = integers(self.rng, dtype, shape)
        parameters = [
            self.constant(f"{name}_scale", scales, "float32"),
            self.constant(f"{name}_zero_point", np.full(count, zero_point), dtype),
        ]
        attributes = {} if axis is None else {"axis": axis}
        return self.dequantize(self.constant(f"{name}_8", values), parameters, name, **attributes)

    def int32_bias(self, name: str, weights: str, outputs: int, factor: float = 1.0) -> str:
        """In units of SCALE times the weights' scales."""
        scales = next(onnx.numpy_helper.to_array(c) for c in self.constants if c.name == f"{weights}_scale")
        values = self.constant(f"{name}_32", self.rng.integers(-3000, 3000, outputs), "int32")
        scale = self.constant(f"{name}_scale", np.float32(SCALE) * scales * np.float32(factor))
        return self.dequantize(values, [scale], name, **({"axis": 0} if scales.ndim else {}))

    def conv(
        self, x: str, y: str = "c", bias: str | None = "int32", axis: int | None = 0, **weights: Any
    ) -> str:
        """A 3x3 convolution of 4 channels to 6."""
        inputs = [x, self.weights(f"{y}_w", (6, 4, 3, 3), axis, **weights)]
        if bias == "int32":
            inputs.append(self.int32_bias(f"{y}_b", f"{y}_w", 6))
        elif bias == "float":
            inputs.append(self.constant(f"{y}_b", self.rng.normal(0, 1, 6), "float32"))
        return self.node("Conv", inputs, y, pads=[1, 1, 0, 1])

    def model(self, opset: int = 17, functions: Any = ()) -> onnx.ModelProto:
        return super().model(opset, functions)


def normal(*shape: int) -> Array:
    return np.random.default_rng(1).normal(0, 3, shape).astype(np.float32)


def assert_converts(
    model: onnx.ModelProto,
    ops: dict[str, int],
    shape: Sequence[int] = (4, 9, 8),
    exact: bool = True,
    scale: float = RESULT_SCALE,
) -> converter.Report:
    """All of it becomes these ops; it keeps its bits, or is within a quantum `scale` of them."""
    conversion = converter.convert(model)
    report = conversion.report
    assert not report.left, str(report)
    assert report.converted == ops
    found = Counter(node.op_type for node in conversion.model.graph.node)
    assert found == {**ops, "QuantizeToIsland": report.entries, "DequantizeFromIsland": report.exits}
    assert bool(report.approximate) != exact
    batches = [normal(batch, *shape) for batch in (2, 1)]
    names = [value.name for value in model.graph.input]
    feeds = [dict.fromkeys(names, batch) for batch in batches]
    if exact:
        check.assert_equivalent(model, conversion.model, feeds)
        return report
    sessions = [open_session(m) for m in (conversion.model, model)]
    for feed in feeds:
        got, want = (outputs(session, feed) for session in sessions)
        for name, value in want.items():
            assert np.abs(got[name] - value).max() <= scale * 1.001, name
            assert np.unique(value).size > min(10, value.size // 3)
    return report


def reasons(model: onnx.ModelProto, *shape: int) -> dict[str, str]:
    """Why nodes other than QuantizeLinear and DequantizeLinear stay; the bits stay anyway."""
    conversion = converter.convert(model)
    dtypes = {value.name: value.type.tensor_type.elem_type for value in model.graph.input}
    feed = {
        name: normal(2, *(shape or (4, 9, 8))).astype(onnx.helper.tensor_dtype_to_np_dtype(dtype))
        for name, dtype in dtypes.items()
    }
    check.assert_equivalent(model, conversion.model, [feed])
    check.assert_true_report(model, conversion)
    pairs = ("QuantizeLinear", "DequantizeLinear")
    return {entry.name: entry.reason for entry in conversion.report.left if entry.op_type not in pairs}
