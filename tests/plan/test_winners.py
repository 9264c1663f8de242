"""The kernels that the tuner tries first are those that were measured to be the fastest."""

import json
from collections import Counter
from pathlib import Path

import pytest
import testing

MEASURED = Path(__file__).parents[2] / "benchmarks" / "results" / "winners" / "tuning-h200.json"


def test_they_are_those_of_the_benchmark() -> None:
    """All of cuDNN's kernels that won there, on a Hopper GPU, and no others."""
    results = json.loads(MEASURED.read_text())
    assert "H200" in json.dumps(results["machine"]) or "H200" in MEASURED.read_text()
    won = Counter(
        layer["plan"].split(" of ")[-1] for batch in results["gpu"].values() for layer in batch["layers"]
    )
    kernels = {plan: count for plan, count in won.items() if plan.startswith("cudnn_")}
    listed = testing.winners(9)
    assert len(kernels) > 10
    assert set(listed) == kernels.keys()
    counts = [kernels[name] for name in listed]
    assert counts == sorted(counts, reverse=True)


def convolution(
    batch: int, side: int, c: int, k: int, taps: int, stride: int, **more: int
) -> testing.ConvProblem:
    """One of ResNet-50, whose image is padded beforehand."""
    extent = (side - 1) * stride + taps
    fields = {
        **dict.fromkeys("hw", extent),
        **dict.fromkeys("pq", side),
        **dict.fromkeys("rs", taps),
        **dict.fromkeys(("stride_h", "stride_w"), stride),
        **dict(zip(("x_stride_n", "x_stride_h"), (extent * extent * c, extent * c), strict=True)),
    }
    return testing.ConvProblem(n=batch, c=c, k=k, x_stride_w=c, x_stride_c=1, **{**fields, **more})


# The fastest kernel of cuDNN 9.19 on an H200 with 132 multiprocessors, when all winners were tried.
@pytest.mark.parametrize(
    ("conv", "kernel"),
    [
        (convolution(1, 28, 128, 128, 3, 1), 55),
        (convolution(1, 7, 1024, 2048, 1, 2), 55),
        (convolution(8, 28, 128, 128, 3, 1), 9),
        (convolution(8, 28, 128, 128, 3, 2), 46),
        (convolution(8, 14, 512, 1024, 1, 2), 11),
        (convolution(64, 28, 128, 128, 3, 1), 0),
        (convolution(64, 14, 256, 256, 3, 1), 46),
        (convolution(64, 14, 256, 256, 3, 2), 9),
        (convolution(64, 7, 512, 512, 3, 1), 10),
    ],
)
def test_a_winner_is_among_the_likeliest(conv: testing.ConvProblem, kernel: int) -> None:
    """Of which the search tries four."""
    rank = testing.rank_of(f"cudnn_conv eng4_k24={kernel}", conv, 9, 132)
    assert rank is not None and rank < 4


def test_ranks_are_an_order_by_engine() -> None:
    conv = convolution(8, 28, 128, 128, 3, 1)
    for engine in ("cudnn_conv", "cudnn_matmul"):
        kernels = [name for name in testing.winners(9) if name.startswith(engine + " ")]
        assert {testing.rank_of(name, conv, 9, 132) for name in kernels} == set(range(len(kernels)))
    assert testing.rank_of("cudnn_conv eng4_k24=3", conv, 9, 132) is None
    assert testing.rank_of("cudnn_conv eng4_k24=55", conv, 8, 108) is None


def test_own_kernels_suffice_for_dense_products_of_images() -> None:
    product = convolution(8, 14, 256, 1024, 1, 1)
    assert testing.own_kernels_suffice(product, 9)
    assert not testing.own_kernels_suffice(product, 8)
    for other in (
        convolution(8, 14, 256, 256, 3, 1),
        convolution(8, 14, 256, 1024, 1, 2),
        convolution(8, 14, 4096, 1024, 1, 1),
        convolution(8, 14, 24, 1024, 1, 1),
        convolution(8, 14, 256, 1008, 1, 1),
        convolution(8, 14, 256, 1024, 1, 1, group=2),
        convolution(8, 14, 256, 1024, 1, 1, alignment=4),
    ):
        assert not testing.own_kernels_suffice(other, 9)


def test_nothing_is_known_of_other_generations() -> None:
    assert [testing.winners(major) for major in (7, 8, 10, 12)] == [[]] * 4
