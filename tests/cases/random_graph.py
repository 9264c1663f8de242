"""Graphs of a vision model's operators, grown at random; each format has a subclass that writes its nodes."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx

from cases.builder import Array, GraphBuilder, integers

KINDS = (
    "conv", "depthwise", "grouped", "add", "mul", "gate", "squeeze_excite", "table", "concat", "concat_same",
    "split", "shuffle", "slice", "gather", "max_pool", "average_pool", "resize", "depth_to_space",
    "space_to_depth", "auto_pad",
)  # fmt: skip

WEIGHT_SCALES = (0.005, 0.02)


@dataclass(eq=False)
class Image:
    """A tensor `[n, channels, size...]`; read: whether a node reads it.

    What a format needs to know of it besides, of QDQ: its scale and zero point by name, the scale, what
    dequantizes it, the node that computes it, and what it computes it of, with the slopes: by how much the
    result changes with each.
    """

    name: str
    channels: int
    size: tuple[int, int]
    read: bool = False
    parameters: list[str] = field(default_factory=list)
    scale: float = 0.0
    reach: float = 0.0
    dequantized: list[str] = field(default_factory=list)
    node: str = ""
    sources: list[tuple["Image", float]] = field(default_factory=list)


class RandomGraph(ABC):
    """Grows a graph, an operator at a time, on images that were made before; all draws come of the seed."""

    def __init__(self, dtype: str, seed: int) -> None:
        self.dtype = dtype
        self.rng = np.random.default_rng(seed)
        self.g = GraphBuilder()
        self.images: list[Image] = []

    @abstractmethod
    def conv(
        self,
        x: Image,
        channels: int,
        kernel: int,
        group: int = 1,
        size: tuple[int, int] | None = None,
        **window: Any,
    ) -> Image:
        """A convolution that keeps the size, or one with these strides and such, and a result of `size`."""

    @abstractmethod
    def compute(self, op: str, operands: Sequence[Image], around: float = 0.05, **attributes: Any) -> Image:
        """An operator that computes: its result is quantized anew, by a scale of about `around`.

        It has the channels and the size of the first operand, if the attributes `channels` and `size` do
        not say otherwise.
        """

    @abstractmethod
    def move(
        self, op: str, x: Image, constants: Sequence[str], channels: int, size: tuple[int, int], **kept: Any
    ) -> Image:
        """An operator that moves values; the result is not among the images yet."""

    @abstractmethod
    def split(self, x: Image, sizes: tuple[int, int]) -> list[Image]:
        """The image in two parts along the channels."""

    @abstractmethod
    def eight_bit(self, shape: Sequence[int]) -> Image:
        """A constant, of this shape."""

    @abstractmethod
    def input(self, name: str, channels: int, size: tuple[int, int]) -> Image:
        """The graph's input as an image."""

    @abstractmethod
    def output(self, image: Image) -> str:
        """The name under which the image leaves the graph."""

    def pick(self, *like: Image) -> Image:
        """An image, mostly a young one; of the size of `like`."""
        fitting = [image for image in self.images if not like or image.size == like[0].size]
        image = fitting[-1 - min(int(self.rng.geometric(0.5)) - 1, len(fitting) - 1)]
        image.read = True
        return image

    def quantization(self, around: float = 0.05) -> tuple[float, int]:
        """A scale and a zero point."""
        bounds = np.iinfo(self.dtype)
        zero_point = int(self.rng.integers(bounds.min + 60, bounds.max - 60))
        return float(np.float32(around * self.rng.uniform(0.5, 2))), zero_point

    def add(self, image: Image) -> None:
        self.images.append(image)

    def grow(self, kind: str) -> None:
        """Adds an operator; some take not every image, and then nothing is added."""
        x = self.pick()
        draw = self.rng.integers
        n = len(self.g.constants)

        def constant(what: str, value: Any, dtype: str = "int64") -> str:
            return self.g.constant(f"{what}{n}", value, dtype)

        if kind == "conv":
            self.add(self.conv(x, int(draw(1, 40)), int(draw(0, 2)) * 2 + 1))
        elif kind == "depthwise":
            self.add(self.conv(x, x.channels, 3, x.channels))
        elif kind == "grouped":
            groups = next(g for g in (4, 3, 2, 1) if x.channels % g == 0)
            self.add(self.conv(x, groups * int(draw(1, 9)), 3, groups))
        elif kind in ("add", "mul"):
            other = self.pick(x)
            if other.channels != x.channels:
                other = self.conv(other, x.channels, 1)
            self.add(self.compute("Add" if kind == "add" else "Mul", [x, other], 0.1))
        elif kind == "gate":
            shape = [(1, x.channels, 1, 1), (), (1, 1, *x.size)][draw(0, 3)]
            operands = [x, self.eight_bit(shape)]
            if draw(0, 2):
                operands.reverse()
            op = str(self.rng.choice(["Add", "Mul"]))
            self.add(self.compute(op, operands, 0.1, channels=x.channels, size=x.size))
        elif kind == "squeeze_excite":
            mean = self.compute("GlobalAveragePool", [x], size=(1, 1))
            self.add(self.compute("Mul", [x, self.conv(mean, x.channels, 1)], 0.1))
        elif kind == "table":
            self.add(self.compute(str(self.rng.choice(["Sigmoid", "LeakyRelu"])), [x], 0.02))
        elif kind.startswith("concat"):
            parts = [x, *(self.pick(x) for _ in range(draw(1, 3)))]
            channels = sum(part.channels for part in parts)
            self.add(self.compute(kind.title(), parts, channels=channels, axis=1))
        elif kind == "split" and x.channels > 1:
            first = int(draw(1, x.channels))
            self.images += self.split(x, (first, x.channels - first))
        elif kind == "shuffle" and x.channels % 2 == 0:
            to = constant("to", [0, 2, x.channels // 2, *x.size])
            back = constant("back", [0, x.channels, *x.size])
            parted = self.move("Reshape", x, [to], x.channels, x.size)
            swapped = self.move("Transpose", parted, [], x.channels, x.size, perm=[0, 2, 1, 3, 4])
            self.add(self.move("Reshape", swapped, [back], x.channels, x.size))
        elif kind == "slice" and min(x.size) > 1:
            bounds = {"starts": [0, 1], "ends": [x.channels, x.size[1]], "axes": [1, 3], "steps": [2, 1]}
            inputs = [constant(what, value) for what, value in bounds.items()]
            self.add(self.move("Slice", x, inputs, -(-x.channels // 2), (x.size[0], x.size[1] - 1)))
        elif kind == "gather":
            order = self.rng.integers(0, x.channels, draw(1, 30))
            self.add(self.move("Gather", x, [constant("o", order)], len(order), x.size, axis=1))
        elif kind == "max_pool":
            window: dict[str, Any] = {"kernel_shape": [3, 3], "pads": [1] * 4}
            self.add(self.move("MaxPool", x, [], x.channels, x.size, **window))
        elif kind == "average_pool":
            window = {"kernel_shape": [3, 3], "pads": [1] * 4, "count_include_pad": int(draw(0, 2))}
            self.add(self.compute("AveragePool", [x], **window))
        elif kind == "auto_pad":
            self._auto_pad(x, int(draw(1, 4)), int(draw(1, 6)))
        elif kind == "resize" and max(x.size) < 12:
            inputs = ["", constant("f", [1, 1, 2, 2], "float32")]
            mode = str(self.rng.choice(["nearest", "linear"]))
            size = (2 * x.size[0], 2 * x.size[1])
            self.add(self.move("Resize", x, inputs, x.channels, size, mode=mode))
        elif kind == "depth_to_space" and x.channels % 4 == 0 and max(x.size) < 12:
            size = (2 * x.size[0], 2 * x.size[1])
            mode = str(self.rng.choice(["DCR", "CRD"]))
            self.add(self.move("DepthToSpace", x, [], x.channels // 4, size, blocksize=2, mode=mode))
        elif kind == "space_to_depth" and x.size[0] % 2 == 0 and x.size[1] % 2 == 0:
            size = (x.size[0] // 2, x.size[1] // 2)
            self.add(self.move("SpaceToDepth", x, [], 4 * x.channels, size, blocksize=2))

    def _auto_pad(self, x: Image, kernel: int, stride: int) -> None:
        """A convolution or pool whose windows may go beyond the image, or, of a convolution, not cover it."""
        op = str(self.rng.choice(["Conv", "MaxPool", "AveragePool"]))
        if op != "Conv":
            stride = min(stride, kernel)  # onnxruntime's float pools take no negative padding
        window: dict[str, Any] = {
            "auto_pad": str(self.rng.choice(["SAME_UPPER", "SAME_LOWER"])),
            "strides": [stride, stride],
        }
        size = (-(-x.size[0] // stride), -(-x.size[1] // stride))
        if op == "Conv":
            self.add(self.conv(x, int(self.rng.integers(1, 20)), kernel, size=size, **window))
        elif op == "MaxPool":
            self.add(self.move(op, x, [], x.channels, size, kernel_shape=[kernel, kernel], **window))
        else:
            self.add(self.compute(op, [x], size=size, kernel_shape=[kernel, kernel], **window))


@dataclass(frozen=True)
class RandomModel:
    """A grown model and inputs for it, at two batch sizes. outputs: images, by the names of outputs."""

    model: onnx.ModelProto
    inputs: list[dict[str, Array]]
    outputs: dict[str, Image]


def grown(graph: RandomGraph, kinds: Sequence[str], x_dtype: str, opset: int) -> RandomModel | None:
    """The graph with these operators after an input x; None where none of them took the image.

    x_dtype: of the input and the outputs.
    """
    rng = graph.rng
    channels, size = int(rng.integers(1, 40)), (int(rng.integers(1, 8)), int(rng.integers(1, 8)))
    graph.add(graph.input(graph.g.input("x", x_dtype, ["n", channels, *size]), channels, size))
    for kind in kinds:
        graph.grow(kind)
    outputs = {}
    for image in graph.images[1:]:
        if not image.read:
            name = graph.output(image)
            outputs[graph.g.output(name, x_dtype, ["n", image.channels, *image.size])] = image
    if not outputs:
        return None
    model = graph.g.model(opset)
    shapes = [(batch, channels, *size) for batch in (2, 1)]
    if x_dtype == "float32":
        inputs = [rng.normal(0, 2, shape).astype(np.float32) for shape in shapes]
    else:
        inputs = [integers(rng, x_dtype, shape) for shape in shapes]
    return RandomModel(model, [{"x": x} for x in inputs], outputs)
