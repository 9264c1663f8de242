"""The constant operand of a matmul or convolution, as the lowering takes it."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qudnn.converter.analysis.geometry import Geometry


class Weights(NamedTuple):
    """values: of 8 bits. scales: float32; they and the zero points are `[1]` or `[outputs]`."""

    values: NDArray[Any]
    scales: NDArray[np.float32]
    zero_points: NDArray[Any]


class Filters(NamedTuple):
    """The weights of a convolution, `[K, C/group, kernel...]`, and how they move over its input."""

    weights: Weights
    window: Geometry
    group: int

    @property
    def outputs(self) -> int:
        return int(self.weights.values.shape[0])

    @property
    def channels(self) -> int:
        """Those of the input."""
        return int(self.weights.values.shape[1]) * self.group
