"""QGroupNormalization: of images, groups of any size; of each pixel."""

from typing import Any

import numpy as np

from cases.builder import seed_of
from cases.op import OpCase


def normalization(
    label: str, size: tuple[int, ...], groups: int, each: int, padded: int | None = None, /, **given: Any
) -> OpCase:
    """Of images `[N, *size, padded]`, with `groups` groups of `each` channels; pixels: of each by itself."""
    channels = groups * each
    padded = channels if padded is None else padded
    rank = 2 + len(size)
    of_pixels = given.pop("pixels", False)
    attributes = {
        "channels": channels,
        "pads": [0] * (2 * rank - 1) + [padded - channels],
        "view": [-1, 1, groups, each] if of_pixels else [0, -1, groups, each],
        "centered": 1,
        "x_scale": 0.0371,
        "x_zero_point": 5,
        "y_scale": 0.0213,
        "y_zero_point": -7,
        "epsilon": 1e-5,
        **given,
    }
    label = f"{label}_{groups}x{each}of{padded}"
    rng = np.random.default_rng(seed_of(label))
    gamma, beta = (rng.normal(mean, 0.5, channels).astype(np.float32) for mean in (1, 0))
    x = {"x": ("int8", (*size, padded))}
    return OpCase("QGroupNormalization", label, x, attributes, {"gamma": gamma, "beta": beta}, y_rank=rank)


CASES = [
    normalization("instance", (9, 8), 20, 1, 32),
    normalization("instance", (33, 31), 64, 1),
    normalization("instance", (3, 4, 5), 7, 1, 16),
    normalization("instance_large", (130, 129), 3, 1, 16),
    normalization("vector", (), 4, 8),
    normalization("groups", (9, 8), 2, 10, 32),
    normalization("groups", (17, 16), 32, 4),
    normalization("groups", (7, 5), 4, 33, 144),
    normalization("groups", (6,), 5, 3),
    normalization("one_group", (11, 13), 1, 96),
    normalization("one_channel", (11, 13), 1, 1, 16),
    normalization("wide", (2,), 2, 3000),
    normalization("rows", (37,), 1, 768, pixels=True, centered=0),
    normalization("rows", (50,), 1, 197, 208, pixels=True, centered=0),
    normalization("rows", (3,), 1, 8192, pixels=True, centered=0),
    normalization("rows_centered", (7, 9), 1, 20, 32, pixels=True),
    normalization("rows_in_groups", (7, 9), 4, 5, 32, pixels=True),
    normalization("few", (40,), 1, 3, 16, pixels=True, centered=0),
    normalization("extreme", (9, 8), 16, 1, x_zero_point=-128, y_zero_point=127),
    normalization("other_extreme", (9, 8), 16, 1, x_zero_point=127, y_zero_point=-128),
    normalization("coarse", (9, 8), 16, 1, y_scale=1.5),
    normalization("infinite", (9, 8), 16, 1, x_scale=1e38),
    normalization("fine", (9, 8), 16, 1, x_scale=1e-40, epsilon=1e-12),
    normalization("no_epsilon", (1, 1), 16, 1, epsilon=0.0),
    *(normalization(f"scale{scale}", (9, 8), 16, 1, y_scale=scale) for scale in (1e-40, 1e-30, 1e30, 3e38)),
]
