"""The least time of a problem on a GPU."""

import pytest
import testing

# Data sheet of the H200 SXM: 1,979 int8 TOPS at 1.83 GHz, 4.8 TB/s.
H200 = (9, 0, 132, 1.83e9, 3.2e9, 6144)
UNKNOWN = (13, 0, 100, 1e9, 1e9, 4096)


def matmul(m: int, k: int, c: int) -> testing.MatMulProblem:
    return testing.MatMulProblem(m=m, k=k, c=c, x_stride=c)


def test_operations() -> None:
    floor = testing.floor_microseconds(matmul(8192, 8192, 8192), H200, cached=False)
    assert floor == pytest.approx(2 * 8192**3 / 1979e12 * 1e6, rel=0.01)


@pytest.mark.parametrize("cached", [False, True])
def test_bytes(cached: bool) -> None:
    problem = matmul(2**20, 64, 64)
    floor = testing.floor_microseconds(problem, H200, cached=cached)
    bytes_per_second = 4.915e12 * (3 if cached else 1)
    assert floor == pytest.approx((2 * 2**20 * 64 + 64 * 64) / bytes_per_second * 1e6, rel=0.01)


def test_weights_count() -> None:
    """A matmul of one row reads little else."""
    floor = testing.floor_microseconds(matmul(1, 16384, 16384), H200, cached=False)
    assert floor == pytest.approx(16384**2 / 4.915e12 * 1e6, rel=0.01)
    fields = {"n": 1, "h": 8, "w": 8, "p": 6, "q": 6, "r": 3, "s": 3, "c": 4096, "k": 4096}
    conv = testing.ConvProblem(
        **fields, x_stride_n=8 * 8 * 4096, x_stride_h=8 * 4096, x_stride_w=4096, x_stride_c=1
    )
    floor = testing.floor_microseconds(conv, H200, cached=False)
    moved = 9 * 4096**2 + 8 * 8 * 4096 + 6 * 6 * 4096
    assert floor == pytest.approx(moved / 4.915e12 * 1e6, rel=0.01)


def test_what_is_between_the_steps_of_a_block_does_not_count() -> None:
    block = testing.BlockProblem(n=64, h=56, w=56, c=16, m=512, k=16, adds=1, depthwise=1)
    floor = testing.floor_microseconds(block, UNKNOWN, cached=False)
    moved = 3 * 64 * 56 * 56 * 16 + 512 * (16 + 9 + 16)
    assert floor == pytest.approx(moved / 1.024e12 * 1e6, rel=0.01)


def test_a_launch() -> None:
    assert testing.floor_microseconds(matmul(1, 16, 16), H200, cached=True) == 2


def test_a_gpu_that_came_later() -> None:
    """Only its memory is known: the floor is lower than the true one, and less is left out."""
    assert testing.floor_microseconds(matmul(8192, 8192, 8192), UNKNOWN, cached=False) == pytest.approx(
        3 * 8192**2 / 1.024e12 * 1e6, rel=0.01
    )
