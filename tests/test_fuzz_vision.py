"""Random graphs of a vision model's operators: converted, they compute the same."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import helper

import check
import converter
from cases.builder import MICROSOFT, GraphBuilder, integers

KINDS = (
    "conv", "depthwise", "grouped", "add", "mul", "gate", "squeeze_excite", "table", "concat", "concat_same",
    "split", "shuffle", "slice", "gather", "max_pool", "average_pool", "resize", "depth_to_space",
    "space_to_depth",
)  # fmt: skip


@dataclass
class Image:
    name: str
    channels: int
    size: tuple[int, int]
    read: bool = False


@dataclass
class Builder:
    """Grows a graph, an operator at a time, on images that were made before; all draws come of the seed."""

    dtype: str
    rng: np.random.Generator
    g: GraphBuilder = field(default_factory=GraphBuilder)
    images: list[Image] = field(default_factory=list)

    def pick(self, *like: Image) -> Image:
        """An image, mostly a young one; of the size of `like`."""
        fitting = [image for image in self.images if not like or image.size == like[0].size]
        image = fitting[-1 - min(int(self.rng.geometric(0.5)) - 1, len(fitting) - 1)]
        image.read = True
        return image

    def q(self, around: float = 0.05) -> list[str]:
        bounds = np.iinfo(self.dtype)
        zero_point = int(self.rng.integers(bounds.min + 60, bounds.max - 60))
        name = f"q{len(self.g.constants)}"
        return self.g.parameters(
            name, float(np.float32(around * self.rng.uniform(0.5, 2))), zero_point, self.dtype
        )

    def new(
        self, op: str, inputs: Sequence[str], channels: int, size: tuple[int, int], **attributes: Any
    ) -> Image:
        domain = MICROSOFT if op.startswith("QLinear") and op != "QLinearConv" else ""
        name = self.g.node(op, inputs, f"t{len(self.g.nodes)}", domain, **attributes)
        self.images.append(Image(name, channels, size))
        return self.images[-1]

    def conv(self, x: Image, channels: int, kernel: int, group: int = 1) -> Image:
        n = len(self.g.constants)
        shape = (channels, x.channels // group, kernel, kernel)
        constants = [
            self.g.constant(f"w{n}", integers(self.rng, "int8", shape)),
            self.g.constant(f"ws{n}", self.rng.uniform(0.005, 0.02, channels), "float32"),
            self.g.constant(f"wz{n}", np.zeros(channels), "int8"),
        ]
        y = self.q(0.02 * 30 * float(np.prod(shape[1:])) ** 0.5)
        bias = self.g.constant(f"b{n}", self.rng.integers(-999, 999, channels), "int32")
        pads = {"pads": [kernel // 2] * 4, "group": group}
        return self.new("QLinearConv", [x.name, *self.q(), *constants, *y, bias], channels, x.size, **pads)

    def grow(self, kind: str) -> None:
        x = self.pick()
        draw = self.rng.integers
        n = len(self.g.constants)
        if kind == "conv":
            self.conv(x, int(draw(1, 40)), int(draw(0, 2)) * 2 + 1)
        elif kind == "depthwise":
            self.conv(x, x.channels, 3, x.channels)
        elif kind == "grouped":
            groups = next(g for g in (4, 3, 2, 1) if x.channels % g == 0)
            self.conv(x, groups * int(draw(1, 9)), 3, groups)
        elif kind in ("add", "mul"):
            other = self.pick(x)
            if other.channels != x.channels:
                other = self.conv(other, x.channels, 1)
                other.read = True
            op = "QLinearAdd" if kind == "add" else "QLinearMul"
            self.new(op, [x.name, *self.q(), other.name, *self.q(), *self.q(0.1)], x.channels, x.size)
        elif kind == "gate":
            shape = [(1, x.channels, 1, 1), (), (1, 1, *x.size)][draw(0, 3)]
            constant = self.g.constant(f"c{n}", integers(self.rng, self.dtype, shape))
            operands = [x.name, constant]
            self.rng.shuffle(operands)
            op = str(self.rng.choice(["QLinearAdd", "QLinearMul"]))
            inputs = [operands[0], *self.q(), operands[1], *self.q(), *self.q(0.1)]
            self.new(op, inputs, x.channels, x.size)
        elif kind == "squeeze_excite":
            mean = self.new("QLinearGlobalAveragePool", [x.name, *self.q(), *self.q()], x.channels, (1, 1))
            gate = self.conv(mean, x.channels, 1)
            mean.read = gate.read = True
            self.new(
                "QLinearMul", [x.name, *self.q(), gate.name, *self.q(), *self.q(0.1)], x.channels, x.size
            )
        elif kind == "table":
            op = str(self.rng.choice(["QLinearSigmoid", "QLinearLeakyRelu"]))
            self.new(op, [x.name, *self.q(), *self.q(0.02)], x.channels, x.size)
        elif kind.startswith("concat"):
            parts = [x, *(self.pick(x) for _ in range(draw(1, 3)))]
            y = self.q()
            each = [
                name for part in parts for name in (part.name, *(y if kind == "concat_same" else self.q()))
            ]
            self.new("QLinearConcat", [*y, *each], sum(part.channels for part in parts), x.size, axis=1)
        elif kind == "split" and x.channels > 1:
            first = int(draw(1, x.channels))
            sizes = [first, x.channels - first]
            names = [f"s{len(self.g.nodes)}_{half}" for half in (0, 1)]
            constant = self.g.constant(f"n{n}", sizes, "int64")
            self.g.nodes.append(
                helper.make_node("Split", [x.name, constant], names, axis=1, name=names[0] + "n")
            )
            self.images += [Image(name, size, x.size) for name, size in zip(names, sizes, strict=True)]
        elif kind == "shuffle" and x.channels % 2 == 0:
            to = self.g.constant(f"to{n}", [0, 2, x.channels // 2, *x.size], "int64")
            back = self.g.constant(f"back{n}", [0, x.channels, *x.size], "int64")
            parted = self.g.node("Reshape", [x.name, to], f"r{n}")
            swapped = self.g.node("Transpose", [parted], f"p{n}", perm=[0, 2, 1, 3, 4])
            self.new("Reshape", [swapped, back], x.channels, x.size)
        elif kind == "slice" and min(x.size) > 1:
            bounds = {"starts": [0, 1], "ends": [x.channels, x.size[1]], "axes": [1, 3], "steps": [2, 1]}
            inputs = [self.g.constant(f"{what}{n}", value, "int64") for what, value in bounds.items()]
            self.new("Slice", [x.name, *inputs], -(-x.channels // 2), (x.size[0], x.size[1] - 1))
        elif kind == "gather":
            order = self.rng.integers(0, x.channels, draw(1, 30))
            self.new("Gather", [x.name, self.g.constant(f"o{n}", order, "int64")], len(order), x.size, axis=1)
        elif kind == "max_pool":
            self.new("MaxPool", [x.name], x.channels, x.size, kernel_shape=[3, 3], pads=[1] * 4)
        elif kind == "average_pool":
            window = {"kernel_shape": [3, 3], "pads": [1] * 4, "count_include_pad": int(draw(0, 2))}
            self.new("QLinearAveragePool", [x.name, *self.q(), *self.q()], x.channels, x.size, **window)
        elif kind == "resize" and max(x.size) < 12:
            factors = self.g.constant(f"f{n}", [1, 1, 2, 2], "float32")
            mode = str(self.rng.choice(["nearest", "linear"]))
            self.new("Resize", [x.name, "", factors], x.channels, (2 * x.size[0], 2 * x.size[1]), mode=mode)
        elif kind == "depth_to_space" and x.channels % 4 == 0 and max(x.size) < 12:
            size = (2 * x.size[0], 2 * x.size[1])
            mode = str(self.rng.choice(["DCR", "CRD"]))
            self.new("DepthToSpace", [x.name], x.channels // 4, size, blocksize=2, mode=mode)
        elif kind == "space_to_depth" and x.size[0] % 2 == 0 and x.size[1] % 2 == 0:
            size = (x.size[0] // 2, x.size[1] // 2)
            self.new("SpaceToDepth", [x.name], 4 * x.channels, size, blocksize=2)


@settings(
    derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck), max_examples=150
)
@given(
    kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=9),
    dtype=st.sampled_from(["uint8", "int8"]),
    seed=st.integers(0, 2**32 - 1),
)
def test_graph(kinds: list[str], dtype: str, seed: int) -> None:
    b = Builder(dtype, np.random.default_rng(seed))
    channels, size = int(b.rng.integers(1, 40)), (int(b.rng.integers(1, 8)), int(b.rng.integers(1, 8)))
    b.images.append(Image(b.g.input("x", dtype, ["n", channels, *size]), channels, size))
    for kind in kinds:
        b.grow(kind)
    for image in b.images[1:]:
        if not image.read:
            b.g.output(image.name, dtype, ["n", image.channels, *image.size])
    if not b.g.outputs:
        return  # none of the operators took the image
    model = b.g.model(13)
    conversion = converter.convert(model)
    assert not any("rule failed" in left.reason for left in conversion.report.left), str(conversion.report)
    inputs = [{"x": integers(b.rng, dtype, (batch, channels, *size))} for batch in (2, 1)]
    check.assert_equivalent(model, conversion.model, inputs)
