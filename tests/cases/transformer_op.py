"""Single ops of the domain qudnn that transformers are made of, with any attributes; see cases.op."""

from typing import Any

import numpy as np

from cases.builder import seed_of
from cases.op import OpCase

ALL = 2**63 - 1  # as channels: however many there are


def layer_normalization(
    label: str, rows: tuple[int, ...], channels: int, padded: int | None = None, /, **attributes: Any
) -> OpCase:
    """QLayerNormalization over the first of `padded` channels."""
    padded = channels if padded is None else padded
    rank = 2 + len(rows)
    given = {
        "channels": channels,
        "pads": [0] * (2 * rank - 1) + [padded - channels],
        "x_scale": 0.0371,
        "x_zero_point": 5,
        "y_scale": 0.0213,
        "y_zero_point": -7,
        "epsilon": 1e-5,
        **attributes,
    }
    label = f"{label}_{channels}of{padded}"
    rng = np.random.default_rng(seed_of(label))
    gamma, beta = (rng.normal(mean, 0.5, channels).astype(np.float32) for mean in (1, 0))
    x = {"x": ("int8", (*rows, padded))}
    return OpCase("QLayerNormalization", label, x, given, {"gamma": gamma, "beta": beta}, y_rank=rank)


LAYER_NORMALIZATIONS = [
    layer_normalization("base", (37,), 768),
    layer_normalization("large", (5,), 1024, x_zero_point=-128, y_zero_point=127),
    layer_normalization("matrix", (), 768),
    layer_normalization("image", (7, 9), 96, x_scale=1 / 3, epsilon=1e-12),
    layer_normalization("wide", (3,), 8192),
    layer_normalization("tail", (50,), 1001, 1008),
    layer_normalization("all", (50,), 197, channels=ALL),
    layer_normalization("padding", (9,), 20, 64),
    *(layer_normalization("tail", (9,), channels, 32) for channels in range(16, 24)),
    *(layer_normalization("odd", (9, 3), channels) for channels in (9, 13, 15, 31, 135)),
    *(layer_normalization("few", (40,), channels, 16) for channels in range(1, 9)),
    layer_normalization("coarse", (9,), 64, y_scale=1.5),
    # Quotients that overflow or vanish.
    *(layer_normalization(f"scale{scale}", (9,), 64, y_scale=scale) for scale in (1e-40, 1e-30, 1e30, 3e38)),
    layer_normalization("infinite", (9,), 64, x_scale=1e38),
    layer_normalization("fine", (9,), 64, x_scale=1e-40, epsilon=1e-12),
]
