"""The least time that a layer can take on a GPU, by the bytes that it moves and its operations."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

_FEW = 3  # layers that were timed apart, of which a median says something
_LEAST = 1.0  # microseconds that a kernel takes


class Rates(NamedTuple):
    """What a GPU does at best, each a second, by its properties; 0 where it is not known.

    operations: of int8 tensor cores, dense. bytes: to and from its memory.
    """

    operations: float
    bytes: float

    def document(self) -> dict[str, Any]:
        return {
            "operations_per_second": self.operations,
            "bytes_per_second": self.bytes,
            "source": "the GPU's properties: multiprocessors, clocks and bus of its memory",
        }


def launch_microseconds(layers: Sequence[Mapping[str, Any]]) -> float | None:
    """What a layer's time in the profile has beside its kernels: the median of those that were timed apart.

    None where there are too few of these.
    """
    beside = [layer["us"] - layer["microseconds"] for layer in layers if layer["microseconds"]]
    return max(statistics.median(beside), 0.0) if len(beside) >= _FEW else None


def with_floor(layer: Mapping[str, Any], rates: Rates | None, launch: float | None) -> dict[str, Any]:
    """The layer with kernel_us, kernel_is, floor_us, of_floor and lost_us.

    kernel_us: of its plan where that was timed ("timed"), else that of the profile without what launches take
    ("estimated"), None where that is not known or nothing much is left. of_floor: the floor's share of it, or
    else of the profile's time, which has the launch: the layer reaches at least this share. lost_us: what is
    beyond the floor. launch: see launch_microseconds.

    What is computed in float is held against int8 operations, too: the true floor lies higher. All of the
    floor is None where the rates are not known. A cache is faster than memory: layers that are small enough
    can be below their floor.
    """
    kernel, how = layer["microseconds"] or None, "timed"
    if kernel is None:
        left = layer["us"] - launch if launch is not None and rates is not None else 0.0
        kernel, how = (round(left, 2), "estimated") if left >= _LEAST else (None, "")
    found = {**layer, "kernel_us": kernel, "kernel_is": how if kernel else ""}
    if rates is None or not rates.bytes:
        return {**found, "floor_us": None, "of_floor": None, "lost_us": None}
    floor = layer["bytes"] / rates.bytes
    if rates.operations and layer["operations"]:
        floor = max(floor, layer["operations"] / rates.operations)
    time = kernel or layer["us"]
    return {
        **found,
        "floor_us": round(floor * 1e6, 3),
        "of_floor": round(floor * 1e6 / time, 4) if time else None,
        "lost_us": round(max(time - floor * 1e6, 0.0), 3),
    }


def order(layer: Mapping[str, Any]) -> tuple[float, float]:
    """A key for sorting: the most time lost first; without a floor the longest time."""
    return -(layer["lost_us"] or 0.0), -layer["us"]
