"""How outputs change by quantization."""

from dataclasses import dataclass
from math import inf, log10
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass
class Change:
    """How an output changes over all samples.

    elements: how many there are. largest, total, noise and signal: the greatest error, the sum of errors,
    and of the squares of errors and of the float32 values. same_top, tops: where an output is [N, classes],
    in how many rows the greatest value is in the same place, and of how many.
    """

    name: str
    elements: int = 0
    largest: float = 0.0
    total: float = 0.0
    noise: float = 0.0
    signal: float = 0.0
    same_top: int = 0
    tops: int = 0

    def add(self, got: NDArray[Any], want: NDArray[Any]) -> None:
        """Count one sample: what the quantized model gives, and the float one."""
        exact = want.astype(np.float64)
        error = np.abs(got.astype(np.float64) - exact)
        self.elements += error.size
        self.largest = max(self.largest, float(error.max(initial=0.0)))
        self.total += float(error.sum())
        self.noise += float(np.square(error).sum())
        self.signal += float(np.square(exact).sum())
        if want.ndim == 2 and want.shape[1] > 1 and want.dtype.kind == "f":
            self.same_top += int((got.argmax(1) == want.argmax(1)).sum())
            self.tops += want.shape[0]

    @property
    def mean(self) -> float:
        return self.total / self.elements if self.elements else 0.0

    @property
    def sqnr(self) -> float:
        return decibels(self.signal, self.noise)

    def document(self) -> dict[str, Any]:
        """As what JSON can hold."""
        top = {"same_top": self.same_top, "of": self.tops} if self.tops else None
        return {
            "name": self.name,
            "max_error": self.largest,
            "mean_error": self.mean,
            "sqnr_db": finite(self.sqnr),
            "top_1": top,
        }


def decibels(signal: float, noise: float) -> float:
    """The signal-to-quantization-noise ratio, 10 log10(signal / noise); infinite without noise."""
    if not noise:
        return inf
    return 10 * log10(signal / noise) if signal else -inf


def finite(number: float | None) -> float | None:
    """For JSON, which has no infinity."""
    return number if number is not None and abs(number) < inf else None
