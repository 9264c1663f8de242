"""Results of convolutions that leave the island: `[N, P, Q, Kp]` -> `[N, K, P, Q]` or `[N, K, Q]`"""

import numpy as np

from qudnn.converter.island.emitter import Emitter
from qudnn.converter.island.layout import padded, unpadded
from qudnn.converter.island.port import Tensor
from qudnn.converter.lowering.layout.rows import AXES


def channels_first(emitter: Emitter, y: Tensor, rank: int, channels: int) -> Tensor:
    """The first channels of y, transposed to where ONNX has them.

    rank: 4, or 3 where the image is a row.
    """
    if rank == 3:
        y = emitter.standard("Squeeze", y, unpadded(3), AXES)
    if channels != padded(channels):
        bounds = {"start": 0, "end": channels, "axis": -1}
        constants = {what: np.array([number], np.int64) for what, number in bounds.items()}
        y = emitter.standard("Slice", y, unpadded(rank), constants)
    return emitter.standard("Transpose", y, unpadded(rank), perm=[0, rank - 1, *range(1, rank - 1)])
