"""Random graphs in the format QOperator: 8-bit tensors, each consumer with parameters of its own."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import helper

from cases.builder import MICROSOFT, integers
from cases.random_graph import WEIGHT_SCALES, Image, RandomGraph


class RandomQOperator(RandomGraph):
    """QLinear operators, and moves on 8 bits."""

    def q(self, around: float = 0.05) -> list[str]:
        return self.g.parameters(f"q{len(self.g.constants)}", *self.quantization(around), self.dtype)

    def node(
        self, op: str, inputs: Sequence[str], channels: int, size: tuple[int, int], **attributes: Any
    ) -> Image:
        domain = MICROSOFT if op.startswith("QLinear") and op != "QLinearConv" else ""
        return Image(self.g.node(op, inputs, f"t{len(self.g.nodes)}", domain, **attributes), channels, size)

    def conv(
        self,
        x: Image,
        channels: int,
        kernel: int,
        group: int = 1,
        size: tuple[int, int] | None = None,
        **window: Any,
    ) -> Image:
        n = len(self.g.constants)
        shape = (channels, x.channels // group, kernel, kernel)
        constants = [
            self.g.constant(f"w{n}", integers(self.rng, "int8", shape)),
            self.g.constant(f"ws{n}", self.rng.uniform(*WEIGHT_SCALES, channels), "float32"),
            self.g.constant(f"wz{n}", np.zeros(channels), "int8"),
        ]
        y = self.q(0.02 * 30 * float(np.prod(shape[1:])) ** 0.5)
        bias = self.g.constant(f"b{n}", self.rng.integers(-999, 999, channels), "int32")
        inputs = [x.name, *self.q(), *constants, *y, bias]
        given = window or {"pads": [kernel // 2] * 4}
        return self.node("QLinearConv", inputs, channels, size or x.size, group=group, **given)

    def compute(self, op: str, operands: Sequence[Image], around: float = 0.05, **attributes: Any) -> Image:
        channels = attributes.pop("channels", operands[0].channels)
        size = attributes.pop("size", operands[0].size)
        y = self.q(around)
        if op.startswith("Concat"):  # the result's parameters come first, and all may have the same
            same = op == "Concat_Same"
            inputs = [name for part in operands for name in (part.name, *(y if same else self.q()))]
            return self.node("QLinearConcat", [*y, *inputs], channels, size, **attributes)
        inputs = [name for operand in operands for name in (operand.name, *self.q())]
        return self.node(f"QLinear{op}", [*inputs, *y], channels, size, **attributes)

    def move(
        self, op: str, x: Image, constants: Sequence[str], channels: int, size: tuple[int, int], **kept: Any
    ) -> Image:
        return self.node(op, [x.name, *constants], channels, size, **kept)

    def split(self, x: Image, sizes: tuple[int, int]) -> list[Image]:
        names = [f"s{len(self.g.nodes)}_{half}" for half in (0, 1)]
        constant = self.g.constant(f"n{len(self.g.constants)}", sizes, "int64")
        self.g.nodes.append(
            helper.make_node("Split", [x.name, constant], names, axis=1, name=f"{names[0]}_node")
        )
        return [Image(name, channels, x.size) for name, channels in zip(names, sizes, strict=True)]

    def eight_bit(self, shape: Sequence[int]) -> Image:
        values = integers(self.rng, self.dtype, shape)
        return Image(self.g.constant(f"c{len(self.g.constants)}", values), 1, (1, 1))

    def input(self, name: str, channels: int, size: tuple[int, int]) -> Image:
        return Image(name, channels, size)

    def output(self, image: Image) -> str:
        return image.name
