"""A new size starts from the plan of the nearest known one of the same layer."""

import testing


def conv(n: int, size: int = 28, k: int = 64) -> testing.ConvProblem:
    fields = {"n": n, "h": size, "w": size, "p": size, "q": size, "c": 64, "k": k}
    return testing.ConvProblem(
        **fields, x_stride_n=size * size * 64, x_stride_h=size * 64, x_stride_w=64, x_stride_c=1
    )


def matmul(m: int) -> testing.MatMulProblem:
    return testing.MatMulProblem(m=m, k=1024, c=1024, x_stride=1024)


def test_the_nearest_batch() -> None:
    known = [(conv(n), f"of {n}", True) for n in (1, 8, 64)]
    nearest = {n: testing.nearest_plan(conv(n), known) for n in (1, 2, 4, 16, 32, 256)}
    assert nearest == {1: "of 1", 2: "of 1", 4: "of 8", 16: "of 8", 32: "of 64", 256: "of 64"}
    assert testing.nearest_plan(matmul(100), [(matmul(64), "a", True), (matmul(512), "b", True)]) == "a"


def test_another_layers_plan_is_none() -> None:
    assert testing.nearest_plan(conv(2), [(conv(1, k=128), "other", True), (matmul(1), "other", True)]) == ""
    assert testing.nearest_plan(conv(2), []) == ""


def test_another_batch_is_nearer_than_another_image() -> None:
    known = [(conv(1, 56), "of images as large together", True), (conv(64), "of the batch", True)]
    assert testing.nearest_plan(conv(4), known) == "of the batch"
    assert testing.nearest_plan(conv(4), known[:1]) == "of images as large together"


def test_blocks() -> None:
    def block(n: int, size: int = 14, **given: int) -> testing.BlockProblem:
        return testing.BlockProblem(n=n, h=size, w=size, c=64, m=64, k=256, **given)

    known = [(block(8, 7), "of images as small", True), (block(64), "of the batch", True)]
    assert testing.nearest_plan(block(2), known) == "of the batch"
    assert testing.nearest_plan(block(2), known[:1]) == "of images as small"
    assert testing.nearest_plan(block(2, stride=2), known) == ""
    assert testing.nearest_plan(block(2, adds=1), known) == ""
    assert testing.nearest_plan(block(2, adds=2), known) == ""


def test_a_guess_is_worth_less_than_a_tuned_plan() -> None:
    known = [(conv(2), "guessed", False), (conv(64), "tuned", True)]
    assert testing.nearest_plan(conv(4), known) == "tuned"
    assert testing.nearest_plan(conv(4), known[:1]) == "guessed"


def test_the_first_of_equals() -> None:
    known = [(conv(4), "newest", True), (conv(4), "older", True)]
    assert testing.nearest_plan(conv(4), known) == "newest"
