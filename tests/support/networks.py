"""Quantized networks for the tests of the passes, an operator at a time."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from cases.builder import MICROSOFT, Array, GraphBuilder, Shape, integers


class Network(GraphBuilder):
    """Every tensor is named by its user and has the same scale and zero point, in one 8-bit dtype."""

    def __init__(self, dtype: str = "uint8") -> None:
        super().__init__()
        self.dtype = dtype
        self.zero_point = 121 if dtype == "uint8" else -7
        self.rng = np.random.default_rng(0)
        self.scale = self.constant("scale", 0.05, "float32")
        self.zero = self.constant("zero_point", self.zero_point, dtype)
        self.quantized = [self.scale, self.zero]

    def eight_bit_input(self, shape: Shape, name: str = "x") -> str:
        return self.input(name, self.dtype, shape)

    def unshaped_output(self, name: str, dtype: str, rank: int = 4) -> str:
        return self.output(name, dtype, [f"{name}_{axis}" for axis in range(rank)])

    def quantize(self, x: str, y: str) -> str:
        return self.node("QuantizeLinear", [x, *self.quantized], y)

    def dequantize(self, x: str, y: str) -> str:
        return self.node("DequantizeLinear", [x, *self.quantized], y)

    def weights(self, y: str, shape: Sequence[int], outputs: int) -> list[str]:
        return [
            self.constant(f"{y}_w", integers(self.rng, "int8", shape)),
            self.constant(f"{y}_w_scale", self.rng.uniform(0.001, 0.002, outputs), "float32"),
            self.constant(f"{y}_w_zero_point", np.zeros(outputs), "int8"),
        ]

    def conv(self, x: str, y: str, c: int, k: int, size: int = 1, **attributes: Any) -> str:
        group = attributes.get("group", 1)
        inputs = [x, *self.quantized, *self.weights(y, (k, c // group, size, size), k), *self.quantized]
        bias = self.constant(f"{y}_bias", self.rng.integers(-999, 999, k), "int32")
        return self.node("QLinearConv", [*inputs, bias], y, **attributes)

    def matmul(self, x: str, y: str, c: int, k: int) -> str:
        return self.node(
            "QLinearMatMul", [x, *self.quantized, *self.weights(y, (c, k), k), *self.quantized], y
        )

    def add(self, a: str, b: str, y: str) -> str:
        return self.node(
            "QLinearAdd", [a, *self.quantized, b, *self.quantized, *self.quantized], y, MICROSOFT
        )

    def average(self, x: str, y: str) -> str:
        inputs = [x, *self.quantized, *self.quantized]
        return self.node("QLinearGlobalAveragePool", inputs, y, MICROSOFT, channels_last=0)

    def random(self, shape: Sequence[int]) -> Array:
        return integers(self.rng, self.dtype, shape)
