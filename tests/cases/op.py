"""Single ops of the domain qudnn with arbitrary shapes and attributes, not only what the converter emits."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import prod, sqrt
from typing import Any

import numpy as np
import onnx

from cases.border import decisive
from cases.builder import TIES_MULTIPLIER, Array, GraphBuilder, integers, seed_of, ties
from qudnn.converter.functions import DOMAIN, function_protos

UINT8, INT8 = 2, 3  # ONNX's numbers of element types, as the attribute dtype has them
NAMES = {UINT8: "uint8", INT8: "int8"}


@dataclass(frozen=True, eq=False)
class OpCase:
    """A model of one op; its function body comes along.

    tensors: dtype and shape of each input of the graph, without the batch dimension, in the op's order.
    constants: the inputs after these, as initializers.
    """

    op: str
    label: str
    tensors: Mapping[str, tuple[str, tuple[int, ...]]]
    attributes: Mapping[str, Any]
    constants: Mapping[str, Array] = field(default_factory=dict)
    y_dtype: str = "int8"
    y_rank: int = 4

    @property
    def id(self) -> str:
        """Such as QConv_c16_k32_3x3."""
        return f"{self.op}_{self.label}"

    @property
    def _scale(self) -> float:
        """What float inputs are divided by."""
        return float(self.attributes["scale" if "scale" in self.attributes else "x_scale"])

    def model(self, opset: int = 13) -> onnx.ModelProto:
        """The op between graph inputs and the output y."""
        g = GraphBuilder()
        inputs = [g.input(name, dtype, ["N", *shape]) for name, (dtype, shape) in self.tensors.items()]
        inputs += [g.constant(name, value) for name, value in self.constants.items()]
        y = g.node(self.op, inputs, "y", DOMAIN, **self.attributes)
        g.output(y, self.y_dtype, [f"y{axis}" for axis in range(self.y_rank)])
        return g.model(opset, function_protos(self.op, opset))

    def inputs(self, batch: int = 2) -> dict[str, Array]:
        """Random over the whole range; for float32, values where rounding is decided."""
        rng = np.random.default_rng(seed_of(self.id))
        inputs = {
            name: _narrowed(decisive(np.float32(self._scale), (batch, *shape)), dtype)
            if dtype in ("float32", "float16")
            else integers(rng, dtype, (batch, *shape))
            for name, (dtype, shape) in self.tensors.items()
        }
        if self.op in (
            "QGlobalAveragePool",
            "QSqueezeExcitation",
        ):  # spread about a center that each channel of each image has
            x = inputs["x"]
            inputs["x"] = x // 4 + (integers(rng, "int8", (batch, 1, 1, x.shape[3])) // 4 * 3).astype(np.int8)
        return inputs


def _narrowed(x: Array, dtype: str) -> Array:
    """Numbers that are too large for float16 become infinite."""
    with np.errstate(over="ignore"):
        return x.astype(dtype)


def conv(
    label: str = "",
    *,
    c: int = 16,
    k: int = 32,
    kernel: tuple[int, ...] = (3, 3),
    size: tuple[int, ...] = (9, 8),
    group: int = 1,
    sums: str = "random",
    **attributes: Any,
) -> OpCase:
    """QConv, or QConv3D for a kernel in three dimensions.

    sums: random, wrapping (around int32), ties (see builder.ties), extreme (multipliers), large (around 2^22,
    which neither the products nor the bias reach).
    """
    dimensions = len(kernel)
    given = {
        "pads": [0] * 2 * dimensions,
        "strides": [1] * dimensions,
        "dilations": [1] * dimensions,
        "x_zero_point": 0,
        **_CLAMP,
        **attributes,
    }
    kernel_size = "x".join(map(str, kernel))
    name = "_".join(filter(None, [label, f"c{c}_k{k}_{kernel_size}", f"g{group}" if group > 1 else ""]))
    taps = c // group * prod(kernel)
    w_shape = (k, *kernel, c // group)
    x = {"x": ("int8", (*size, c))}
    op = "QConv" if dimensions == 2 else "QConv3D"
    constants = weights(name, w_shape, taps, sums)
    return OpCase(op, name, x, {**given, "group": group}, constants, y_rank=dimensions + 2)


def conv_add(label: str = "", *, dtype: int = UINT8, result_first: bool = True, **given: Any) -> OpCase:
    """QConvAdd, as conv; the residual has another scale and zero point than the result."""
    of_add = {"a_scale": 0.031, "b_scale": 0.027, "sum_scale": 0.041, "dtype": dtype}
    of_add |= dict(zip(("a_zero_point", "b_zero_point", "sum_zero_point"), _ZERO_POINTS[dtype], strict=True))
    of_add |= {name: given.pop(name) for name in of_add if name in given}
    case = conv(label, **given)
    pads, strides, dilations = (case.attributes[name] for name in ("pads", "strides", "dilations"))
    (_, (*size, _)), (k, *kernel, _) = case.tensors["x"], case.constants["w"].shape
    counts = [
        (extent + pads[i] + pads[i + 2] - dilations[i] * (kernel[i] - 1) - 1) // strides[i] + 1
        for i, extent in enumerate(size)
    ]
    name = "_".join([case.label, NAMES[dtype], "ab" if result_first else "ba"])
    tensors = {**case.tensors, "residual": ("int8", (*counts, k))}
    attributes = {**case.attributes, **of_add, "result_first": int(result_first)}
    return OpCase("QConvAdd", name, tensors, attributes, case.constants)


def conv_float_add(label: str = "", *, clamp: tuple[int, int] = (-128, 127), **given: Any) -> OpCase:
    """QConvFloatAdd, as conv; results and residual have numbers of one size."""
    of_sum = {"r_scale": 0.031, "r_zero_point": 5, "y_scale": 0.041, "y_zero_point": -7}
    of_sum |= {name: given.pop(name) for name in of_sum if name in given}
    case = conv_add(label, **given)
    names = ("pads", "strides", "dilations", "group", "x_zero_point")
    attributes = {name: case.attributes[name] for name in names} | of_sum
    attributes |= dict(zip(("y_min", "y_max"), clamp, strict=True))
    with np.errstate(over="ignore", under="ignore"):
        multiplier = case.constants["multiplier"] * np.float32(of_sum["y_scale"])
    constants = {**case.constants, "multiplier": multiplier}
    name = case.label.removesuffix("_uint8_ab")
    return OpCase("QConvFloatAdd", name, case.tensors, attributes, constants)


def matmul(
    label: str = "",
    *,
    c: int = 32,
    k: int = 16,
    rows: tuple[int, ...] = (),
    sums: str = "random",
    **attributes: Any,
) -> OpCase:
    """QMatMul; sums as in conv."""
    name = "_".join(filter(None, [label, f"c{c}_k{k}", "rows" + "x".join(map(str, rows)) if rows else ""]))
    tensors = {"x": ("int8", (*rows, c))}
    constants = weights(name, (k, c), c, sums)
    return OpCase("QMatMul", name, tensors, {**_CLAMP, **attributes}, constants, y_rank=2 + len(rows))


def projections(label: str = "", **given: Any) -> OpCase:
    """QProjections, as matmul; the zero points of its channels are all there are, the extremes first."""
    case = matmul(label, **given)
    k = len(case.constants["bias"])
    zero_points = np.resize([-128, 127, 0, *range(-127, 127)], k).astype(np.float32)
    constants = {**case.constants, "y_zero_point": zero_points}
    return OpCase("QProjections", case.label, case.tensors, {}, constants, y_rank=case.y_rank)


_ZERO_POINTS = {UINT8: (125, 120, 118), INT8: (5, -7, 0)}  # of a, b and their sum

_CLAMP = {"y_zero_point": 3, "y_min": -128, "y_max": 127}


def weights(name: str, shape: tuple[int, ...], taps: int, sums: str) -> dict[str, Array]:
    """Weights of that shape, a bias and multipliers for it: sums as in conv."""
    rng = np.random.default_rng(seed_of(name) + 1)
    w = rng.integers(-128, 128, shape).astype(np.int8)
    k = shape[0]
    deviation = int(sqrt(taps) * 74 * 74)
    bias = rng.integers(-deviation, deviation, k)
    multiplier = 60 / deviation * rng.uniform(0.2, 1.8, k)
    if sums == "wrapping":
        bias = np.where(bias < 0, -(2**31), 2**31 - 1) - bias // 20
        multiplier = np.full(k, 2.0**-24)
    if sums == "large":
        w = rng.integers(96, 128, shape).astype(np.int8)
        assert np.abs(w.astype(int)).sum(axis=(*range(1, w.ndim),)).max() * 128 < 2**22
        bias = np.resize([1, -1], k) * (2**22 - deviation // 2)
        multiplier = np.full(k, 100 / 2**22)
    if sums == "ties":
        w = np.sign(w)
        bias, multiplier = ties(k), np.full(k, TIES_MULTIPLIER)
    if sums == "extreme":
        multiplier = np.resize([1e30, 1e-30, 3e38, 1e-45, 0.0, 1e-3, 1e7, -1e-3], k)
    return {"w": w, "bias": bias.astype(np.int32), "multiplier": multiplier.astype(np.float32)}


def add(label: str, *, shape: tuple[int, ...] = (64, 64, 16), **attributes: Any) -> OpCase:
    """QAdd over random pairs."""
    given = {
        "a_scale": 0.031,
        "a_zero_point": 3,
        "b_scale": 0.057,
        "b_zero_point": 5,
        "y_scale": 0.063,
        "y_zero_point": 7,
        "dtype": UINT8,
        **attributes,
    }
    tensors = {"a": ("int8", shape), "b": ("int8", shape)}
    return OpCase("QAdd", f"{NAMES[given['dtype']]}_{label}", tensors, given, y_rank=1 + len(shape))


def max_pool(label: str, *, size: tuple[int, int] = (9, 8), c: int = 16, **attributes: Any) -> OpCase:
    """QMaxPool."""
    given = {
        "kernel_shape": [3, 3],
        "pads": [0, 0, 0, 0],
        "strides": [1, 1],
        "dilations": [1, 1],
        "ceil_mode": 0,
        **attributes,
    }
    return OpCase("QMaxPool", label, {"x": ("int8", (*size, c))}, given)


def global_average_pool(size: tuple[int, int], c: int, zero_points: tuple[int, int]) -> OpCase:
    """QGlobalAveragePool."""
    label = f"{size[0]}x{size[1]}_c{c}_x{zero_points[0]}_y{zero_points[1]}"
    attributes = {
        "x_scale": 0.0371,
        "x_zero_point": zero_points[0],
        "y_scale": 0.0353,
        "y_zero_point": zero_points[1],
    }
    return OpCase("QGlobalAveragePool", label, {"x": ("int8", (*size, c))}, attributes)


def quantize(
    label: str, shape: tuple[int, ...], perm: list[int], pads: list[int], **attributes: Any
) -> OpCase:
    """QuantizeToIsland."""
    given = {"perm": perm, "pads": pads, "scale": 0.0371, "zero_point": -5, **attributes}
    return OpCase("QuantizeToIsland", label, {"x": ("float32", shape)}, given, y_rank=len(perm))


def quantize_half(label: str, *given: Any, **attributes: Any) -> OpCase:
    """QuantizeHalfToIsland, as quantize."""
    return replace(quantize(label, *given, **attributes), op="QuantizeHalfToIsland")


def convert_in(label: str, shape: tuple[int, ...], perm: list[int], pads: list[int], dtype: int) -> OpCase:
    """ConvertToIsland."""
    given = {"perm": perm, "pads": pads, "zero_point": -5, "dtype": dtype}
    x = {"x": (NAMES[dtype], shape)}
    return OpCase("ConvertToIsland", f"{NAMES[dtype]}_{label}", x, given, y_rank=len(perm))


def dequantize(
    label: str, shape: tuple[int, ...], perm: list[int], channels: int, **attributes: Any
) -> OpCase:
    """DequantizeFromIsland."""
    given = {"perm": perm, "channels": channels, "scale": 0.0371, "zero_point": -5, **attributes}
    x = {"x": ("int8", shape)}
    return OpCase("DequantizeFromIsland", label, x, given, y_dtype="float32", y_rank=len(perm))


def convert_out(label: str, shape: tuple[int, ...], perm: list[int], channels: int, dtype: int) -> OpCase:
    """ConvertFromIsland."""
    given = {"perm": perm, "channels": channels, "dtype": dtype}
    name = f"{NAMES[dtype]}_{label}"
    x = {"x": ("int8", shape)}
    return OpCase("ConvertFromIsland", name, x, given, y_dtype=NAMES[dtype], y_rank=len(perm))


# Results within padding: of each engine that writes them, and of kinds that none does but the plain one.
_AROUND = [0, 1, 1, 0, 0, 1, 1, 0]
_UNEVEN = [0, 0, 3, 0, 0, 2, 1, 0]
_PADDED_CONVS = [
    conv("pointwise_padded", c=64, k=64, kernel=(1, 1), size=(56, 56), y_zero_point=-128, y_pads=_AROUND),
    conv("pointwise_padded", c=96, k=272, kernel=(1, 1), size=(19, 23), y_zero_point=7, y_pads=_UNEVEN),
    conv("pointwise_padded", c=448, k=80, kernel=(1, 1), size=(1, 1), y_pads=_AROUND),
    conv(
        "pointwise_padded", c=48, k=16, kernel=(1, 1), size=(31, 40), strides=[2, 3], y_min=3, y_pads=_UNEVEN
    ),
    conv(
        "pointwise_padded", c=32, k=32, kernel=(1, 1), size=(200, 300), y_max=50, y_pads=[0, 0, 1] + [0] * 5
    ),
    conv("stem_padded", c=4, k=64, kernel=(7, 7), size=(23, 41), strides=[2, 2], y_pads=_AROUND),
    conv("stem_padded", c=4, k=48, size=(33, 18), pads=[1, 1, 1, 1], x_zero_point=-9, y_pads=_UNEVEN),
    conv("padded", c=64, k=48, pads=[1, 1, 1, 1], x_zero_point=-128, y_pads=_AROUND),
    conv("padded", c=16, k=24, kernel=(1, 1), y_zero_point=127, y_pads=_UNEVEN),
    conv("padded_odd", c=5, k=7, y_pads=_UNEVEN),
    conv("padded_grouped", c=64, k=64, group=4, y_pads=_AROUND),
    conv("padded_smallgroups", c=32, k=32, group=8, y_pads=_UNEVEN),
    conv("padded_depthwise", c=32, k=32, group=32, y_zero_point=-128, y_pads=_AROUND),
    conv("padded_wrapping", sums="wrapping", c=64, kernel=(1, 1), size=(40, 40), y_pads=_AROUND),
]

CONVS = [
    conv("plain"),
    conv("pads", x_zero_point=-128, pads=[1, 1, 1, 1]),
    conv("pads", c=32, x_zero_point=127, pads=[2, 0, 1, 3], strides=[2, 1]),
    conv("padsonly", x_zero_point=5, pads=[5, 5, 5, 5]),
    conv("relu", y_zero_point=-100, y_min=-100, pads=[1, 1, 1, 1]),
    conv("relu6", y_zero_point=-128, y_max=50),
    conv("clamp", y_min=-10, y_max=20),
    conv("constant", y_min=17, y_max=17),
    conv("low", y_zero_point=-128),
    conv("high", y_zero_point=127, y_min=-50, y_max=126),
    conv("dilated", dilations=[2, 3], pads=[2, 3, 2, 3], x_zero_point=-7),
    conv("sparse", kernel=(1, 1), strides=[3, 2]),
    conv("sparse", kernel=(2, 2), strides=[4, 3], pads=[1, 0, 0, 1], x_zero_point=9),
    conv("pointwise", c=32, k=16, kernel=(1, 1), size=(300, 300)),
    conv(
        "pointwise", c=48, k=272, kernel=(1, 1), size=(19, 23), strides=[2, 2], y_zero_point=-100, y_min=-100
    ),
    conv("pointwise", c=448, k=80, kernel=(1, 1), size=(19, 23), y_zero_point=-128, y_max=50),
    conv("stem", k=64, kernel=(7, 7), size=(23, 21), pads=[3, 3, 3, 3], strides=[2, 2], x_zero_point=-10),
    conv("stem", c=4, k=64, kernel=(7, 7), size=(23, 41), strides=[2, 2]),
    conv(
        "stem", c=4, k=48, kernel=(6, 6), size=(40, 36), pads=[2, 2, 2, 2], strides=[2, 2], x_zero_point=-10
    ),
    conv("stem", c=4, k=32, size=(9, 70), pads=[0, 0, 1, 1], strides=[2, 2], x_zero_point=-128),
    conv("stem", c=4, k=80, kernel=(8, 5), size=(20, 33), pads=[4, 1, 3, 2], x_zero_point=127),
    conv("stem", c=4, k=96, kernel=(4, 4), size=(32, 32), strides=[4, 4], y_min=-10, y_max=20),
    conv("stem", c=4, k=16, kernel=(1, 3), size=(5, 4), strides=[3, 1]),
    conv("stem", c=4, k=16, sums="wrapping", x_zero_point=77, pads=[1, 1, 1, 1]),
    conv("stem", c=4, kernel=(5, 5), sums="extreme", x_zero_point=-5, pads=[1, 1, 1, 1]),
    conv("nostem", c=4, kernel=(9, 3), size=(12, 9)),
    conv("nostem", c=4, dilations=[2, 2]),
    conv("nostem", c=4, k=24),
    conv("pixel", kernel=(1, 1), size=(1, 1)),
    conv("pixel", size=(1, 1), pads=[1, 1, 1, 1], x_zero_point=-128),
    conv("whole", kernel=(9, 8)),
    conv("grouped", c=64, k=64, group=4, pads=[1, 1, 1, 1], x_zero_point=-3),
    conv("grouped", c=32, k=96, group=2, kernel=(1, 1)),
    conv("smallgroups", c=32, k=32, group=8, pads=[1, 1, 1, 1], x_zero_point=4),
    conv("depthwise", c=32, k=32, group=32, pads=[1, 1, 1, 1], strides=[2, 2], x_zero_point=-128),
    conv("depthwise", c=16, k=16, group=16, kernel=(5, 3), dilations=[1, 2], pads=[2, 2, 2, 2]),
    conv("multiplied", c=16, k=48, group=16, pads=[1, 1, 1, 1], x_zero_point=11),
    conv("odd", c=5, k=7, pads=[1, 1, 1, 1], x_zero_point=3),
    conv("odd", c=1, k=1, size=(5, 3)),
    conv("odd", c=24, k=40, kernel=(1, 1)),
    conv("odd", c=9, k=6, group=3, pads=[0, 1, 1, 0], x_zero_point=-1),
    conv("wrapping", sums="wrapping", c=64, x_zero_point=77, pads=[1, 1, 1, 1]),
    conv("ties", sums="ties", c=16, k=256, kernel=(1, 1)),
    conv("extreme", sums="extreme", x_zero_point=-5, pads=[1, 1, 1, 1]),
    conv("large", c=512, k=48, size=(4, 4), pads=[1, 1, 1, 1], x_zero_point=-128),
    *_PADDED_CONVS,
]

CONV_ADDS = [
    *(
        conv_add("pointwise", dtype=dtype, result_first=first, c=64, k=96, kernel=(1, 1), size=(30, 40))
        for dtype in (UINT8, INT8)
        for first in (True, False)
    ),
    conv_add("pads", c=64, k=64, size=(19, 23), x_zero_point=-128, pads=[1, 1, 1, 1], y_zero_point=-128),
    conv_add("strided", c=48, k=32, x_zero_point=9, pads=[1, 2, 0, 1], strides=[2, 1], dtype=INT8),
    conv_add("odd", c=5, k=7, pads=[1, 1, 1, 1], x_zero_point=3, result_first=False),
    conv_add("clamp", c=32, k=32, kernel=(1, 1), y_min=-10, y_max=20),
    conv_add("grouped", c=32, k=32, group=32, pads=[1, 1, 1, 1]),
    conv_add("wrapping", sums="wrapping", c=64, kernel=(1, 1), size=(40, 40), result_first=False),
    conv_add("ties", sums="ties", c=16, k=256, kernel=(1, 1), a_scale=0.5, b_scale=0.25, sum_scale=0.5),
    conv_add("extreme", sums="extreme", c=32, k=64, kernel=(1, 1), size=(40, 40)),
    conv_add("huge", c=32, k=32, kernel=(1, 1), a_scale=1e8, b_scale=1.0, sum_scale=1e-3),
]

CONV_FLOAT_ADDS = [
    conv_float_add("pointwise", c=64, k=96, kernel=(1, 1), size=(30, 40)),
    conv_float_add("relu", c=64, k=64, kernel=(1, 1), y_zero_point=0, clamp=(0, 127)),
    conv_float_add("low", c=64, k=64, kernel=(1, 1), y_zero_point=-128, r_zero_point=-128),
    conv_float_add("high", c=64, k=64, kernel=(1, 1), y_zero_point=127, r_zero_point=127),
    conv_float_add("pads", c=64, k=64, size=(19, 23), x_zero_point=-128, pads=[1, 1, 1, 1]),
    conv_float_add("strided", c=48, k=32, x_zero_point=9, pads=[1, 2, 0, 1], strides=[2, 1]),
    conv_float_add("dilated", c=32, k=64, pads=[2, 3, 2, 3], dilations=[2, 3], x_zero_point=-7),
    conv_float_add("odd", c=5, k=7, pads=[1, 1, 1, 1], x_zero_point=3),
    conv_float_add("odd", c=24, k=40, kernel=(1, 1)),
    conv_float_add("one", c=1, k=1, size=(5, 3)),
    conv_float_add("pixel", c=64, k=64, kernel=(1, 1), size=(1, 1)),
    conv_float_add("clamp", c=32, k=32, kernel=(1, 1), clamp=(-10, 20)),
    conv_float_add("grouped", c=64, k=64, group=4, pads=[1, 1, 1, 1], x_zero_point=-3),
    conv_float_add("smallgroups", c=32, k=32, group=8, pads=[1, 1, 1, 1], x_zero_point=4),
    conv_float_add("depthwise", c=32, k=32, group=32, pads=[1, 1, 1, 1], strides=[2, 2], x_zero_point=-128),
    conv_float_add("multiplied", c=16, k=48, group=16, pads=[1, 1, 1, 1], x_zero_point=11),
    conv_float_add("wrapping", sums="wrapping", c=64, kernel=(1, 1), size=(40, 40)),
    conv_float_add("ties", sums="ties", c=16, k=256, kernel=(1, 1), r_scale=0.25, y_scale=0.5),
    conv_float_add("extreme", sums="extreme", c=32, k=64, kernel=(1, 1), size=(40, 40)),
    conv_float_add("minute", c=32, k=32, kernel=(1, 1), y_scale=2e-30, r_scale=1e-30),
    conv_float_add("huge", c=32, k=32, kernel=(1, 1), y_scale=9e29, r_scale=7e29),
    conv_float_add("large", c=512, k=48, size=(4, 4), pads=[1, 1, 1, 1], x_zero_point=-128),
]

MATMULS = [
    matmul(),
    matmul(rows=(5,)),
    matmul(rows=(2, 3)),
    matmul("relu", y_zero_point=-100, y_min=-100),
    matmul("clamp", c=64, y_min=-10, y_max=20),
    matmul("low", y_zero_point=-128, rows=(7,)),
    matmul("odd", c=5, k=7, rows=(3,)),
    matmul("odd", c=1, k=1),
    matmul("classifier", c=2048, k=1008),
    matmul("wrapping", sums="wrapping", c=64, k=48),
    matmul("ties", sums="ties", c=16, k=256),
    matmul("extreme", sums="extreme", rows=(40,)),
]

PROJECTIONS = [
    projections(),
    projections("token", c=64, k=192, rows=(5,)),
    projections("rows", c=96, k=304, rows=(3, 37)),
    projections("odd", c=5, k=7, rows=(3,)),
    projections("odd", c=30, k=58, rows=(90,)),
    projections("words", c=64, k=100, rows=(70,)),
    projections("bert", c=768, k=2304, rows=(128,)),
    projections("wrapping", sums="wrapping", c=64, k=272),
    projections("wrapping", sums="wrapping", c=64, k=272, rows=(80,)),
    projections("ties", sums="ties", c=16, k=256, rows=(70,)),
    projections("extreme", sums="extreme", k=256, rows=(40,)),
]

ADDS = [
    *(add(f"zeros{zero}", a_zero_point=zero, b_zero_point=zero, y_zero_point=zero) for zero in (0, 128, 255)),
    *(
        add(f"zeros{zero}", a_zero_point=zero, b_zero_point=zero, y_zero_point=zero, dtype=INT8)
        for zero in (-128, 0, 127)
    ),
    add("ties", a_scale=0.5, b_scale=0.25, y_scale=0.5),
    add("ties", a_scale=0.5, b_scale=0.25, y_scale=0.5, dtype=INT8),
    *(
        add(f"huge{a}", shape=(70,), a_scale=a, b_scale=b, y_scale=1e-3, dtype=dtype)
        for dtype in (UINT8, INT8)
        for a, b in ((1e8, 1.0), (3e3, 2e4), (1e38, 1e38))
    ),
    add("matrix", shape=(48,)),
    add("odd", shape=(3, 7, 5), dtype=INT8),
    add("small", shape=(3,)),
    add("large", shape=(112, 112, 64), dtype=INT8, a_zero_point=-20, b_zero_point=11),
]

MAX_POOLS = [
    max_pool("plain"),
    max_pool("resnet", size=(56, 56), c=64, pads=[1, 1, 1, 1], strides=[2, 2]),
    max_pool("pads", pads=[2, 0, 1, 2], strides=[1, 2]),
    max_pool("dilated", dilations=[2, 3], pads=[2, 2, 2, 2], strides=[2, 1]),
    max_pool("ceil", strides=[2, 2], ceil_mode=1),
    max_pool("ceil_pads", kernel_shape=[2, 2], strides=[3, 3], pads=[0, 0, 1, 1], size=(5, 5), ceil_mode=1),
    max_pool("ceil_dilated", dilations=[2, 2], strides=[2, 3], pads=[1, 1, 1, 1], ceil_mode=1),
    max_pool("odd", c=5, kernel_shape=[2, 3]),
    max_pool("one", c=1, size=(3, 3)),
    max_pool("padded", size=(56, 56), c=64, strides=[2, 2], y_zero_point=-128, y_pads=_AROUND),
    max_pool("padded_odd", c=5, kernel_shape=[2, 3], y_zero_point=7, y_pads=_UNEVEN),
    max_pool("padded_2x2", c=48, kernel_shape=[2, 2], strides=[2, 2], y_zero_point=-3, y_pads=_UNEVEN),
]

GLOBAL_AVERAGE_POOLS = [
    global_average_pool(size, c, zero_points)
    for size, c in (((7, 7), 2048), ((1, 1), 16), ((3, 5), 7), ((112, 112), 32), ((1, 33), 1))
    for zero_points in ((0, 0), (-128, -128), (5, 100))
]

BORDERS = [
    *(
        quantize(f"zero{zero}", (3, 37, 29), [0, 2, 3, 1], [0] * 7 + [13], zero_point=zero)
        for zero in (-128, 0, 127)
    ),
    *(
        quantize(f"scale{s}", (3, 37, 29), [0, 2, 3, 1], [0] * 7 + [13], scale=s)
        for s in (1.0, 0.1, 1e-30, 3e5)
    ),
    quantize("narrow", (3, 37, 29), [0, 2, 3, 1], [0] * 7 + [1]),
    quantize("narrow_spatial", (3, 9, 150), [0, 2, 3, 1], [0, 3, 2, 0, 0, 1, 4, 1]),
    quantize("spatial", (5, 9, 8), [0, 2, 3, 1], [0, 3, 2, 0, 0, 1, 4, 11]),
    quantize("matrix", (3000,), [0, 1], [0, 0, 0, 8]),
    quantize("sequence", (30, 100), [0, 1, 2], [0, 0, 0, 0, 0, 12]),
    quantize("volume", (3, 5, 4, 60), [0, 2, 3, 4, 1], [0] * 9 + [13]),
    quantize("aligned", (64, 9, 8), [0, 2, 3, 1], [0] * 8),
    *(
        quantize_half(f"scale{s}", (3, 37, 29), [0, 2, 3, 1], [0] * 7 + [13], scale=s)
        for s in (1.0, 0.0371, 1e-7, 1e-30, 3e5)
    ),
    quantize_half("narrow_spatial", (3, 9, 150), [0, 2, 3, 1], [0, 3, 2, 0, 0, 1, 4, 1]),
    quantize_half("spatial", (5, 9, 8), [0, 2, 3, 1], [0, 3, 2, 0, 0, 1, 4, 11]),
    quantize_half("sequence", (30, 100), [0, 1, 2], [0, 0, 0, 0, 0, 12], zero_point=127),
    quantize_half("volume", (3, 5, 4, 60), [0, 2, 3, 4, 1], [0] * 9 + [13]),
    quantize_half("aligned", (64, 9, 8), [0, 2, 3, 1], [0] * 8),
    *(
        convert_in(label, shape, perm, pads, dtype)
        for dtype in (UINT8, INT8)
        for label, shape, perm, pads in (
            ("image", (3, 37, 29), [0, 2, 3, 1], [0] * 7 + [13]),
            ("narrow", (3, 9, 150), [0, 2, 3, 1], [0, 3, 2, 0, 0, 1, 4, 1]),
            ("gray", (1, 9, 8), [0, 2, 3, 1], [0] * 7 + [3]),
            ("spatial", (5, 9, 8), [0, 2, 3, 1], [0, 3, 2, 0, 0, 1, 4, 11]),
            ("matrix", (1000,), [0, 1], [0, 0, 0, 8]),
            ("aligned", (64, 9, 8), [0, 2, 3, 1], [0] * 8),
        )
    ),
    *(
        convert_out(label, shape, perm, channels, dtype)
        for dtype in (UINT8, INT8)
        for label, shape, perm, channels in (
            ("image", (37, 29, 16), [0, 3, 1, 2], 3),
            ("matrix", (1008,), [0, 1], 1000),
            ("aligned", (9, 8, 64), [0, 3, 1, 2], 64),
        )
    ),
    dequantize("image", (37, 29, 16), [0, 3, 1, 2], 3),
    dequantize("matrix", (1008,), [0, 1], 1000, zero_point=127, scale=1.0),
    dequantize("sequence", (7, 32), [0, 1, 2], 30, zero_point=-128, scale=1e-40),
    dequantize("volume", (2, 3, 4, 16), [0, 4, 1, 2, 3], 9),
]

CASES = [*CONVS, *MATMULS, *PROJECTIONS, *ADDS, *MAX_POOLS, *GLOBAL_AVERAGE_POOLS, *BORDERS]
