"""The least time that a layer can take on a GPU, by the bytes that it moves and its operations."""

from collections.abc import Mapping
from typing import Any, NamedTuple


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


def with_floor(layer: Mapping[str, Any], rates: Rates | None) -> dict[str, Any]:
    """The layer with floor_us, of_floor, the share of the time that it could not do without, and lost_us.

    The time is that of the layer's plan where it was timed, else that of the profile, launch included: then
    the layer reaches at least this share. What is computed in float is held against int8 operations, too: the
    true floor lies higher. All is None where the rates are not known. A cache is faster than memory, so
    layers that are small enough can be below their floor.
    """
    absent = {"floor_us": None, "of_floor": None, "lost_us": None}
    if rates is None or not rates.bytes:
        return {**layer, **absent}
    floor = layer["bytes"] / rates.bytes
    if rates.operations and layer["operations"]:
        floor = max(floor, layer["operations"] / rates.operations)
    time = layer["microseconds"] or layer["us"]
    return {
        **layer,
        "floor_us": round(floor * 1e6, 3),
        "of_floor": round(floor * 1e6 / time, 4) if time else None,
        "lost_us": round(max(time - floor * 1e6, 0.0), 3),
    }


def order(layer: Mapping[str, Any]) -> tuple[float, float]:
    """A key for sorting: the most time lost first; without a floor the longest time."""
    return -(layer["lost_us"] or 0.0), -layer["us"]
