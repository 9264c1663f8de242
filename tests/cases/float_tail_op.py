"""FloatGlobalAveragePool, FloatMaxPool, FloatAveragePool, FloatPointwise: sizes, activations, windows."""

from typing import Any

import numpy as np

from cases.builder import Array, seed_of
from cases.op import OpCase

INFINITE = {"low": float("-inf"), "high": float("inf")}
RELU, CLIP = {"low": 0.0, "high": float("inf")}, {"low": -0.5, "high": 1.25}


class FloatTailCase(OpCase):
    """Of operands without NaN."""

    def inputs(self, batch: int = 2) -> dict[str, Array]:
        rng = np.random.default_rng(seed_of(self.id))
        return {
            name: rng.normal(0, 2, (batch, *shape)).astype(np.float32)
            for name, (_, shape) in self.tensors.items()
        }


def _mean(
    label: str, h: int, w: int, c: int, silu: int = 0, bounds: dict[str, float] = INFINITE
) -> FloatTailCase:
    attributes = {**bounds, "silu": silu}
    x = {"x": ("float32", (h, w, c))}
    return FloatTailCase("FloatGlobalAveragePool", f"{label}_{h}x{w}_{c}", x, attributes, y_dtype="float32")


def _maximum(label: str, h: int, w: int, c: int, **given: Any) -> FloatTailCase:
    attributes = {
        "kernel_shape": [3, 3],
        "pads": [1, 1, 1, 1],
        "strides": [2, 2],
        "dilations": [1, 1],
        "ceil_mode": 0,
        **INFINITE,
        **given,
    }
    x = {"x": ("float32", (h, w, c))}
    return FloatTailCase("FloatMaxPool", f"{label}_{h}x{w}_{c}", x, attributes, y_dtype="float32")


def _windows(label: str, h: int, w: int, c: int, **given: Any) -> FloatTailCase:
    attributes = {
        "kernel_shape": [3, 3],
        "pads": [1, 1, 1, 1],
        "strides": [2, 2],
        "ceil_mode": 0,
        "count_include_pad": 0,
        **INFINITE,
        "silu": 0,
        **given,
    }
    x = {"x": ("float32", (h, w, c))}
    return FloatTailCase("FloatAveragePool", f"{label}_{h}x{w}_{c}", x, attributes, y_dtype="float32")


def _pointwise(
    label: str, c: int, k: int, ones: int = 2, silu: int = 0, bounds: dict[str, float] = INFINITE
) -> FloatTailCase:
    name = f"{label}_c{c}_k{k}_rank{2 + ones}"
    rng = np.random.default_rng(seed_of(name))
    constants = {
        "w": rng.normal(0, 1 / np.sqrt(c), (k, c, *[1] * ones)).astype(np.float32),
        "bias": rng.normal(0, 1, k).astype(np.float32),
    }
    x = {"x": ("float32", (c, *[1] * ones))}
    attributes = {**bounds, "silu": silu}
    return FloatTailCase("FloatPointwise", name, x, attributes, constants, y_dtype="float32", y_rank=2 + ones)


POOLS = [
    *(_mean("relu", *size, 32, bounds=RELU) for size in ((8, 8), (7, 7), (1, 1), (1, 3), (15, 17), (56, 56))),
    *(_mean("clip", 7, 9, c, bounds=CLIP) for c in (1, 3, 31, 33, 100, 1280)),
    *(_mean("silu", 7, 9, c, silu=1) for c in (5, 64)),
    _mean("plain", 9, 8, 48),
    *(_maximum("relu", 15, 17, c, **RELU) for c in (1, 3, 16, 33)),
    _maximum("plain", 8, 8, 20, kernel_shape=[2, 2], pads=[0] * 4),
    _maximum("ceil", 8, 9, 20, kernel_shape=[3, 2], pads=[1, 0, 0, 1], ceil_mode=1, **CLIP),
    _maximum("holes", 11, 12, 7, dilations=[2, 3], strides=[1, 2], **RELU),
]
AVERAGES = [
    *(_windows("relu", 15, 17, c, **RELU) for c in (1, 3, 33)),
    _windows("padding", 9, 8, 16, count_include_pad=1, strides=[1, 1], **CLIP),
    _windows("ceil", 11, 13, 7, ceil_mode=1, pads=[0, 1, 1, 0]),
    _windows("silu", 8, 8, 20, kernel_shape=[2, 2], pads=[0] * 4, silu=1),
    _windows("whole", 7, 7, 20, kernel_shape=[7, 7], pads=[0] * 4, strides=[1, 1]),
    _windows("apart", 12, 14, 5, kernel_shape=[5, 4], strides=[3, 3], pads=[1, 1, 0, 2]),
]
POINTWISE = [
    *(
        _pointwise("relu", c, k, bounds=RELU)
        for c, k in ((16, 4), (4, 16), (1, 1), (33, 7), (1152, 48), (48, 1152))
    ),
    *(_pointwise("silu", c, k, silu=1) for c, k in ((96, 4), (31, 33))),
    *(_pointwise("plain", 20, 24, ones) for ones in (1, 2, 3)),
    _pointwise("clip", 64, 64, bounds={"low": 0.0, "high": 6.0}),
]
