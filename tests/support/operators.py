"""What the tests of single operators share: models around one, and the assertion that it converts."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

import check
from cases.builder import MICROSOFT, Array, GraphBuilder, integers
from qudnn import converter

Parameters = tuple[float, int]  # scale, zero point
DTYPES = ["uint8", "int8"]


class Operators(GraphBuilder):
    """Tensors of one 8-bit dtype, each with a scale and zero point of its own."""

    def __init__(self, dtype: str, seed: int = 0) -> None:
        super().__init__()
        self.dtype = dtype
        self.rng = np.random.default_rng([seed, dtype == "int8"])

    def quantization(self, name: str, around: float = 0.05) -> list[str]:
        """The names of a random scale near `around` and a random zero point."""
        bounds = np.iinfo(self.dtype)
        scale = np.float32(around * self.rng.uniform(0.5, 2))
        zero_point = int(self.rng.integers(bounds.min, bounds.max, endpoint=True))
        return self.parameters(name, float(scale), zero_point, self.dtype)

    def eight_bit(self, name: str, shape: Sequence[int | str]) -> str:
        return self.input(name, self.dtype, shape)

    def result(self, name: str, rank: int) -> str:
        return self.output(name, self.dtype, [f"{name}_{axis}" for axis in range(rank)])

    def conv(self, x: str, y: str, c: int, k: int, size: int | Sequence[int] = 1, **attributes: Any) -> str:
        """A convolution without padding; its operands have quantizations of their own."""
        kernel = (size, size) if isinstance(size, int) else tuple(size)
        group = attributes.get("group", 1)
        inputs = [x, *self.quantization(f"{x}_for_{y}"), *self._weights(y, (k, c // group, *kernel), k)]
        inputs += self.quantization(y, 0.02 * 30 * (c // group * float(np.prod(kernel))) ** 0.5)
        inputs.append(self.constant(f"{y}_bias", self.rng.integers(-999, 999, k), "int32"))
        return self.node("QLinearConv", inputs, y, **attributes)

    def matmul(self, x: str, y: str, c: int, k: int) -> str:
        inputs = [x, *self.quantization(f"{x}_for_{y}"), *self._weights(y, (c, k), k)]
        return self.node("QLinearMatMul", [*inputs, *self.quantization(y, 0.02 * 30 * c**0.5)], y)

    def _weights(self, y: str, shape: tuple[int, ...], outputs: int) -> list[str]:
        return [
            self.constant(f"{y}_w", integers(self.rng, "int8", shape)),
            self.constant(f"{y}_w_scale", self.rng.uniform(0.005, 0.02, outputs), "float32"),
            self.constant(f"{y}_w_zero_point", np.zeros(outputs), "int8"),
        ]

    def contrib(self, op_type: str, inputs: Sequence[str], y: str, **attributes: Any) -> str:
        return self.node(op_type, inputs, y, MICROSOFT, **attributes)

    def random(self, *shape: int) -> Array:
        return integers(self.rng, self.dtype, shape)

    def all_pairs(self) -> tuple[Array, Array]:
        """Two vectors with all 65,536 pairs of values."""
        values = np.arange(256).astype(np.uint8).view(self.dtype)
        return np.repeat(values, 256), np.tile(values, 256)


def assert_inside(
    net: GraphBuilder, ops: Mapping[str, int], *inputs: Mapping[str, Array], opset: int = 13
) -> converter.Report:
    """All of the model becomes these ops, in one island, and computes what it did on each of the inputs."""
    model = net.model(opset)
    conversion = converter.convert(model)
    report = conversion.report
    assert not report.left, str(report)
    assert report.converted == ops, str(report)
    assert report.islands == 1
    check.assert_equivalent(model, conversion.model, inputs)
    return report


def assert_left(
    net: GraphBuilder, op_type: str, reason: str, inputs: Mapping[str, Array], opset: int = 13
) -> None:
    """The node stays, with this in its reason, and the model computes what it did."""
    model = net.model(opset)
    conversion = converter.convert(model)
    (left,) = (entry for entry in conversion.report.left if entry.op_type == op_type)
    assert reason in left.reason
    check.assert_equivalent(model, conversion.model, [inputs])
