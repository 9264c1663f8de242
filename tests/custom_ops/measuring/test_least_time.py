"""Floors of layers, by hand."""

from typing import Any

import pytest

from qudnn.custom_ops.measuring.least_time import Rates, order, with_floor

H200 = Rates(1979e12, 4.8e12)


def layer(us: float, plan_us: float, moved: int, operations: int | None) -> dict[str, Any]:
    return {"us": us, "microseconds": plan_us, "bytes": moved, "operations": operations}


@pytest.mark.parametrize(
    ("given", "floor", "share", "lost"),
    [
        (layer(20, 4.0, 4_800_000, 10**6), 1.0, 0.25, 3.0),  # bound by memory; its plan was timed
        (layer(20, 4.0, 4_800, 1979 * 10**6), 1.0, 0.25, 3.0),  # by operations
        (layer(20, 0.0, 48_000_000, None), 10.0, 0.5, 10.0),  # by what is known, of the profile's time
        (layer(20, 0.5, 4_800_000, 0), 1.0, 2.0, 0.0),  # out of a cache
    ],
)
def test_the_floor(given: dict[str, Any], floor: float, share: float, lost: float) -> None:
    found = with_floor(given, H200)
    assert (found["floor_us"], found["of_floor"], found["lost_us"]) == (floor, share, lost)
    assert found.items() >= given.items()


@pytest.mark.parametrize("rates", [None, Rates(0, 0)])
def test_without_rates(rates: Rates | None) -> None:
    found = with_floor(layer(20, 4.0, 100, 100), rates)
    assert (found["floor_us"], found["of_floor"], found["lost_us"]) == (None, None, None)


def test_a_generation_that_is_not_known_is_bound_by_its_memory() -> None:
    assert with_floor(layer(20, 4.0, 4_800_000, 10**12), Rates(0, 4.8e12))["floor_us"] == 1.0


def test_the_most_time_lost_comes_first() -> None:
    rows = [layer(9, 4.0, 4_800_000, 0), layer(9, 8.0, 4_800_000, 0), layer(9, 1.0, 4_800_000, 0)]
    found = sorted((with_floor(row, H200) for row in rows), key=order)
    assert [row["microseconds"] for row in found] == [8.0, 4.0, 1.0]
    found = sorted((with_floor(layer(us, 0.0, 1, 0), None) for us in (1, 3, 2)), key=order)
    assert [row["us"] for row in found] == [3, 2, 1]
