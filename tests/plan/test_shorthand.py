"""Problems as people write them: fields in any order, without those that follow from others."""

import pytest
import testing

from qudnn.custom_ops.native import read_problem

PADDED = {"pad_top": 1, "pad_left": 1, "pad_bottom": 1, "pad_right": 1}


def words(**fields: int) -> str:
    return " ".join(f"{name}={value}" for name, value in fields.items())


def test_a_convolution() -> None:
    given = {
        "w": 9,
        "h": 10,
        "c": 16,
        "n": 2,
        "k": 32,
        "r": 3,
        "s": 3,
        "stride_h": 2,
        "stride_w": 2,
        **PADDED,
    }
    problem = testing.ConvProblem(
        **given, p=5, q=5, x_stride_n=10 * 9 * 16, x_stride_h=9 * 16, x_stride_w=16, x_stride_c=1
    )
    assert read_problem(f"conv {words(**given)}") == (str(problem), 2 * problem.multiplications())


def test_a_volume() -> None:
    given = {"n": 1, "d": 4, "h": 5, "w": 6, "c": 16, "k": 16, "t": 3, "r": 3, "s": 3}
    text, operations = read_problem(f"conv3d {words(**given)}")
    assert text.startswith("conv3d n=1 d=4 h=5 w=6 c=16 k=16 t=3 r=3 s=3 z=2 p=3 q=4 ")
    assert operations == 2 * 2 * 3 * 4 * 16 * 27 * 16


def test_matmuls() -> None:
    given = {"m": 3, "k": 32, "c": 16}
    assert read_problem(f"matmul {words(**given)}")[0] == str(testing.MatMulProblem(**given, x_stride=16))
    given = {"m": 3, "k": 32, "c": 16, "x_stride": 48, "y_type": 6}
    assert read_problem(f"matmul {words(**given)}")[0] == str(testing.MatMulProblem(**given))


def test_a_batch() -> None:
    sizes = {"batch_0": 2, "batch_1": 3, "m": 5, "n": 7, "k": 11}
    strides = {
        "a_stride_0": 3 * 55, "a_stride_1": 55, "a_stride_2": 55, "a_stride_row": 11,
        "b_stride_0": 3 * 77, "b_stride_1": 77, "b_stride_2": 77, "b_stride_row": 11,
        "y_stride_0": 3 * 35, "y_stride_1": 35, "y_stride_2": 35, "y_stride_row": 7,
    }  # fmt: skip
    problem = testing.BatchMatMulProblem(**sizes, width=7, b_transposed=1, **strides)
    assert read_problem(f"batch_matmul {words(**sizes)} b_transposed=1")[0] == str(problem)


def test_a_block() -> None:
    given = {"h": 9, "w": 8, "c": 64, "m": 32, "k": 96, "stride": 2, "adds": 1}
    problem = testing.BlockProblem(**given)
    assert read_problem(f"block {words(**given)}") == (str(problem), 2 * problem.multiplications())
    in_float = testing.BlockProblem(**{**given, "adds": 2})
    assert read_problem(f"block {words(**given)}".replace("adds=1", "adds=2"))[0] == str(in_float)


def test_a_full_text_is_its_own_shorthand() -> None:
    full, _ = read_problem("conv n=1 h=8 w=8 c=16 k=16 x_stride_w=32 x_stride_h=256 x_stride_n=2048 adds=1")
    assert read_problem(full)[0] == full


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("conv h=8 w=8 c=16 k=16 p=9", "p = 9 does not follow from the other sizes: 8"),
        ("conv h=8 w=8 c=16 k=16 group=3", "no multiple of group"),
        ("conv h=2 w=2 r=3 s=3", "nothing to compute|p ="),
        ("conv stride_h=0", "stride_h = 0 is outside"),
        ("matmul m=0", "nothing to compute"),
        ("block h=0 w=8 c=16 m=16 k=16", "nothing to compute"),
        ("block h=8 stride=0", "stride = 0 is outside"),
        ("block h=8 w=8 first_pads=1", "without pads_with_value"),
        ("matmul m=2 c=16 x_stride=8", "x_stride is less than c"),
        ("batch_matmul m=2 n=4 k=4 y_stride_row=100", "not those of a dense result"),
        ("batch_matmul m=2 n=4 k=4 width=3", "not those of a dense result"),
    ],
)
def test_sizes_have_to_fit(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_problem(text)
