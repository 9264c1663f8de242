"""Cases of QResizeTo and QFloatResizeTo, whose sizes are an input."""

from typing import Any

import numpy as np

from cases.op import INT8, NAMES, UINT8, OpCase
from cases.vision_op import COORDINATES


def resize_to(
    sizes: tuple[int, int],
    *,
    size: tuple[int, int] = (9, 8),
    c: int = 16,
    mode: str = "nearest",
    coordinates: str = "half_pixel",
    nearest: str = "round_prefer_floor",
    dtype: int = UINT8,
) -> OpCase:
    """QResizeTo images of these rows and columns."""
    attributes = {
        "mode": mode,
        "coordinate_transformation_mode": coordinates,
        "nearest_mode": nearest,
        "dtype": dtype,
    }
    name = f"{mode}_{coordinates}_{nearest if mode == 'nearest' else NAMES[dtype]}_{_label(size, sizes, c)}"
    return OpCase("QResizeTo", name, {"x": ("int8", (*size, c))}, attributes, _constants(sizes))


def float_resize_to(
    sizes: tuple[int, int],
    *,
    size: tuple[int, int] = (9, 8),
    c: int = 16,
    coordinates: str = "half_pixel",
    **quantization: Any,
) -> OpCase:
    """QFloatResizeTo images of these rows and columns."""
    attributes = {
        "coordinate_transformation_mode": coordinates,
        "x_scale": 0.0217,
        "x_zero_point": 7,
        "y_scale": 0.0193,
        "y_zero_point": -13,
        **quantization,
    }
    name = f"{coordinates}_{_label(size, sizes, c)}{'_ties' if quantization else ''}"
    return OpCase("QFloatResizeTo", name, {"x": ("int8", (*size, c))}, attributes, _constants(sizes))


def _label(size: tuple[int, int], sizes: tuple[int, int], c: int) -> str:
    return f"{size[0]}x{size[1]}_to_{sizes[0]}x{sizes[1]}_c{c}"


def _constants(sizes: tuple[int, int]) -> dict[str, np.ndarray[Any, Any]]:
    return {"sizes": np.array(sizes, np.int64)}


# Twice as many, others that are no multiples, fewer, columns alone, rows alone, as many.
SIZES = ((18, 16), (23, 13), (5, 3), (9, 27), (31, 8), (9, 8))
_TIES: dict[str, Any] = {"x_scale": 0.02, "y_scale": 0.02, "x_zero_point": -128, "y_zero_point": -128}

CASES = [
    *(
        resize_to(sizes, coordinates=coordinates, nearest=nearest, c=c)
        for coordinates in COORDINATES
        for nearest in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")
        for sizes, c in zip(SIZES, (16, 32, 5, 16, 48, 16), strict=True)
    ),
    *(
        resize_to(sizes, mode="linear", coordinates=coordinates, dtype=dtype, c=c)
        for coordinates in COORDINATES
        for dtype in (UINT8, INT8)
        for sizes, c in zip(SIZES, (32, 16, 5, 16, 48, 16), strict=True)
    ),
    *(
        float_resize_to(sizes, coordinates=coordinates, c=c)
        for coordinates in COORDINATES
        for sizes, c in zip(SIZES, (32, 16, 5, 16, 48, 16), strict=True)
        if sizes[0] != 9 or sizes[1] == 8
    ),
    *(float_resize_to(sizes, c=48, **_TIES) for sizes in SIZES[:3]),
    *(make((7, 5), size=(1, 1), c=21) for make in (resize_to, float_resize_to)),
    resize_to((7, 5), size=(1, 4), mode="linear", c=21),
    float_resize_to((128, 123), size=(16, 16), c=32),
]
