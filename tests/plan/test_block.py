"""The problem of a residual block, and the three of its convolutions."""

import testing

AROUND = dict.fromkeys(("pad_top", "pad_left", "pad_bottom", "pad_right"), 1)


def block(**given: int) -> testing.BlockProblem:
    return testing.BlockProblem(**{"n": 2, "h": 9, "w": 8, "c": 64, "m": 32, "k": 96, **given})


def conv(**given: int) -> testing.ConvProblem:
    """Dense."""
    h, w, c = given["h"], given["w"], given["c"]
    strides = {"x_stride_n": h * w * c, "x_stride_h": w * c, "x_stride_w": c, "x_stride_c": 1}
    return testing.ConvProblem(**strides, **given)


def test_three_convolutions() -> None:
    size = {"n": 2, "h": 9, "w": 8, "p": 9, "q": 8}
    assert testing.steps_of(block(clamps_first=1, clamps_window=1, clamps_above=1, adds=1)) == [
        conv(**size, c=64, k=32, clamps_above=1),
        conv(**size, c=32, k=32, r=3, s=3, **AROUND, clamps_above=1),
        conv(**size, c=32, k=96, clamps_above=1, adds=1),
    ]


def test_the_last_adds() -> None:
    for adds in range(3):
        first, window, last = testing.steps_of(block(adds=adds))
        assert last == conv(n=2, h=9, w=8, p=9, q=8, c=32, k=96, adds=adds)
        assert [str(step).count(" adds=0 ") for step in (first, window)] == [1, 1]


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
