"""QMaxPool3D and QAveragePool3D by themselves, and networks with pools of volumes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx

from cases.builder import MICROSOFT, Array, GraphBuilder, seed_of
from cases.op import INT8, NAMES, UINT8, OpCase

_AROUND = [1] * 6


def max_pool(label: str, *, size: tuple[int, int, int] = (5, 7, 6), c: int = 16, **given: Any) -> OpCase:
    """QMaxPool3D."""
    attributes = {
        "kernel_shape": [3, 3, 3],
        "pads": [0] * 6,
        "strides": [1, 1, 1],
        "dilations": [1, 1, 1],
        "ceil_mode": 0,
        **given,
    }
    return OpCase("QMaxPool3D", label, {"x": ("int8", (*size, c))}, attributes, y_rank=5)


def average_pool(label: str, *, size: tuple[int, int, int] = (5, 7, 6), c: int = 16, **given: Any) -> OpCase:
    """QAveragePool3D."""
    dtype = given.get("dtype", UINT8)
    attributes = {
        "kernel_shape": [3, 3, 3],
        "pads": [0] * 6,
        "strides": [1, 1, 1],
        "ceil_mode": 0,
        "count_include_pad": 0,
        "x_scale": 0.0371,
        "x_zero_point": 121 if dtype == UINT8 else 7,
        "y_scale": 0.0153,
        "y_zero_point": 113 if dtype == UINT8 else -13,
        "dtype": dtype,
        **given,
    }
    label = f"{NAMES[dtype]}_{label}"
    return OpCase("QAveragePool3D", label, {"x": ("int8", (*size, c))}, attributes, y_rank=5)


MAX_POOLS = [
    max_pool("plain"),
    max_pool("halved", kernel_shape=[2, 2, 2], strides=[2, 2, 2], c=48, size=(6, 8, 10)),
    max_pool("slices", kernel_shape=[1, 3, 3], strides=[1, 2, 2], pads=[0, 1, 1] * 2, c=64, size=(4, 14, 15)),
    max_pool("depth", kernel_shape=[3, 1, 1], strides=[2, 1, 1], pads=[1, 0, 0] * 2),
    max_pool("pads", pads=[2, 0, 1, 1, 2, 0], strides=[1, 2, 3]),
    max_pool("dilated", dilations=[2, 1, 3], pads=[2, 1, 2] * 2, strides=[2, 1, 1]),
    max_pool("ceil", strides=[2, 2, 2], ceil_mode=1, size=(6, 7, 8)),
    max_pool("ceil_pads", kernel_shape=[2, 2, 2], strides=[3, 3, 3], pads=[0, 0, 0, 1, 1, 1], ceil_mode=1),
    max_pool("odd", c=5, kernel_shape=[2, 3, 1], pads=[1, 2, 0, 0, 1, 0]),
    max_pool("whole", kernel_shape=[5, 7, 6], c=33),
    max_pool("one", c=1, size=(3, 3, 3)),
    max_pool("large", c=64, size=(16, 28, 30), strides=[2, 2, 2], pads=_AROUND),
]

AVERAGE_POOLS = [
    average_pool("plain"),
    average_pool("plain", dtype=INT8),
    average_pool("around", c=48, pads=_AROUND),
    average_pool("counted", c=48, pads=_AROUND, count_include_pad=1, dtype=INT8),
    average_pool("halved", kernel_shape=[2, 2, 2], strides=[2, 2, 2], c=64, size=(6, 8, 10)),
    average_pool("slices", kernel_shape=[1, 2, 3], pads=[0, 0, 1] * 2, strides=[1, 2, 1]),
    average_pool("depth", kernel_shape=[3, 1, 1], pads=[2, 0, 0, 1, 0, 0], count_include_pad=1),
    average_pool("uneven", kernel_shape=[3, 5, 2], pads=[2, 4, 1, 0, 2, 0], strides=[1, 2, 3], c=32),
    average_pool("ceil", strides=[2, 2, 2], ceil_mode=1, dtype=INT8, size=(6, 7, 8)),
    average_pool(
        "ceil_pads", kernel_shape=[2, 2, 2], strides=[3, 3, 3], pads=[0, 0, 0, 1, 1, 1], ceil_mode=1
    ),
    average_pool(
        "ceil_counted", strides=[2, 2, 2], pads=_AROUND, ceil_mode=1, count_include_pad=1, dtype=INT8
    ),
    average_pool("whole", kernel_shape=[5, 7, 6]),
    average_pool("odd", c=5, pads=[1, 0, 2, 0, 1, 1]),
    average_pool("one", c=1, size=(3, 3, 3)),
    average_pool("coarse", y_scale=0.9, dtype=INT8),
    average_pool("beyond", y_scale=1e-38),
    average_pool("large", c=64, size=(16, 28, 30), strides=[2, 2, 2], pads=_AROUND),
]


@dataclass(frozen=True)
class VolumePoolCase:
    """QLinearConv 1x1x1 -> MaxPool -> QLinearAveragePool -> QLinearGlobalAveragePool, all of volumes."""

    dtype: str = "uint8"
    c: int = 24
    size: tuple[int, int, int] = (7, 9, 8)

    @property
    def id(self) -> str:
        """Such as uint8_c24_7x9x8."""
        return f"{self.dtype}_c{self.c}_{'x'.join(map(str, self.size))}"

    def model(self, opset: int = 13) -> onnx.ModelProto:
        """x `[N, C, D, H, W]` -> y `[N, C, 1, 1, 1]`."""
        g = GraphBuilder()
        x = g.input("x", self.dtype, ["N", self.c, *self.size])
        x_parameters = g.parameters("x", 0.0371, 3, self.dtype)
        weights = np.eye(self.c, dtype=np.int8).reshape(self.c, self.c, 1, 1, 1)
        w = [g.constant("w", weights, "int8"), g.constant("w_scale", 1.0, "float32")]
        w.append(g.constant("w_zero_point", 0, "int8"))
        t = g.node("QLinearConv", [x, *x_parameters, *w, *x_parameters], "t")
        window: dict[str, Any] = {"kernel_shape": [2, 3, 3], "strides": [1, 2, 1], "pads": [1, 1, 0, 0, 1, 1]}
        highest = g.node("MaxPool", [t], "highest", **window)
        mean = g.parameters("mean", 0.0211, 9, self.dtype)
        window = {"kernel_shape": [3, 2, 2], "strides": [2, 1, 2], "pads": [1, 0, 1, 1, 1, 0], "ceil_mode": 1}
        g.node("QLinearAveragePool", [highest, *x_parameters, *mean], "mean", MICROSOFT, **window)
        y = g.parameters("y", 0.0175, 5, self.dtype)
        g.node("QLinearGlobalAveragePool", ["mean", *mean, *y], "y", MICROSOFT)
        g.output("y", self.dtype, ["N", self.c, "d", "h", "w"])
        return g.model(opset)

    def inputs(self, batch: int = 2) -> dict[str, Array]:
        """x about a center that each channel of each volume has to itself, so that means differ."""
        rng = np.random.default_rng(seed_of(self.id))
        bounds = np.iinfo(self.dtype)
        center = rng.integers(bounds.min, bounds.max, (batch, self.c, 1, 1, 1), endpoint=True)
        noise = rng.integers(-60, 60, (batch, self.c, *self.size))
        return {"x": np.clip(center // 2 + noise, bounds.min, bounds.max).astype(self.dtype)}


NETWORKS = [VolumePoolCase(), VolumePoolCase("int8", 5, (4, 11, 6)), VolumePoolCase("int8", 16)]
