"""Cases of QSqueezeExcitation: what the kernel takes, and what runs as several."""

from typing import Any

import numpy as np

from cases.builder import Array, integers, seed_of
from cases.op import INT8, NAMES, UINT8, OpCase, weights

# Of one sixteenth of a quantum each: many products are ties but for their roundings.
_PRODUCT = {"a_scale": 1.0, "b_scale": 0.5, "y_scale": 48.0}
_ZERO_POINTS = {UINT8: (125, 3, 118), INT8: (5, -117, -7)}  # of a, b and y
_SILU = np.arange(-128, 128) * 0.05


def _table(kind: str, name: str) -> Array:
    """identity, a function like SiLU, or random numbers."""
    if kind == "identity":
        return np.arange(-128, 128).astype(np.int8)
    if kind == "silu":
        quantized = np.rint(_SILU / (1 + np.exp(-_SILU)) / 0.03) - 110
        table: Array = np.clip(quantized, -128, 127).astype(np.int8)
        return table
    return integers(np.random.default_rng(seed_of(name) + 7), "int8", (256,))


def squeeze_excitation(
    size: tuple[int, int],
    c: int,
    k: int,
    label: str = "",
    *,
    sums: str = "random",
    tables: tuple[str, str] = ("silu", "random"),
    dtype: int = UINT8,
    **attributes: Any,
) -> OpCase:
    """QSqueezeExcitation of images of that size; sums and weights as in cases.op.conv."""
    given = {
        "x_scale": 0.0371,
        "x_zero_point": -3,
        "mean_scale": 0.0353,
        "mean_zero_point": 4,
        "squeezed_zero_point": -5,
        "squeezed_min": -128,
        "squeezed_max": 127,
        "excited_zero_point": 9,
        "excited_min": -128,
        "excited_max": 127,
        **_PRODUCT,
        **dict(zip(("a_zero_point", "b_zero_point", "y_zero_point"), _ZERO_POINTS[dtype], strict=True)),
        "dtype": dtype,
        **attributes,
    }
    name = "_".join(filter(None, [label, NAMES[dtype], f"{size[0]}x{size[1]}_c{c}_k{k}"]))
    constants: dict[str, Array] = {}
    for step, shape, kind in zip(("squeeze", "excite"), ((k, 1, 1, c), (c, 1, 1, k)), tables, strict=True):
        of_step = weights(f"{name}_{step}", shape, shape[-1], sums)
        constants |= {f"{each}_{step}": value for each, value in of_step.items()}
        constants[f"table_{step}"] = _table(kind, f"{name}_{step}")
    return OpCase("QSqueezeExcitation", name, {"x": ("int8", (*size, c))}, given, constants)


EFFICIENTNET = [
    squeeze_excitation((112, 112), 32, 16),
    squeeze_excitation((56, 56), 96, 16),
    squeeze_excitation((56, 56), 144, 16),
    squeeze_excitation((28, 28), 240, 16),
    squeeze_excitation((14, 14), 480, 32),
    squeeze_excitation((14, 14), 672, 32),
    squeeze_excitation((7, 7), 1152, 48),
]
TAKEN = [
    *EFFICIENTNET,
    squeeze_excitation((1, 1), 16, 16),
    squeeze_excitation((1, 3), 48, 16),
    squeeze_excitation((5, 7), 80, 96),
    squeeze_excitation((13, 11), 272, 80),
    squeeze_excitation((9, 8), 560, 16),
    squeeze_excitation((3, 5), 2064, 32, "many_channels"),
    squeeze_excitation((4, 4), 3712, 928, "regnet"),
    squeeze_excitation((47, 53), 16, 32, "one_vector"),
    squeeze_excitation((112, 112), 144, 16, "large"),  # more than shared memory holds
    squeeze_excitation((150, 150), 16, 16, "many_pixels"),
    squeeze_excitation((9, 8), 96, 32, dtype=INT8),
    squeeze_excitation((28, 28), 64, 16, "identity", tables=("identity", "identity"), dtype=INT8),
    squeeze_excitation((14, 14), 96, 32, "one_table", tables=("silu", "identity")),
    squeeze_excitation((14, 14), 96, 32, "other_table", tables=("identity", "random")),
    squeeze_excitation((9, 8), 64, 32, "wrapping", sums="wrapping"),
    squeeze_excitation((9, 8), 64, 32, "extreme", sums="extreme"),
    squeeze_excitation((7, 9), 64, 32, "relu", squeezed_zero_point=-128, tables=("identity", "random")),
    squeeze_excitation(
        (7, 9), 64, 32, "clamped", squeezed_min=-20, squeezed_max=70, excited_min=-90, excited_max=100
    ),
    squeeze_excitation((7, 9), 64, 32, "offset", x_zero_point=-128, mean_zero_point=-128, mean_scale=0.06),
    squeeze_excitation((7, 9), 64, 32, "steep", mean_scale=1e-5, y_scale=4.0),
    squeeze_excitation((7, 9), 64, 32, "extremes", a_zero_point=0, b_zero_point=255, y_zero_point=255),
    squeeze_excitation(
        (7, 9), 64, 32, "lowest", dtype=INT8, a_zero_point=-128, b_zero_point=127, y_zero_point=-128
    ),
    squeeze_excitation((7, 9), 64, 32, "negative", y_scale=-48.0),
]
LEFT = [
    squeeze_excitation((9, 8), 24, 8, "channels"),
    squeeze_excitation((9, 8), 5, 3, "odd"),
    squeeze_excitation((9, 8), 64, 32, "large_products", y_scale=0.01),
    squeeze_excitation((9, 8), 64, 32, "infinite", a_scale=1e30, y_scale=1e-30),
]
