"""The epilogue of a convolution: what to add to the sums and what to multiply them by."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import Quantization
from qudnn.converter.island.packing import Float32Array, Int8Array, Int32Array, fold_zero_point
from qudnn.converter.lowering.matmul_result import Added, InFloat, Requantized, multiplier


def bias_and_multiplier(
    bias: NDArray[Any] | None,
    weight: Int8Array,
    x: Quantization,
    weight_scales: Float32Array,
    result: Requantized | InFloat | Added,
) -> tuple[Int32Array, Float32Array]:
    """bias `[K]` (int32 or None) and weight `[K, ...]`, less its zero point, -> bias and multiplier `[K]`.

    multiplier[k] = (x_scale * w_scale[k]) / y_scale       each step rounded to float32; see multiplier()
    """
    k = weight.shape[0]
    if bias is None:
        bias = np.zeros(k, np.int32)
    if bias.dtype != np.int32 or bias.shape != (k,):
        raise Refusal(f"its bias is {bias.dtype} {list(bias.shape)}, not int32 [{k}]")
    if weight_scales.size not in (1, k):
        raise Refusal(f"it has {weight_scales.size} weight scales for {k} output channels")
    scales = np.broadcast_to(weight_scales, (k,))
    x_scales = np.full(1, x.scale)
    return fold_zero_point(bias, weight, x.island_zero_point), multiplier(1.0, x_scales, scales, result)
