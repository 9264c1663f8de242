"""float32 arithmetic, one rounding at a time."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def wrap(values: Array) -> Array:
    """int64 sums as int32 ones that overflowed."""
    return values.astype(np.uint64).astype(np.uint32).view(np.int32)


def requantize(acc: Array, multiplier: Any, zero_point: int, low: int = -128, high: int = 127) -> Array:
    """int32 -> int8: `saturate(rint(float(acc) * multiplier) + zero_point)`, then into [low, high]."""
    r = acc.astype(np.float32) * np.float32(multiplier)
    r = np.clip(r, np.float32(-128 - zero_point), np.float32(127 - zero_point))
    y: Array = np.clip(np.rint(r).astype(np.int32) + zero_point, low, high)
    return y.astype(np.int8)


def fma(a: Any, b: Any, c: Any) -> Array:
    """`a * b + c` of float32 with one rounding.

    The product is exact in float64. The sum is rounded to odd there, which keeps what the second
    rounding, to float32, needs to know of the lost bits.
    """
    product = np.float64(a) * np.float64(b)
    addend = np.float64(c)
    total = np.asarray(product + addend)
    back = total - product
    error = (product - (total - back)) + (addend - back)
    even = total.view(np.int64) % 2 == 0
    return np.where((error != 0) & even, np.nextafter(total, np.copysign(np.inf, error)), total).astype(
        np.float32
    )


def padded(y: Array, y_pads: Sequence[int], zero_point: int) -> Array:
    """y with y_pads, in ONNX Pad's form, around it; a single 0 for none."""
    if not any(y_pads):
        return y
    around = list(zip(y_pads[: y.ndim], y_pads[y.ndim :], strict=True))
    return np.pad(y, around, constant_values=zero_point)
