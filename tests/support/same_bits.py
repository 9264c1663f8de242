"""Models whose conversion has to give the bits of the original, and what has to be in it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx

import check
from cases.builder import Array, GraphBuilder, integers
from qudnn import converter
from qudnn.converter.functions import DOMAIN
from session import open_session, outputs


class Graph(GraphBuilder):
    """Nodes named after their results, constants by their place; values at random, the same each time."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        self.rng = np.random.default_rng(seed)
        self.feeds: dict[str, Array] = {}

    def x(self, name: str, dtype: str, shape: Sequence[int], declared: Sequence[int | str] = ()) -> str:
        """A graph input and what to feed it. declared: its shape in the model, by default that."""
        self.feeds[name] = self.values(dtype, shape)
        return self.input(name, dtype, declared or shape)

    def values(self, dtype: str, shape: Sequence[int]) -> Array:
        if dtype == "float32":
            return self.rng.normal(0, 2, shape).astype(np.float32)
        return integers(self.rng, dtype, shape)

    def y(self, value: str, dtype: str = "float32", rank: int = 2) -> None:
        self.output(value, dtype, [f"{value}_{axis}" for axis in range(rank)])

    def number(self, value: Any, dtype: str = "float32", shape: Sequence[int] = ()) -> str:
        return self.constant(f"c{len(self.constants)}", np.full(shape, value), dtype)

    def random(self, dtype: str, shape: Sequence[int]) -> str:
        return self.constant(f"c{len(self.constants)}", self.values(dtype, shape))

    def quantize(self, x: str, y: str, *parameters: str) -> str:
        return self.node("QuantizeLinear", [x, *parameters], y)

    def dequantize(self, x: str, y: str, *parameters: str, **attributes: Any) -> str:
        return self.node("DequantizeLinear", [x, *parameters], y, **attributes)

    def pair(self, x: str, y: str, *parameters: str) -> str:
        """x quantized as <y>_q, and dequantized."""
        return self.dequantize(self.quantize(x, f"{y}_q", *parameters), y, *parameters)


def assert_same_bits(
    graph: Graph,
    ops: Mapping[str, int],
    left: Mapping[str, str] | None = None,
    opset: int = 17,
    quantum: float | None = None,
) -> onnx.ModelProto:
    """These of our ops are in the converted model, with results of the same bits on the CPU provider.

    left: of nodes that have to stay, by operator, a part of the reason. quantum: by how much results may
    differ where the report says that they do.
    """
    model = graph.model(opset)
    conversion = converter.convert(model)
    report = conversion.report
    found = Counter(node.op_type for node in conversion.model.graph.node if node.domain == DOMAIN)
    assert {op: found[op] for op in ops} == dict(ops), str(report)
    reasons = {entry.op_type: entry.reason for entry in report.left}
    for op_type, reason in (left or {}).items():
        assert reason in reasons[op_type], str(report)
    assert bool(report.approximate) == (quantum is not None), str(report)
    if quantum is None:
        check.assert_equivalent(model, conversion.model, [graph.feeds])
        return conversion.model
    got, want = (outputs(open_session(m), graph.feeds) for m in (conversion.model, model))
    for name, value in want.items():
        assert np.abs(got[name].astype(np.float64) - value).max() <= quantum * 1.001, name
    return conversion.model
