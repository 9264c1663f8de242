"""Problems in slices of their batch: nothing lost, nothing too large, nothing unaligned."""

import random
from typing import Any

import pytest
import testing

LIMIT = 2**31 - 1


def conv(n: int, h: int, w: int, c: int, k: int, pads: int = 0, **fields: int) -> testing.ConvProblem:
    """A 3x3 convolution of stride 1."""
    strides = {"x_stride_n": h * w * c, "x_stride_h": w * c, "x_stride_w": c, "x_stride_c": 1}
    sides = dict.fromkeys(("pad_top", "pad_left", "pad_bottom", "pad_right"), pads)
    p, q = h + 2 * pads - 2, w + 2 * pads - 2
    return testing.ConvProblem(n=n, h=h, w=w, c=c, k=k, r=3, s=3, p=p, q=q, **strides, **sides, **fields)


def conv3d(n: int, d: int, side: int, c: int, k: int, pads: int = 0) -> testing.ConvProblem:
    """A 3x3x3 convolution of stride 1 over a volume of d x side x side, with padding of the slices."""
    sides = dict.fromkeys(("pad_top", "pad_left", "pad_bottom", "pad_right"), pads)
    z, p = d - 2, side + 2 * pads - 2
    return testing.ConvProblem(n=n, d=d, h=side, w=side, c=c, k=k, t=3, r=3, s=3, z=z, p=p, q=p, **sides)


def fields(problem: Any) -> dict[str, int]:
    pairs = str(problem).split(" ")[1:]
    return {name: int(value) for name, value in (pair.split("=") for pair in pairs)}


def sizes(problem: Any) -> tuple[int, int, int]:
    """Items of the batch; bytes of x and y for each."""
    f = fields(problem)
    result = 1 if f["y_type"] == 3 else 4
    if "m" in f and "depthwise" not in f:
        return f["m"], f["x_stride"], f["k"] * result
    if "depthwise" in f:
        p, q = (-(-f[side] // f["stride"]) for side in "hw")
        return f["n"], f["h"] * f["w"] * f["c"], p * q * f["k"]
    if "d" in f:
        return f["n"], f["d"] * f["h"] * f["w"] * f["c"], f["z"] * f["p"] * f["q"] * f["k"] * result
    rows, columns = f["y_pad_top"] + f["p"] + f["y_pad_bottom"], f["y_pad_left"] + f["q"] + f["y_pad_right"]
    return f["n"], f["x_stride_n"], rows * columns * f["k"] * result


def check(problem: Any, most: int) -> list[Any]:
    count, x_item, y_item = sizes(problem)
    slices = testing.split(problem, most)
    done = 0
    alignment = fields(problem)["alignment"]
    for part, x_offset, y_offset in slices:
        n, x, y = sizes(part)
        assert (x, y) == (x_item, y_item)
        assert (x_offset, y_offset) == (done * x, done * y)
        # The same work but for the batch and what is known of the pointers.
        batch = "n" if "n" in fields(part) else "m"
        changed = {name for name, value in fields(part).items() if value != fields(problem)[name]}
        assert changed <= {batch, "alignment"}
        own = fields(part)["alignment"]
        assert own <= alignment
        assert x_offset % own == y_offset % own == 0
        assert n == 1 or not testing.too_large(part, most)
        done += n
    assert done == count
    # All but the last are one problem: one plan does for them.
    assert len({str(part) for part, _, _ in slices[:-1]}) <= 1
    return slices


@pytest.mark.parametrize(
    ("problem", "count"),
    [
        (conv(520, 512, 512, 16, 16, pads=1), 2),
        (conv(2000, 512, 512, 16, 16, pads=1), 4),
        (conv(515, 258, 258, 16, 64), 2),
        (conv(3, 40000, 40000, 1, 1), 3),
        (conv(515, 258, 258, 16, 64, y_pad_top=500), 3),
        (conv3d(100, 32, 224, 16, 64), 5),
        (conv3d(30, 66, 200, 4, 32, pads=1), 2),
        (testing.MatMulProblem(m=2**22 + 5, c=512, x_stride=512, k=16), 2),
        (testing.MatMulProblem(m=2**22 + 5, c=32, x_stride=32, k=528), 2),
        (testing.MatMulProblem(m=2**22 + 5, c=32, x_stride=32, k=132, y_type=1), 2),
        (conv(515, 258, 258, 16, 64, y_type=6), 5),
        (testing.MatMulProblem(m=3, c=2**30, x_stride=2**30, k=16), 3),
        (testing.BlockProblem(n=1000, h=224, w=224, c=64, m=16, k=16), 2),
        (testing.BlockProblem(n=1000, h=224, w=224, c=16, m=16, k=192, stride=2), 2),
        (testing.BlockProblem(n=1000, h=224, w=224, c=16, m=64, k=16), 2),
    ],
    ids=str,
)
def test_too_large_for_32_bits(problem: Any, count: int) -> None:
    assert testing.too_large(problem, LIMIT)
    assert len(check(problem, LIMIT)) == count


def test_padding_counts() -> None:
    # cuDNN may get the input with its padding in it.
    bare = testing.ConvProblem(n=2, h=4, w=4, c=16, k=16, p=4, q=4, x_stride_n=256)
    assert not testing.too_large(bare, 512)
    assert testing.too_large(conv(2, 4, 4, 16, 16, pads=1), 512)
    assert not testing.too_large(conv3d(1, 4, 4, 16, 16), 1024)
    assert testing.too_large(conv3d(1, 4, 4, 16, 16, pads=1), 1024)


def test_what_fits_is_one_slice() -> None:
    problem = conv(8, 9, 9, 16, 16)
    assert not testing.too_large(problem, LIMIT)
    assert [(str(part), x, y) for part, x, y in testing.split(problem, LIMIT)] == [(str(problem), 0, 0)]


def test_batches_of_products_stay_whole() -> None:
    # Their engines count with 64 bits.
    problem = testing.BatchMatMulProblem(batch_0=2**16, m=2**10, n=2**10, k=64, width=2**10)
    assert not testing.too_large(problem, LIMIT)
    assert testing.split(problem, LIMIT) == [(problem, 0, 0)]


def test_an_image_that_is_too_large_by_itself_stays_whole() -> None:
    slices = check(conv(2, 50_000, 50_000, 16, 16), LIMIT)
    assert len(slices) == 2
    assert all(testing.too_large(part, LIMIT) for part, _, _ in slices)


def test_any_sizes() -> None:
    rng = random.Random(0)

    def side() -> int:
        return rng.choice((1, 3, 7, 16, 17, 32))

    for _ in range(500):
        y_pads = {f"y_pad_{name}": rng.randrange(3) for name in ("top", "left", "bottom", "right")}
        problem: Any = conv(
            rng.randrange(1, 100), side() + 2, side() + 2, side(), side(), rng.randrange(3), **y_pads
        )
        if rng.random() < 0.5:
            c = side()
            types = {"y_type": rng.choice((1, 3, 6))}
            problem = testing.MatMulProblem(m=rng.randrange(1, 1000), c=c, x_stride=c, k=side(), **types)
        elif rng.random() < 0.5:
            problem = conv3d(rng.randrange(1, 100), side() + 2, side() + 2, side(), side(), rng.randrange(3))
        check(problem, rng.choice((100, 1000, 30_000)))
