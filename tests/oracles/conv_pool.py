"""QConvMaxPool and ConvMaxPoolToIsland, from the oracles of their parts."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from oracles.arithmetic import Array
from oracles.border import quantize_to_island
from oracles.conv import q_conv
from oracles.pool import q_max_pool


def q_conv_max_pool(
    x: Array,
    w: Array,
    bias: Array,
    multiplier: Array,
    *,
    kernel_shape: Sequence[int],
    pool_pads: Sequence[int],
    pool_strides: Sequence[int],
    y_pads: Sequence[int] = (0,),
    **attributes: Any,
) -> Array:
    """The largest rounded result of each window: the kernel takes the largest sum."""
    return q_max_pool(
        q_conv(x, w, bias, multiplier, **attributes),
        kernel_shape=kernel_shape,
        pads=pool_pads,
        strides=pool_strides,
        dilations=[1, 1],
        ceil_mode=0,
        y_zero_point=attributes["y_zero_point"],
        y_pads=y_pads,
    )


def conv_max_pool_to_island(
    x: Array, w: Array, bias: Array, multiplier: Array, *, x_scale: float, x_dtype: int = 1, **attributes: Any
) -> Array:
    """Of an image [N,3,H,W] in float32 or float16; x_dtype 10: rounded to float16."""
    if x_dtype == 10:
        with np.errstate(over="ignore"):
            x = x.astype(np.float16)
    entered = quantize_to_island(
        x.astype(np.float32),
        perm=[0, 2, 3, 1],
        pads=[0, 0, 0, 0, 0, 0, 0, 1],
        scale=x_scale,
        zero_point=attributes["x_zero_point"],
    )
    return q_conv_max_pool(entered, w, bias, multiplier, **attributes)
