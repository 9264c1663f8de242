"""Cases of QChannelTableAdd: both orders, sums at which a rounding decides, any channels and rows."""

from typing import Any

import numpy as np

from cases.builder import Array, integers, seed_of
from cases.op import INT8, NAMES, UINT8, OpCase

_ZERO_POINTS = {UINT8: (125, 120, 118), INT8: (5, -7, 0)}  # of a, b and their sum
_NAMES = ("a_zero_point", "b_zero_point", "sum_zero_point")


def channel_table_add(
    label: str,
    shape: tuple[int, ...] = (9, 8, 48),
    *,
    dtype: int = UINT8,
    result_first: bool = True,
    scales: bool = False,
    **attributes: Any,
) -> OpCase:
    """QChannelTableAdd of [N, *shape]. scales: each channel's table is that of a layer scale, else random."""
    given = {"a_scale": 0.031, "b_scale": 0.027, "sum_scale": 0.041, "dtype": dtype}
    given |= dict(zip(_NAMES, _ZERO_POINTS[dtype], strict=True))
    given |= {**attributes, "result_first": int(result_first)}
    name = "_".join([label, NAMES[dtype], "ab" if result_first else "ba", f"c{shape[-1]}"])
    rng = np.random.default_rng(seed_of(name) + 2)
    table = _layer_scale(rng, shape[-1]) if scales else integers(rng, "int8", (shape[-1], 256))
    tensors = dict.fromkeys(("x", "residual"), ("int8", shape))
    return OpCase("QChannelTableAdd", name, tensors, given, {"table": table}, y_rank=1 + len(shape))


def _zeros(number: int) -> dict[str, Any]:
    return dict.fromkeys(_NAMES, number)


def _layer_scale(rng: np.random.Generator, channels: int) -> Array:
    """Products with a number of each channel's own, quantized again; some channels change sign."""
    factors = rng.normal(0, 1, (channels, 1))
    products: Array = np.rint((np.arange(-128, 128) - 9) * factors + 3).clip(-128, 127).astype(np.int8)
    return products


# Quarters, sixths and tenths: many sums are ties, but for the roundings before.
_TIES: dict[str, dict[str, Any]] = {
    "quarters": {"a_scale": 0.5, "b_scale": 0.25, "sum_scale": 0.5},
    "sixths": {"a_scale": 1.0, "b_scale": 2.0, "sum_scale": 6.0},
    "tenths": {"a_scale": 0.3, "b_scale": 0.7, "sum_scale": 1.0},
    "zeros": {"a_scale": 0.3, "b_scale": 0.7, "sum_scale": 1.0, **_zeros(3)},
}
TIES = [
    channel_table_add(label, dtype=dtype, result_first=first, **scales)
    for label, scales in _TIES.items()
    for dtype in (UINT8, INT8)
    for first in (True, False)
]

# Sums that may leave int32's range: they are added by themselves.
_HUGE: dict[str, dict[str, Any]] = {
    "huge": {"a_scale": 1e8, "b_scale": 1.0, "sum_scale": 1e-3},
    "infinite": {"a_scale": 3e38, "b_scale": 3e38, "sum_scale": 1.0},
    "no_scale": {"a_scale": 1.0, "b_scale": 1.0, "sum_scale": 1e-40},
}
HUGE = [
    channel_table_add(label, dtype=dtype, result_first=first, **scales)
    for label, scales in _HUGE.items()
    for dtype, first in ((UINT8, True), (INT8, False))
]

CHANNELS = [
    channel_table_add("channels", (9, 8, c), dtype=(UINT8, INT8)[i % 2], result_first=i % 3 > 0)
    for i, c in enumerate((16, 32, 48, 64, 80, 96, 112, 128, 144, 176, 192, 208, 272, 384, 768, 1536))
]
ODD_CHANNELS = [
    channel_table_add("channels", (9, 8, c), dtype=(UINT8, INT8)[i % 2], result_first=i % 3 > 0)
    for i, c in enumerate((1, 2, 3, 5, 12, 20, 33, 100))
]
# Of any number of rows: the batch's.
ROWS = [
    channel_table_add("rows", (c,), dtype=dtype, result_first=first, scales=True)
    for dtype, first, c in ((UINT8, True, 96), (INT8, False, 96), (UINT8, False, 208), (INT8, True, 768))
]
CONVNEXT = [
    channel_table_add("convnext", (side, side, c), result_first=first, scales=True)
    for side, c, first in ((56, 96, True), (28, 192, False), (14, 384, True), (7, 768, False))
]

CHANNEL_TABLE_ADDS = [
    *TIES,
    *HUGE,
    *CHANNELS,
    *ODD_CHANNELS,
    *CONVNEXT,
    channel_table_add("sequence", (30, 64), dtype=INT8),
    channel_table_add("volume", (3, 4, 5, 32), result_first=False),
    channel_table_add("none", (0, 48)),
    *(
        channel_table_add(f"zeros{zero}", dtype=dtype, **_zeros(zero))
        for dtype, zero in ((UINT8, 0), (UINT8, 255), (INT8, -128), (INT8, 127))
    ),
    channel_table_add("minute", a_scale=2e-30, b_scale=1e-30, sum_scale=3e-30),
    channel_table_add("denormal", a_scale=2e-41, b_scale=1e-41, sum_scale=3e-41, dtype=INT8),
    channel_table_add("negative", a_scale=-0.031, result_first=False),
    channel_table_add("large", a_scale=1e5, b_scale=3e4, dtype=INT8),  # in int32's range, beyond 2^22
]
# Tensors that caches do not hold are looked up in vectors of 16 channels; whole lines or not.
LARGE = [
    channel_table_add("image", (304, 304, 96), result_first=False, scales=True),
    channel_table_add("image", (250, 256, 144), dtype=INT8, scales=True),
    channel_table_add("image", (600, 600, 24), scales=True),
]
