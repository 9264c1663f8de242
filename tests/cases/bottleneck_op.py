"""Cases of blocks, with an addition or without: what one kernel may take, what always runs step by step."""

from math import log2, prod, sqrt
from typing import Any

import numpy as np

from cases.builder import Array, seed_of
from cases.op import INT8, NAMES, UINT8, OpCase, weights

STEPS = ("reduce", "window", "")  # as inputs are named after them
_ZERO_POINTS = {UINT8: (125, 120, 118), INT8: (5, -7, 0)}  # of a, b and their sum
_RELU: dict[str, Any] = {
    f"{step}_{of}": -128 for step in ("reduced", "window") for of in ("zero_point", "min")
}
_RELU |= {"padding_zero_point": -128, "sum_zero_point": 0, "sum_scale": 0.023}
_AROUND = [1, 1, 1, 1]


def bottleneck(
    size: tuple[int, int],
    c: int,
    m: int,
    k: int,
    label: str = "",
    *,
    window: int | None = None,
    kernel: tuple[int, int] = (3, 3),
    sums: tuple[str, str, str] = ("random",) * 3,
    adds: bool = True,
    dtype: int = UINT8,
    result_first: bool = True,
    **attributes: Any,
) -> OpCase:
    """QBottleneckAdd of images of that size, with m channels between, and as many or `window` after it.

    sums: of each convolution, as in cases.op.conv, or halves: many are halfway between two results.
    adds: if not, QBottleneck.
    """
    given: dict[str, Any] = {
        "reduced_zero_point": -9,
        "reduced_min": -128,
        "reduced_max": 127,
        "pads": _AROUND,
        "strides": [1, 1],
        "dilations": [1, 1],
        "group": 1,
        "padding_zero_point": -9,
        "window_zero_point": 6,
        "window_min": -128,
        "window_max": 127,
        "y_zero_point": 3,
        "y_min": -128,
        "y_max": 127,
        **(_addition(dtype, result_first) if adds else {}),
    }
    given |= {each: value for each, value in attributes.items() if adds or not each.startswith("sum_")}
    between = window or m
    kinds = [NAMES[dtype], "ab" if result_first else "ba"] if adds else []
    name = "_".join(filter(None, [label, *kinds, f"{size[0]}x{size[1]}_c{c}_m{m}_k{k}"]))
    shapes = (m, 1, 1, c), (between, *kernel, m // given["group"]), (k, 1, 1, between)
    constants: dict[str, Array] = {}
    for step, shape, kind in zip(STEPS, shapes, sums, strict=True):
        of_step = _step(f"{name}_{step}", shape, kind)
        constants |= {f"{each}_{step}" if step else each: value for each, value in of_step.items()}
    pads, strides, dilations = (given[each] for each in ("pads", "strides", "dilations"))
    counts = [
        (size[i] + pads[i] + pads[i + 2] - dilations[i] * (kernel[i] - 1) - 1) // strides[i] + 1
        for i in (0, 1)
    ]
    tensors: dict[str, tuple[str, tuple[int, ...]]] = {"x": ("int8", (*size, c))}
    if adds:
        tensors["residual"] = ("int8", (*counts, k))
    return OpCase("QBottleneckAdd" if adds else "QBottleneck", name, tensors, given, constants)


def depthwise(size: tuple[int, int], c: int, m: int, k: int, label: str = "", **given: Any) -> OpCase:
    """A block whose windows are over each channel by itself."""
    return bottleneck(size, c, m, k, f"depthwise_{label}" if label else "depthwise", group=m, **given)


def float_add(
    size: tuple[int, int],
    c: int,
    m: int,
    k: int,
    label: str = "",
    *,
    r_scale: float = 0.031,
    r_zero_point: int = 5,
    y_scale: float = 0.041,
    **given: Any,
) -> OpCase:
    """QBottleneckFloatAdd, as bottleneck; results and residual have numbers of one size."""
    case = bottleneck(size, c, m, k, "_".join(filter(None, ["float", label])), **given)
    unused = {*_addition(UINT8, True)}
    attributes = {name: value for name, value in case.attributes.items() if name not in unused}
    attributes |= {"r_scale": r_scale, "r_zero_point": r_zero_point, "y_scale": y_scale}
    with np.errstate(over="ignore", under="ignore"):
        multiplier = case.constants["multiplier"] * np.float32(y_scale)
    constants = {**case.constants, "multiplier": multiplier}
    name = case.label.replace("_uint8_ab", "")
    return OpCase("QBottleneckFloatAdd", name, case.tensors, attributes, constants)


def _addition(dtype: int, result_first: bool) -> dict[str, Any]:
    return {
        **{"a_scale": 0.031, "b_scale": 0.027, "sum_scale": 0.041},
        **dict(zip(("a_zero_point", "b_zero_point", "sum_zero_point"), _ZERO_POINTS[dtype], strict=True)),
        "dtype": dtype,
        "result_first": int(result_first),
    }


def _step(name: str, shape: tuple[int, ...], sums: str) -> dict[str, Array]:
    taps = prod(shape[1:])
    if sums != "halves":
        return weights(name, shape, taps, sums)
    rng = np.random.default_rng(seed_of(name) + 1)
    multiplier = 2.0 ** -round(log2(sqrt(taps)))  # so that results have about the values of what is added up
    return {
        "w": rng.integers(-1, 2, shape).astype(np.int8),
        "bias": rng.integers(-50, 51, shape[0]).astype(np.int32) * round(1 / multiplier),
        "multiplier": np.full(shape[0], multiplier, np.float32),
    }


_ADD_IN_HALVES: dict[str, Any] = {"a_scale": 0.5, "b_scale": 0.25, "sum_scale": 0.5}
HALVES = [
    bottleneck((5, 6), 64, 64, 256, "halves", sums=("halves",) * 3, dtype=dtype, **_ADD_IN_HALVES)
    for dtype in (UINT8, INT8)
]
# The blocks of a ResNet-50 without strides: the first of all, then those of its four stages.
RESNET50 = [
    bottleneck((56, 56), 64, 64, 256, **_RELU),
    bottleneck((56, 56), 256, 64, 256, **_RELU),
    bottleneck((28, 28), 512, 128, 512, **_RELU),
    bottleneck((14, 14), 1024, 256, 1024, **_RELU),
    bottleneck((7, 7), 2048, 512, 2048, **_RELU),
]
# The first blocks of its other stages, whose windows have strides of 2.
STRIDED = [
    bottleneck((56, 56), 256, 128, 512, "strided", strides=[2, 2], **_RELU),
    bottleneck((28, 28), 512, 256, 1024, "strided", strides=[2, 2], **_RELU),
    bottleneck((14, 14), 1024, 512, 2048, "strided", strides=[2, 2], **_RELU),
]
# Sizes at which windows lie over each border, or over several.
_SIZES = [(1, 1), (1, 3), (3, 1), (2, 2), (5, 7), (13, 11), (16, 16), (9, 33), (30, 17)]
_SUMS: list[tuple[str, str, str]] = [
    each
    for kind in ("wrapping", "ties", "extreme")
    for each in [(kind, "random", "random"), ("random", kind, "random"), ("random", "random", kind)]
]
TAKEN = [
    *RESNET50,
    *HALVES,
    *(bottleneck(size, 64, 64, 256) for size in _SIZES),
    *(bottleneck(size, 192, 128, 512, **_RELU) for size in [(7, 7), (14, 14), (15, 13)]),
    *(
        bottleneck((7, 8), 256, 64, 256, dtype=dtype, result_first=first)
        for dtype in (UINT8, INT8)
        for first in (True, False)
    ),
    bottleneck((14, 14), 256, 64, 256),
    bottleneck((14, 14), 512, 128, 512, result_first=False),
    bottleneck((7, 7), 1024, 512, 2048),
    bottleneck((7, 7), 320, 256, 1024),
    bottleneck((28, 28), 512, 256, 512, "wide", **_RELU),
    bottleneck((7, 7), 64, 64, 768, "three_times"),
    bottleneck((7, 7), 64, 64, 256, "no_zero_point", padding_zero_point=0, reduced_zero_point=0),
    bottleneck((7, 7), 64, 64, 256, "highest", padding_zero_point=127, reduced_zero_point=127),
    bottleneck((7, 7), 64, 64, 256, "other_padding", padding_zero_point=5, reduced_zero_point=-128),
    bottleneck((7, 7), 64, 64, 256, "padding_of_0", padding_zero_point=0, reduced_zero_point=-128),
    bottleneck((6, 7), 64, 64, 256, "extremes", a_zero_point=0, b_zero_point=255, sum_zero_point=255),
    bottleneck(
        (6, 7), 64, 64, 256, "lowest", dtype=INT8, a_zero_point=-128, b_zero_point=127, sum_zero_point=-128
    ),
    bottleneck((6, 7), 64, 64, 256, "clamped_reduced", reduced_min=-40, reduced_max=30),
    bottleneck((6, 7), 64, 64, 256, "clamped_window", window_min=-30, window_max=40),
    bottleneck((6, 7), 64, 64, 256, "clamped_result", y_min=-20, y_max=70),
    bottleneck((6, 7), 64, 64, 256, "constant", reduced_min=17, reduced_max=17),
    *(bottleneck((6, 7), 64, 64, 256, "_".join(kinds), sums=kinds) for kinds in _SUMS),
    *STRIDED,
    *(bottleneck(size, 64, 64, 256, "strided", strides=[2, 2]) for size in _SIZES),
    bottleneck((9, 8), 128, 128, 256, "strided", strides=[2, 2], dtype=INT8, result_first=False),
    bottleneck((8, 9), 64, 64, 256, "strided_other_padding", strides=[2, 2], padding_zero_point=5),
    bottleneck((9, 8), 64, 64, 64, "as_many"),
    bottleneck((9, 8), 128, 128, 128, "as_many", **_RELU),
    bottleneck((5, 4), 64, 1024, 1024, "widest", **_RELU),
]
# The blocks of a MobileNetV2 that expand their channels: one with strides or another number of results, and
# those after it.
MOBILENET_V2 = [
    depthwise((112, 112), 16, 96, 32, adds=False, strides=[2, 2], **_RELU),
    depthwise((56, 56), 32, 144, 32, **_RELU),
    depthwise((56, 56), 32, 144, 32, adds=False, strides=[2, 2], **_RELU),
    depthwise((28, 28), 32, 192, 32, **_RELU),
    depthwise((28, 28), 32, 192, 64, adds=False, strides=[2, 2], **_RELU),
    depthwise((14, 14), 64, 384, 64, **_RELU),
    depthwise((14, 14), 64, 384, 96, adds=False, **_RELU),
    depthwise((14, 14), 96, 576, 96, **_RELU),
    depthwise((14, 14), 96, 576, 160, adds=False, strides=[2, 2], **_RELU),
    depthwise((7, 7), 160, 960, 160, **_RELU),
    depthwise((7, 7), 160, 960, 320, adds=False, **_RELU),
]
HALVES_DEPTHWISE = [
    depthwise((9, 8), 64, 96, 48, "halves", sums=("halves",) * 3, **given)
    for given in ({**_ADD_IN_HALVES, "dtype": INT8}, {"adds": False})
]
DEPTHWISE = [
    *MOBILENET_V2,
    *HALVES_DEPTHWISE,
    *(
        depthwise(size, 16, 48, 16, adds=adds, strides=[stride] * 2)
        for size in _SIZES
        for adds, stride in ((True, 1), (False, 2))
    ),
    *(depthwise((9, 8), 48, 80, k, adds=k > 96) for k in (16, 64, 80, 112, 176, 320)),
    *(
        depthwise((7, 8), 32, 64, 32, dtype=dtype, result_first=first)
        for dtype in (UINT8, INT8)
        for first in (True, False)
    ),
    depthwise((7, 7), 64, 64, 256),
    depthwise((14, 14), 240, 16, 240, "narrowing"),
    depthwise((7, 7), 32, 64, 32, "no_zero_point", padding_zero_point=0, reduced_zero_point=0),
    depthwise((7, 7), 32, 64, 32, "highest", padding_zero_point=127, reduced_zero_point=127, adds=False),
    depthwise((7, 7), 32, 64, 32, "other_padding", padding_zero_point=5, reduced_zero_point=-128),
    depthwise((7, 7), 32, 64, 32, "padding_of_0", padding_zero_point=0, reduced_zero_point=-128, adds=False),
    depthwise((8, 9), 32, 64, 32, "strided_other_padding", padding_zero_point=5, strides=[2, 2]),
    depthwise((6, 7), 32, 64, 32, "extremes", a_zero_point=0, b_zero_point=255, sum_zero_point=255),
    depthwise((6, 7), 32, 64, 32, "clamped_reduced", reduced_min=-40, reduced_max=30, adds=False),
    depthwise((6, 7), 32, 64, 32, "clamped_window", window_min=-30, window_max=40),
    depthwise((6, 7), 32, 64, 32, "clamped_result", y_min=-20, y_max=70),
    depthwise((6, 7), 32, 64, 32, "clamped_alone", y_min=-20, y_max=70, adds=False),
    *(
        depthwise((6, 7), 32, 64, 32, "_".join(kinds), sums=kinds, adds=adds)
        for kinds in _SUMS
        for adds in (True, False)
    ),
]
LEFT = [
    bottleneck((9, 8), 5, 7, 9, "odd", window=6),
    bottleneck((9, 8), 24, 8, 40, "channels", result_first=False),
    bottleneck((9, 8), 64, 32, 128, "narrow", **_RELU),
    bottleneck((9, 8), 64, 64, 256, "strided_lines", strides=[2, 1], dtype=INT8),
    bottleneck((9, 8), 64, 64, 256, "dilated", dilations=[2, 2], pads=[2, 2, 2, 2]),
    bottleneck((9, 8), 64, 128, 256, "groups", group=32, **_RELU),
    bottleneck((9, 8), 64, 64, 256, "alone", adds=False, **_RELU),
    bottleneck((9, 8), 64, 64, 256, "alone_strided", adds=False, strides=[2, 2], padding_zero_point=0),
    bottleneck((9, 8), 64, 64, 256, "pairs", group=32, window=64, adds=False),
    bottleneck((9, 8), 32, 64, 64, "two_of_each", group=64, window=128),
    depthwise((9, 8), 32, 64, 336, "many"),
    depthwise((9, 8), 20, 24, 40, "odd", adds=False),
    depthwise((9, 8), 32, 64, 64, "dilated", dilations=[2, 2], pads=[2] * 4, adds=False),
    depthwise((9, 8), 32, 64, 64, "strided_lines", strides=[2, 1], **_RELU),
    depthwise((9, 8), 32, 64, 64, "unpadded", pads=[0] * 4, adds=False),
    depthwise((9, 8), 32, 64, 64, "five", kernel=(5, 5), pads=[2] * 4),
    depthwise((3, 200), 32, 64, 320, "long", adds=False),
    depthwise((9, 8), 32, 64, 64, "huge", a_scale=1e8, b_scale=1.0, sum_scale=1e-3),
    bottleneck((9, 8), 64, 48, 256, "unequal", window=80),
    bottleneck((9, 8), 64, 64, 256, "five", kernel=(5, 5), pads=[2, 2, 2, 2]),
    bottleneck((9, 8), 64, 64, 256, "line", kernel=(1, 3), pads=[0, 1, 0, 1]),
    bottleneck((9, 8), 64, 64, 256, "pixel", kernel=(1, 1), pads=[0, 0, 0, 0]),
    bottleneck((9, 8), 64, 64, 256, "unpadded", pads=[0, 0, 0, 0]),
    bottleneck((9, 8), 64, 64, 256, "uneven", pads=[0, 2, 1, 3], **_RELU),
    bottleneck((9, 8), 64, 64, 256, "huge", a_scale=1e8, b_scale=1.0, sum_scale=1e-3),
    bottleneck((9, 8), 64, 64, 256, "huge_residual", a_scale=1e8, sum_scale=1e-3, result_first=False),
]
# Blocks as quantizers for TensorRT write them: the last results are added to a residual as they are.
_FLOAT_RELU: dict[str, Any] = {
    f"{step}_{of}": 0 for step in ("reduced", "window", "y") for of in ("zero_point", "min")
}
_FLOAT_RELU |= {"padding_zero_point": 0, "r_zero_point": 0}
_UNSIGNED = {name: value for name, value in _RELU.items() if not name.startswith("sum_")}
FLOAT_HALVES = [
    float_add(
        (5, 6),
        64,
        64,
        256,
        "halves",
        sums=("halves",) * 3,
        r_scale=0.25,
        y_scale=0.5,
        y_zero_point=zero_point,
    )
    for zero_point in (0, -7)
]
FLOAT_RESNET50 = [
    float_add((56, 56), 64, 64, 256, **_FLOAT_RELU),
    float_add((28, 28), 512, 128, 512, **_FLOAT_RELU),
    float_add((14, 14), 1024, 256, 1024, **_FLOAT_RELU),
    float_add((7, 7), 2048, 512, 2048, **_FLOAT_RELU),
    float_add((14, 14), 1024, 512, 2048, "strided", strides=[2, 2], **_FLOAT_RELU),
    float_add((14, 14), 256, 64, 256, "unsigned", r_zero_point=-128, y_zero_point=-128, **_UNSIGNED),
]
FLOAT_TAKEN = [
    *FLOAT_RESNET50,
    *FLOAT_HALVES,
    *(
        float_add(size, 64, 64, 256, strides=[stride] * 2)
        for size, stride in [((1, 1), 1), ((2, 2), 1), ((13, 11), 1), ((9, 33), 1), ((1, 3), 2), ((5, 7), 2)]
    ),
    float_add((7, 7), 192, 128, 512, r_zero_point=127, y_zero_point=127, y_scale=0.3),
    float_add(
        (7, 7), 64, 64, 256, "no_zero_point", padding_zero_point=0, reduced_zero_point=0, r_zero_point=0
    ),
    float_add((7, 7), 64, 64, 256, "other_padding", padding_zero_point=5, reduced_zero_point=-128),
    float_add((6, 7), 64, 64, 256, "clamped_reduced", reduced_min=-40, reduced_max=30),
    float_add((6, 7), 64, 64, 256, "clamped_window", window_min=-30, window_max=40),
    float_add((6, 7), 64, 64, 256, "clamped_result", y_min=-20, y_max=70),
    float_add((6, 7), 64, 64, 256, "coarse", r_scale=1e8, y_scale=1e-3),
    float_add((6, 7), 64, 64, 256, "fine", r_scale=1e-12, y_scale=1e-12),
    *(float_add((6, 7), 64, 64, 256, "_".join(kinds), sums=kinds) for kinds in _SUMS),
    float_add((9, 8), 128, 128, 128, "as_many", **_FLOAT_RELU),
]
FLOAT_LEFT = [
    float_add((9, 8), 5, 7, 9, "odd", window=6),
    float_add((9, 8), 64, 32, 128, "narrow", **_FLOAT_RELU),
    float_add((9, 8), 64, 64, 256, "dilated", dilations=[2, 2], pads=[2, 2, 2, 2]),
    float_add((9, 8), 64, 128, 256, "groups", group=32, **_FLOAT_RELU),
    float_add((9, 8), 32, 64, 64, "depthwise", group=64, **_FLOAT_RELU),
    float_add((9, 8), 64, 64, 256, "unpadded", pads=[0, 0, 0, 0]),
]
