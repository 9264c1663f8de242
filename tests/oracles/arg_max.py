"""ArgMaxFromIsland."""

import numpy as np

from oracles.arithmetic import Array


def arg_max_from_island(x: Array, *, channels: int, sign: int, select_last_index: int) -> Array:
    """int8 `[..., Cp]` -> int64 `[...]`: the place of the greatest, or of the least."""
    kept = x[..., :channels].astype(np.int32) * sign
    places: Array = kept[..., ::-1].argmax(axis=-1) if select_last_index else kept.argmax(axis=-1)
    return kept.shape[-1] - 1 - places if select_last_index else places
