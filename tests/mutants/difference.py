"""Where results of two models differ."""

from typing import Any

import numpy as np


def differing(want: dict[str, Any], got: dict[str, Any]) -> set[str]:
    return {name for name in want if name not in got or difference(want[name], got[name])}


def difference(want: Any, got: Any) -> str:
    """Where two results differ, "" where they do not. Any NaN is as good as another."""
    if not isinstance(want, np.ndarray) or want.dtype.kind not in "fiub":
        return "" if repr(want) == repr(got) else "others"
    if (want.dtype, want.shape) != (got.dtype, got.shape):
        return f"{got.dtype} {got.shape} for {want.dtype} {want.shape}"
    bits = np.dtype(f"u{want.dtype.itemsize}")
    different = want.view(bits) != got.view(bits)
    if want.dtype.kind == "f":
        different &= ~(np.isnan(want) & np.isnan(got))
    count = int(different.sum())
    return f"{count} of {want.size}, such as {got[different][0]} for {want[different][0]}" if count else ""
