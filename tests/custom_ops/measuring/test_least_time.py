"""Floors of layers, by hand."""

from typing import Any

import pytest

from qudnn.custom_ops.measuring.least_time import Rates, launch_microseconds, order, with_floor

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
    found = with_floor(given, H200, None)
    assert (found["floor_us"], found["of_floor"], found["lost_us"]) == (floor, share, lost)
    assert found.items() >= given.items()


@pytest.mark.parametrize("rates", [None, Rates(0, 0)])
def test_without_rates(rates: Rates | None) -> None:
    found = with_floor(layer(20, 4.0, 100, 100), rates, 3.0)
    assert (found["floor_us"], found["of_floor"], found["lost_us"]) == (None, None, None)


def test_a_generation_that_is_not_known_is_bound_by_its_memory() -> None:
    assert with_floor(layer(20, 4.0, 4_800_000, 10**12), Rates(0, 4.8e12), None)["floor_us"] == 1.0


def test_the_most_time_lost_comes_first() -> None:
    rows = [layer(9, 4.0, 4_800_000, 0), layer(9, 8.0, 4_800_000, 0), layer(9, 1.0, 4_800_000, 0)]
    found = sorted((with_floor(row, H200, None) for row in rows), key=order)
    assert [row["microseconds"] for row in found] == [8.0, 4.0, 1.0]
    found = sorted((with_floor(layer(us, 0.0, 1, 0), None, None) for us in (1, 3, 2)), key=order)
    assert [row["us"] for row in found] == [3, 2, 1]


def test_what_launches_take_is_known_from_layers_that_were_timed_apart() -> None:
    timed = [layer(us, 4.0, 1, 0) for us in (14, 10, 30)]
    assert launch_microseconds(timed) == 10
    assert launch_microseconds([*timed[:2], layer(9, 0.0, 1, 0)]) is None
    assert launch_microseconds([layer(3, 4.0, 1, 0)] * 3) == 0  # cold caches, when it was tuned
    found = [with_floor(layer(us, 0.0, 4_800_000, 0), H200, 10) for us in (14, 10.5)]
    assert [(each["kernel_us"], each["kernel_is"]) for each in found] == [(4.0, "estimated"), (None, "")]
    assert [each["of_floor"] for each in found] == [0.25, round(1 / 10.5, 4)]
    (apart,) = {with_floor(row, H200, 10)["kernel_is"] for row in timed}
    assert apart == "timed"
