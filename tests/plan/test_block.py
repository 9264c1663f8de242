"""The problem of a residual block: its convolutions as three problems, and three as one."""

import random
from typing import Any

import pytest
import testing

FLAGS = ("depthwise", "pads_with_value", "clamps_first", "clamps_window", "clamps_above", "adds")
AROUND = dict.fromkeys(("pad_top", "pad_left", "pad_bottom", "pad_right"), 1)


def block(**given: int) -> testing.BlockProblem:
    return testing.BlockProblem(**{"n": 2, "h": 9, "w": 8, "c": 64, "m": 32, "k": 96, **given})


def conv(**given: int) -> testing.ConvProblem:
    """Dense."""
    h, w, c = given["h"], given["w"], given["c"]
    strides = {"x_stride_n": h * w * c, "x_stride_h": w * c, "x_stride_w": c, "x_stride_c": 1}
    return testing.ConvProblem(**strides, **given)


def fields(problem: Any) -> dict[str, int]:
    pairs = str(problem).split(" ")[1:]
    return {name: int(value) for name, value in (pair.split("=") for pair in pairs)}


def changed(problem: testing.ConvProblem, **given: int) -> testing.ConvProblem:
    return testing.ConvProblem(**{**fields(problem), **given})


def test_three_convolutions() -> None:
    size = {"n": 2, "h": 9, "w": 8, "p": 9, "q": 8}
    assert testing.steps_of(block(clamps_first=1, clamps_window=1, clamps_above=1, adds=1)) == [
        conv(**size, c=64, k=32, clamps_above=1),
        conv(**size, c=32, k=32, r=3, s=3, **AROUND, clamps_above=1),
        conv(**size, c=32, k=96, clamps_above=1, adds=1),
    ]


def test_strides_and_windows_over_each_channel() -> None:
    first, window, last = testing.steps_of(block(stride=2, depthwise=1, pads_with_value=1, alignment=4))
    assert first == conv(n=2, h=9, w=8, p=9, q=8, c=64, k=32, alignment=4)
    strided = {"n": 2, "h": 9, "w": 8, "p": 5, "q": 4, "stride_h": 2, "stride_w": 2, "group": 32}
    assert window == conv(**strided, c=32, k=32, r=3, s=3, **AROUND, pads_with_value=1, alignment=4)
    assert last == conv(n=2, h=5, w=4, p=5, q=4, c=32, k=96, alignment=4)


def test_the_first_writes_the_padding() -> None:
    first, window, _ = testing.steps_of(block(stride=2, pads_with_value=1, first_pads=1))
    padded = {f"y_{side}": 1 for side in AROUND}
    assert first == conv(n=2, h=9, w=8, p=9, q=8, c=64, k=32, **padded)
    assert window == conv(n=2, h=11, w=10, p=5, q=4, c=32, k=32, r=3, s=3, stride_h=2, stride_w=2)


def test_work_is_that_of_the_convolutions() -> None:
    for given in ({}, {"stride": 2}, {"depthwise": 1}, {"depthwise": 1, "stride": 3, "h": 1}):
        problem = block(**given)
        steps = testing.steps_of(problem)
        assert problem.multiplications() == sum(step.multiplications() for step in steps)


def test_back_and_forth() -> None:
    rng = random.Random(0)
    for _ in range(300):
        sizes = {name: rng.randrange(1, 40) for name in "nhwck"} | {"m": rng.randrange(2, 40)}
        flags = {name: rng.randrange(2) for name in FLAGS}
        flags["first_pads"] = flags["pads_with_value"] * rng.randrange(2)
        problem = block(**sizes, **flags, stride=rng.randrange(1, 4), alignment=rng.choice((1, 4, 16)))
        assert testing.block_of(testing.steps_of(problem)) == (problem, "")


@pytest.mark.parametrize(
    ("step", "given", "why"),
    [
        (1, {"stride_h": 2, "p": 5}, "two strides that differ"),
        (1, {"dilation_w": 2, "q": 6}, "dilations"),
        (1, {"r": 5, "p": 7}, "a window other than 3 x 3"),
        (1, {"k": 64}, "a window that changes the number of channels"),
        (1, {"group": 4}, "groups"),
        (1, {"pad_left": 0, "q": 7}, "a padding other than 1"),
        (0, {"y_pad_left": 1}, "a padding other than 1"),
    ],
    ids=lambda value: str(value),
)
def test_other_convolutions_are_none(step: int, given: dict[str, int], why: str) -> None:
    steps = testing.steps_of(block())
    steps[step] = changed(steps[step], **given)
    assert testing.block_of(steps) == (None, why)
