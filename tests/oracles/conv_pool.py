"""QConvMaxPool, from the oracles of its halves."""

from collections.abc import Sequence
from typing import Any

from oracles.arithmetic import Array
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
