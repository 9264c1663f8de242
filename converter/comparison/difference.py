"""How two arrays differ."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Difference:
    """elements: how many differ, of so many. largest: by how much at most; infinite where one is no number.

    place: of the first one; got, want: what is there. mismatch: of type or shape, in which case there is
    nothing else to say; empty otherwise.
    """

    elements: int = 0
    total: int = 0
    largest: float = 0.0
    place: tuple[int, ...] = ()
    got: str = ""
    want: str = ""
    mismatch: str = ""

    def __str__(self) -> str:
        if self.mismatch:
            return self.mismatch
        largest = f"{self.largest:.6g}"
        return (
            f"{self.elements} of {self.total} differ, by {largest} at most; the first at "
            f"{list(self.place)}: {self.got} for {self.want}"
        )

    def document(self) -> dict[str, Any]:
        """As what JSON can hold."""
        return {**vars(self), "place": list(self.place), "largest": str(self.largest)}


def difference(got: Array, want: Array, tolerance: float = 0.0) -> Difference | None:
    """How `got` differs from `want`; None where it does not.

    tolerance: differences that large do not count. With 0 bits are compared: 0.0 and -0.0 differ, and two
    values that are no number do not if their bits are the same.
    """
    if got.dtype != want.dtype:
        return Difference(mismatch=f"its type is {got.dtype}, not {want.dtype}")
    if got.shape != want.shape:
        return Difference(mismatch=f"its shape is {list(got.shape)}, not {list(want.shape)}")
    if want.dtype == object:  # strings
        differs = np.asarray(got != want)
    else:
        bits = np.dtype(f"u{want.dtype.itemsize}") if want.dtype.itemsize in (1, 2, 4, 8) else want.dtype
        differs = np.ascontiguousarray(got).view(bits) != np.ascontiguousarray(want).view(bits)
    distances = _distances(got, want, differs)
    if tolerance:
        differs &= ~(distances <= tolerance)
    if not differs.any():
        return None
    first = tuple(int(index) for index in np.argwhere(differs)[0])
    return Difference(
        elements=int(differs.sum()),
        total=want.size,
        largest=float(distances[differs].max()),
        place=first,
        got=str(got[first]),
        want=str(want[first]),
    )


def _distances(got: Array, want: Array, differs: Array) -> Array:
    """By how much elements differ, 0 where they do not."""
    if want.dtype == object:
        return np.where(differs, np.inf, 0.0)
    wide = np.complex128 if want.dtype.kind == "c" else np.float64
    with np.errstate(invalid="ignore", over="ignore"):
        distances = np.abs(got.astype(wide) - want.astype(wide))
    distances = np.where(np.isnan(distances), np.inf, distances)
    return np.where(differs, distances, 0.0)
