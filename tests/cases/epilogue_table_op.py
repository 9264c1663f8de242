"""Cases of QConvTable and QMatMulTable: of each kernel that looks up, and of those that do not."""

from typing import Any

import numpy as np

from cases.builder import Array, seed_of
from cases.op import OpCase, conv, matmul

_AROUND = [0, 1, 1, 0, 0, 1, 1, 0]
_UNEVEN = [0, 0, 3, 0, 0, 2, 1, 0]


def _with_table(case: OpCase, op: str, kind: str, **attributes: Any) -> OpCase:
    label = "_".join(filter(None, [case.label, kind]))
    constants = {**case.constants, "table": _table(label, kind)}
    return OpCase(op, label, case.tensors, {**case.attributes, **attributes}, constants, y_rank=case.y_rank)


def _table(label: str, kind: str) -> Array:
    """Of all values in any order, or a constant, or SiLU over [-8, 8]."""
    if kind == "constant":
        return np.full(256, 77, np.int8)
    if kind == "silu":
        real = np.arange(-128, 128) / 16
        values: Array = np.rint(real / (1 + np.exp(-real)) * 15 - 124).clip(-128, 127)
    else:
        values = np.random.default_rng(seed_of(label)).permutation(256) - 128
    return values.astype(np.int8)


def conv_table(label: str = "", *, kind: str = "", table_zero_point: int = -9, **given: Any) -> OpCase:
    """QConvTable, as conv; padding around y is of neither the convolution's zero point nor its entry."""
    attributes = {"table_zero_point": table_zero_point} if "y_pads" in given else {}
    return _with_table(conv(label, **given), "QConvTable", kind, **attributes)


def matmul_table(label: str = "", *, kind: str = "", **given: Any) -> OpCase:
    """QMatMulTable, as matmul."""
    return _with_table(matmul(label, **given), "QMatMulTable", kind)


def _depthwise(label: str, side: int, stride: int, c: int, **given: Any) -> OpCase:
    pads = [side // 2] * 4
    return conv_table(
        label, c=c, k=c, group=c, kernel=(side, side), strides=[stride] * 2, pads=pads, size=(19, 23), **given
    )


CONVS = [
    conv_table("plain"),
    conv_table("silu", kind="silu", pads=[1, 1, 1, 1], x_zero_point=-128),
    conv_table("constant", kind="constant", kernel=(1, 1)),
    *(
        _depthwise("depthwise", side, stride, c, x_zero_point=zero)
        for side, stride, c, zero in (
            (3, 1, 32, -128),
            (3, 2, 96, 5),
            (5, 1, 144, -128),
            (5, 2, 240, 127),
            (3, 1, 24, 0),
            (5, 1, 40, -7),
        )
    ),
    _depthwise("depthwise_clamp", 3, 1, 64, x_zero_point=9, y_min=-10, y_max=20),
    _depthwise("depthwise_padded", 3, 1, 64, x_zero_point=-128, y_zero_point=-128, y_pads=_AROUND),
    _depthwise("depthwise_wrapping", 3, 1, 64, sums="wrapping"),
    conv_table("pointwise", c=64, k=96, kernel=(1, 1), size=(30, 40)),
    conv_table("pointwise", c=96, k=24, kernel=(1, 1), size=(30, 40), y_zero_point=-128),
    conv_table("pointwise", c=32, k=16, kernel=(1, 1), size=(300, 300), kind="silu"),
    conv_table("pointwise_deep", c=1152, k=320, kernel=(1, 1), size=(7, 7)),
    conv_table("pointwise_strided", c=48, k=272, kernel=(1, 1), size=(19, 23), strides=[2, 2]),
    conv_table("pointwise_clamp", c=64, k=64, kernel=(1, 1), size=(19, 23), y_zero_point=-128, y_max=50),
    conv_table("pointwise_padded", c=64, k=64, kernel=(1, 1), size=(56, 56), y_zero_point=3, y_pads=_AROUND),
    conv_table("pointwise_padded", c=96, k=272, kernel=(1, 1), size=(19, 23), y_zero_point=7, y_pads=_UNEVEN),
    conv_table("window", c=64, k=64, size=(19, 23), pads=[1, 1, 1, 1], x_zero_point=-128),
    conv_table("window", c=128, k=160, size=(14, 14), pads=[1, 1, 1, 1], x_zero_point=5, kind="silu"),
    conv_table("window_strided", c=64, k=128, size=(19, 23), pads=[1, 1, 1, 1], strides=[2, 2]),
    conv_table("window_padded", c=64, k=64, pads=[1, 1, 1, 1], x_zero_point=-128, y_pads=_UNEVEN),
    conv_table("window_clamp", c=64, k=64, pads=[1, 1, 1, 1], y_min=-100, y_max=90),
    conv_table("window_odd_k", c=64, k=40, pads=[1, 1, 1, 1], x_zero_point=-128),
    conv_table("dilated", c=32, k=64, dilations=[2, 3], pads=[2, 3, 2, 3], x_zero_point=-7),
    conv_table("stem", c=4, k=32, size=(33, 70), pads=[0, 0, 1, 1], strides=[2, 2], x_zero_point=-128),
    conv_table("stem_padded", c=4, k=48, size=(33, 18), pads=[1] * 4, x_zero_point=-9, y_pads=_UNEVEN),
    conv_table("grouped", c=64, k=64, group=4, pads=[1, 1, 1, 1], x_zero_point=-3),
    conv_table("smallgroups", c=32, k=32, group=8, x_zero_point=4, y_pads=_UNEVEN),
    conv_table("odd", c=5, k=7, pads=[1, 1, 1, 1], x_zero_point=3),
    conv_table("odd_padded", c=5, k=7, y_pads=_UNEVEN),
    conv_table("pixel", kernel=(1, 1), size=(1, 1), c=96, k=16),
    conv_table("whole", c=64, k=64, kernel=(9, 8)),
    conv_table("wrapping", sums="wrapping", c=64, k=64, kernel=(1, 1), size=(40, 40)),
    conv_table("wrapping", sums="wrapping", c=64, k=64, x_zero_point=77, pads=[1, 1, 1, 1]),
    conv_table("ties", sums="ties", c=16, k=256, kernel=(1, 1)),
    conv_table("extreme", sums="extreme", c=32, k=64, kernel=(1, 1), size=(40, 40)),
]

MATMULS = [
    matmul_table(),
    matmul_table("silu", kind="silu", c=64, k=256, rows=(197,)),
    matmul_table("constant", kind="constant", rows=(5,)),
    matmul_table("bert", c=768, k=3072, rows=(128,)),
    matmul_table("vit", c=768, k=3072, rows=(197,), y_zero_point=-20),
    matmul_table("rows", c=96, k=384, rows=(3, 37)),
    matmul_table("token", c=768, k=3072),
    matmul_table("clamp", c=64, k=64, rows=(70,), y_min=-10, y_max=20),
    matmul_table("low", y_zero_point=-128, rows=(7,)),
    matmul_table("odd", c=5, k=7, rows=(3,)),
    matmul_table("odd", c=30, k=58, rows=(90,)),
    matmul_table("words", c=64, k=100, rows=(70,)),
    matmul_table("odd", c=1, k=1),
    matmul_table("wrapping", sums="wrapping", c=64, k=272, rows=(80,)),
    matmul_table("ties", sums="ties", c=16, k=256, rows=(70,)),
    matmul_table("extreme", sums="extreme", k=256, rows=(40,)),
]
