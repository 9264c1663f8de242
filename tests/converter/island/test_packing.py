"""Packing and what undoes it; what comes out has the alignment that the kernels rely on."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qudnn.converter.errors import Refusal
from qudnn.converter.island.layout import padded
from qudnn.converter.island.packing import (
    centered,
    fold_zero_point,
    pack_conv,
    pack_matmul,
    split_beyond_int8,
    unpack_conv,
    unpack_matmul,
)


def weights(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(sum(shape)).integers(-128, 128, shape, np.int8)


@pytest.mark.parametrize(
    ("channels", "outputs", "group", "packed_group"),
    [
        pytest.param(3, 5, 1, 1, id="dense"),
        pytest.param(32, 64, 2, 2, id="groups as they are"),
        pytest.param(24, 24, 24, 32, id="depthwise with empty groups after"),
        pytest.param(32, 64, 32, 32, id="depthwise with two outputs per channel"),
        pytest.param(24, 48, 24, 1, id="depthwise whose outputs cannot be padded group by group"),
        pytest.param(32, 32, 8, 2, id="groups of 4, merged by fours"),
        pytest.param(24, 24, 6, 2, id="groups of 4, empty ones after, merged by fours"),
        pytest.param(48, 96, 2, 1, id="groups of 24, merged by twos"),
        pytest.param(6, 4, 2, 1, id="groups of 3, dense"),
        pytest.param(32, 6, 2, 1, id="groups of 16 with 3 outputs, dense"),
    ],
)
def test_conv(channels: int, outputs: int, group: int, packed_group: int) -> None:
    w = weights((outputs, channels // group, 3, 2))
    packed = pack_conv(w, group)
    assert packed.group == packed_group
    assert packed.weight.dtype == np.int8
    assert packed.weight.shape == (padded(outputs), 3, 2, padded(channels) // packed_group)
    assert np.array_equal(unpack_conv(packed, channels, outputs, group), w)
    # All that it holds besides the weights is zero.
    assert np.abs(packed.weight.astype(int)).sum() == np.abs(w.astype(int)).sum()


@given(
    group=st.integers(1, 40),
    channels=st.integers(1, 20),
    outputs=st.integers(1, 20),
    size=st.integers(1, 2),
)
def test_any_conv(group: int, channels: int, outputs: int, size: int) -> None:
    w = weights((outputs * group, channels, size, size))
    packed = pack_conv(w, group)
    k, *_, c_per_group = packed.weight.shape
    assert (k, c_per_group * packed.group) == (padded(outputs * group), padded(channels * group))
    assert k % packed.group == 0
    assert c_per_group % 16 == 0 or (c_per_group == 1 and channels == 1)
    assert np.array_equal(unpack_conv(packed, channels * group, outputs * group, group), w)


@given(channels=st.integers(1, 70), outputs=st.integers(1, 70))
def test_matmul(channels: int, outputs: int) -> None:
    w = weights((channels, outputs))
    packed = pack_matmul(w)
    assert packed.shape == (padded(outputs), padded(channels))
    assert np.array_equal(unpack_matmul(packed, channels, outputs), w)
    assert np.abs(packed.astype(int)).sum() == np.abs(w.astype(int)).sum()


def test_centered() -> None:
    w = np.array([[100, 255], [3, 130]], np.uint8)
    zero_points = np.array([[128], [3]], np.uint8)
    assert centered(w, zero_points).tolist() == [[-28, 127], [0, 127]]
    with pytest.raises(Refusal, match="range from 0 to 252, beyond int8"):
        centered(w, np.array(3, np.uint8))


@pytest.mark.parametrize("x_zero_point", [-128, 0, 127])
def test_fold_zero_point_wraps(x_zero_point: int) -> None:
    w = np.full((4, 7, 3, 3), 127, np.int8)
    bias = np.array([2**31 - 1, -(2**31), 5, -6], np.int32)
    exact = [int(b) - x_zero_point * int(v.astype(int).sum()) for b, v in zip(bias, w, strict=True)]
    wrapped = [(value + 2**31) % 2**32 - 2**31 for value in exact]
    folded = fold_zero_point(bias, w, x_zero_point)
    assert folded.dtype == np.int32
    assert folded.tolist() == wrapped
    assert x_zero_point == 0 or exact != wrapped


@pytest.mark.parametrize("group", [1, 2, 4])
@pytest.mark.parametrize("zero_points", [[0], [128], [143], [255], [3, 140, 250, 128]])
def test_split_beyond_int8(group: int, zero_points: list[int]) -> None:
    weight = np.random.default_rng(0).integers(0, 255, (4, 3, 2, 2), np.uint8, endpoint=True)
    zero_point = np.array(zero_points, np.uint8).reshape(-1, 1, 1, 1)
    split = split_beyond_int8(weight, zero_point, group)
    assert split.weight.dtype == np.int8
    assert len(split.channels) == group * split.weight.shape[1]
    joined = np.zeros(weight.shape, np.int32)
    for k, part in enumerate(split.weight):
        first = k // (4 // group)
        channels = split.channels[first * len(part) : (first + 1) * len(part)]
        for channel, values in zip(channels, part, strict=True):
            assert channel // 3 == first
            joined[k, channel % 3] += values
    np.testing.assert_array_equal(joined, weight.astype(np.int32) - zero_point)


def test_split_repeats_only_the_channels_that_need_it() -> None:
    weight = np.full((2, 5), 128, np.uint8)
    assert split_beyond_int8(weight, np.array(128, np.uint8)).channels == [0, 1, 2, 3, 4]
    weight[1, 3] = 0
    split = split_beyond_int8(weight, np.array(129, np.uint8))
    assert split.channels == [0, 1, 2, 3, 4, 3]
    assert split.weight[:, 5].tolist() == [0, -1]


@pytest.mark.parametrize("zero_point", [np.array([3e38], np.float32), np.array([1], np.uint8)])
@pytest.mark.parametrize("centre", [centered, split_beyond_int8])
def test_a_zero_point_has_the_type_of_its_weights(
    centre: Callable[[np.ndarray, np.ndarray], object], zero_point: np.ndarray
) -> None:
    """Of a number that no int32 holds, splitting weights would take years."""
    with pytest.raises(Refusal, match=f"weights are int8, but their zero points {zero_point.dtype}"):
        centre(weights((4, 3)), zero_point)
    centre(weights((4, 3)) // 2, np.array([1], np.int8))
