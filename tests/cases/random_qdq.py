"""Random graphs in the format QDQ: float operators between pairs of QuantizeLinear and DequantizeLinear.

They have no

- softmax over int8 tensors: onnxruntime computes it in integers or in floating point, depending on what else
  reads them; in integers it is an approximation, and not near for rows of one element;
- global mean whose result has a scale by far less than its input: onnxruntime fails where it has to take sums
  times 256 or more.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from onnx import helper, numpy_helper

from cases.builder import integers
from cases.random_graph import KINDS, WEIGHT_SCALES, Image, RandomGraph

QDQ_KINDS = (
    *KINDS, "unary", "unary_chain", "conv_transpose", "softmax", "reduce_mean", "pair", "transpose", "matmul",
    "dedicated", "resize_linear",
)  # fmt: skip

_STEEPEST = {"HardSwish": 1.5, "Sigmoid": 0.25}  # slopes of functions; others have at most 1


class RandomQDQ(RandomGraph):
    """domain: of QuantizeLinear and DequantizeLinear."""

    def __init__(self, dtype: str, seed: int, domain: str, per_channel: bool) -> None:
        super().__init__(dtype, seed)
        self.domain = domain
        self.per_channel = per_channel

    def read(self, image: Image) -> str:
        """What a float operator reads: a DequantizeLinear of its own, or one that others read too."""
        image.read = True
        if not image.parameters:
            return image.name
        if not image.dequantized or self.rng.random() < 0.4:
            name = f"{image.name}_dq{len(image.dequantized)}"
            inputs = [image.name, *image.parameters]
            image.dequantized.append(self.g.node("DequantizeLinear", inputs, name, self.domain))
        return image.dequantized[-1]

    def quantize(
        self, y: str, around: float, channels: int, size: tuple[int, int], like: Image | None = None
    ) -> Image:
        """y after a QuantizeLinear, one with the parameters of `like` where given."""
        name = f"{y}_q{len(self.g.nodes)}"
        if like is not None:
            parameters, scale, reach = like.parameters, like.scale, like.reach
        else:
            scale, zero_point = self.quantization(around)
            if self.rng.random() < 0.3:  # as after a Relu
                zero_point = int(np.iinfo(self.dtype).min)
            parameters = self.g.parameters(name, scale, zero_point, self.dtype)
            reach = scale * max(abs(bound - zero_point) for bound in _bounds(self.dtype))
            if self.dtype == "uint8" and zero_point == 0 and self.rng.random() < 0.3:
                parameters.pop()  # it is 0 where it is left out
        self.g.node("QuantizeLinear", [y, *parameters], name, self.domain)
        return Image(name, channels, size, parameters=parameters, scale=scale, reach=reach)

    def probabilities(self, y: str, channels: int, size: tuple[int, int]) -> Image:
        """y, of numbers between 0 and 1, after a QuantizeLinear."""
        name, scale = f"{y}_q{len(self.g.nodes)}", 1 / 250
        parameters = self.g.parameters(name, scale, int(np.iinfo(self.dtype).min), self.dtype)
        self.g.node("QuantizeLinear", [y, *parameters], name, self.domain)
        return Image(name, channels, size, parameters=parameters, scale=scale, reach=1.02)

    def node(self, op: str, inputs: Iterable[str], **attributes: Any) -> str:
        return self.g.node(op, list(inputs), f"t{len(self.g.nodes)}", **attributes)

    def activated(self, y: str) -> str:
        """y, or after a Relu or Clip."""
        draw = self.rng.random()
        if draw < 0.3:
            return self.node("Relu", [y])
        if draw < 0.4:
            n = len(self.g.constants)
            bounds = [self.g.constant(f"{what}{n}", value, "float32") for what, value in _CLIP.items()]
            return self.node("Clip", [y, *bounds])
        return y

    def weights(self, shape: tuple[int, ...], axis: int) -> tuple[str, str, float]:
        """Dequantized weights, the name of their scales, and the largest scale."""
        name = f"w{len(self.g.constants)}"
        count = [shape[axis]] if self.per_channel else []
        scales = np.asarray(self.rng.uniform(*WEIGHT_SCALES, count), np.float32)
        inputs = [
            self.g.constant(name, integers(self.rng, "int8", shape)),
            self.g.constant(f"{name}_scale", scales),
            self.g.constant(f"{name}_zero_point", np.zeros(count), "int8"),
        ]
        given: dict[str, Any] = {"axis": axis} if self.per_channel else {}
        y = self.g.node("DequantizeLinear", inputs, f"{name}_dq", self.domain, **given)
        return y, f"{name}_scale", float(scales.max())

    def bias(self, x: Image, scales_name: str, channels: int) -> list[str]:
        """None, in float, or dequantized from int32 in units of the matmuls."""
        name = f"b{len(self.g.constants)}"
        values = self.rng.integers(-999, 999, channels)
        draw = self.rng.random()
        if draw < 0.2 or not x.parameters:
            return []
        if draw < 0.4:
            return [self.g.constant(name, values * 1e-3, "float32")]
        scales = next(numpy_helper.to_array(c) for c in self.g.constants if c.name == scales_name)
        inputs = [self.g.constant(name, values, "int32")]
        inputs.append(self.g.constant(f"{name}_scale", np.float32(x.scale) * scales))
        inputs.append(self.g.constant(f"{name}_zero_point", np.zeros(scales.shape), "int32"))
        given: dict[str, Any] = {"axis": 0} if scales.ndim else {}
        return [self.g.node("DequantizeLinear", inputs, f"{name}_dq", **given)]

    def conv(
        self,
        x: Image,
        channels: int,
        kernel: int,
        group: int = 1,
        size: tuple[int, int] | None = None,
        **window: Any,
    ) -> Image:
        shape = (channels, x.channels // group, kernel, kernel)
        w, scales, largest = self.weights(shape, 0)
        inputs = [self.read(x), w, *self.bias(x, scales, channels)]
        y = self.node("Conv", inputs, group=group, **(window or {"pads": [kernel // 2] * 4}))
        taps = float(np.prod(shape[1:]))
        result = self.quantize(self.activated(y), 0.6 * taps**0.5, channels, size or x.size)
        return _of(result, y, [(x, 128 * largest * taps)])

    def compute(self, op: str, operands: Sequence[Image], around: float = 0.05, **attributes: Any) -> Image:
        channels = attributes.pop("channels", operands[0].channels)
        size = attributes.pop("size", operands[0].size)
        like = None
        if op == "Concat_Same":
            op, like = "Concat", next((x for x in operands if x.parameters), None)
        y = self.node(op, map(self.read, operands), **attributes)
        if op == "GlobalAveragePool":
            around = max(around, operands[0].scale / 64)
        if op in ("Add", "Mul"):
            around = {"Add": 0.1, "Mul": 2.0}[op]
            result = self.quantize(self.activated(y), around, channels, size, like)
        else:
            result = self.quantize(y, around, channels, size, like)
        slopes = [_STEEPEST.get(op, 1.0)] * len(operands)
        if op == "Mul":
            slopes = [operand.reach for operand in reversed(operands)]
        return _of(result, y, list(zip(operands, slopes, strict=True)))

    def move(
        self, op: str, x: Image, constants: Sequence[str], channels: int, size: tuple[int, int], **kept: Any
    ) -> Image:
        y = self.node(op, [self.read(x), *constants], **kept)
        draw = self.rng.random()
        if draw < 0.15 and op in ("Reshape", "Transpose", "Slice"):  # not quantized anew
            result = Image(y, channels, size, scale=x.scale, reach=x.reach)
        else:
            like = x if draw < 0.85 and x.parameters else None
            result = self.quantize(y, 0.05, channels, size, like)
        return _of(result, y, [(x, 1.0)])

    def split(self, x: Image, sizes: tuple[int, int]) -> list[Image]:
        names = [f"s{len(self.g.nodes)}_{half}" for half in (0, 1)]
        constant = self.g.constant(f"n{len(self.g.constants)}", sizes, "int64")
        split = helper.make_node("Split", [self.read(x), constant], names, axis=1, name=f"{names[0]}_node")
        self.g.nodes.append(split)
        like = x if x.parameters else None
        halves = [self.quantize(y, 0.05, k, x.size, like) for y, k in zip(names, sizes, strict=True)]
        return [_of(half, names[0], [(x, 1.0)]) for half in halves]

    def eight_bit(self, shape: Sequence[int]) -> Image:
        name = f"c{len(self.g.constants)}"
        self.g.constant(name, integers(self.rng, self.dtype, shape))
        scale, zero_point = self.quantization()
        parameters = self.g.parameters(name, scale, zero_point, self.dtype)
        reach = scale * max(abs(bound - zero_point) for bound in _bounds(self.dtype))
        return Image(name, 1, (1, 1), parameters=parameters, scale=scale, reach=reach)

    def input(self, name: str, channels: int, size: tuple[int, int]) -> Image:
        return self.quantize(name, 0.05, channels, size)

    def output(self, image: Image) -> str:
        return self.read(image)

    def grow(self, kind: str) -> None:
        if kind in KINDS:
            super().grow(kind)
            return
        x = self.pick()
        if kind == "unary":
            self.add(self.compute(str(self.rng.choice(["HardSwish", "Tanh", "Elu", "Relu", "Abs"])), [x]))
        elif kind == "unary_chain":  # x * sigmoid(x)
            a = self.read(x)
            y = self.node("Mul", [a, self.node("Sigmoid", [a])])
            self.add(_of(self.quantize(y, 0.05, x.channels, x.size), y, [(x, 1.1)]))
        elif kind == "conv_transpose" and max(x.size) < 12:
            k = int(self.rng.integers(1, 20))
            w, scales, largest = self.weights((x.channels, k, 2, 2), 1)
            inputs = [self.read(x), w, *self.bias(x, scales, k)]
            y = self.node("ConvTranspose", inputs, strides=[2, 2])
            size = (2 * x.size[0], 2 * x.size[1])
            result = self.quantize(y, 0.6 * x.channels**0.5, k, size)
            self.add(_of(result, y, [(x, 128 * largest * x.channels)]))
        elif kind == "softmax" and self.dtype == "uint8" and x.channels > 1:
            y = self.node("Softmax", [self.read(x)], axis=1)
            self.add(_of(self.probabilities(y, x.channels, x.size), y, [(x, 1.0)]))
        elif kind == "reduce_mean":
            self.add(self.compute("ReduceMean", [x], size=(1, 1), axes=[2, 3]))
        elif kind == "pair":  # a second one after the first
            a = self.read(x)
            self.add(_of(self.quantize(a, 0.05, x.channels, x.size), a, [(x, 1.0)]))
        elif kind == "matmul":
            self._matmul(x, int(self.rng.integers(1, 20)))
        elif kind == "dedicated" and x.node and x.parameters:  # one more pair of its own, for other consumers
            y = x.node.removesuffix("_node")
            self.add(_of(self.quantize(y, 0.05, x.channels, x.size, x), y, x.sources))
        elif kind == "resize_linear" and max(x.size) < 12:
            factor = np.asarray(self.rng.choice([0.6, 1.5, 2, 7 / 3, 3], 2), np.float32)
            height, width = (int(side) for side in np.asarray(x.size, np.float32) * factor)
            if min(height, width) > 0:
                factors = self.g.constant(f"f{len(self.g.constants)}", [1, 1, *factor], "float32")
                mode = str(self.rng.choice(["half_pixel", "asymmetric", "align_corners"]))
                kept = {"mode": "linear", "coordinate_transformation_mode": mode}
                self.add(self.move("Resize", x, ["", factors], x.channels, (height, width), **kept))
        elif kind == "transpose":  # there, perhaps through another pair, and back
            there = self.move("Transpose", x, [], x.channels, x.size, perm=[0, 2, 3, 1])
            self.add(self.move("Transpose", there, [], x.channels, x.size, perm=[0, 3, 1, 2]))

    def _matmul(self, x: Image, columns: int) -> None:
        """Its result is quantized, read in float32, or both."""
        rows = x.size[1]
        w, _, largest = self.weights((rows, columns), 1)
        y = self.node("MatMul", [self.read(x), w])
        size, slope = (x.size[0], columns), 128 * largest * rows
        draw = self.rng.random()
        if draw < 0.8:
            result = self.quantize(self.activated(y), 0.6 * rows**0.5, x.channels, size)
            self.add(_of(result, y, [(x, slope)]))
        if draw > 0.6:
            op = str(self.rng.choice(["Relu", "Neg"]))
            reach = x.reach * slope
            image = Image(self.node(op, [y]), x.channels, size, scale=1e-6 * reach, reach=reach)
            self.add(_of(image, y, [(x, slope)]))


def bound(image: Image, noted: set[str]) -> float:
    """By how much the image may differ where the nodes `noted` may differ by a quantum of their results.

    A result that is computed of differing ones differs by them times the slope, and by a quantum more
    where they are on both sides of a number that is rounded.
    """
    inherited = sum(slope * bound(source, noted) for source, slope in image.sources)
    return inherited + image.scale * ((inherited > 0) + (image.node in noted))


def _of(image: Image, y: str, sources: list[tuple[Image, float]]) -> Image:
    """The image, computed by the node that writes y, of these."""
    image.node = f"{y}_node"
    image.sources = sources
    return image


def _bounds(dtype: str) -> tuple[int, int]:
    return np.iinfo(dtype).min, np.iinfo(dtype).max


_CLIP = {"low": 0.0, "high": 6.0}
