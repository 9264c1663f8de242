"""QChannelTableAdd: body = oracle on the CPU, kernel = body on the GPU; which kernels run, on fakes."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import fakes
import numpy as np
import pytest
import testing
from fakes import Node, Tensor

import check
from cases.builder import Array, by_id
from cases.channel_table_add_op import (
    CHANNEL_TABLE_ADDS,
    CHANNELS,
    CONVNEXT,
    HUGE,
    LARGE,
    ROWS,
    TIES,
    channel_table_add,
)
from cases.op import INT8, UINT8, OpCase
from oracles import ORACLES
from oracles.table import q_table

OP = "QChannelTableAdd"
X, R, TABLE, Y = (0x10000000 * i for i in range(1, 5))


@pytest.mark.parametrize("case", [*CHANNEL_TABLE_ADDS, *ROWS], ids=by_id)
def test_body(case: OpCase) -> None:
    check.assert_body_matches_oracle(case)


@pytest.mark.parametrize("opset", [17, 18, 21, 23])
def test_body_of_other_opsets(opset: int) -> None:
    check.assert_body_matches_oracle(ROWS[0], opset=opset)


@pytest.mark.parametrize("case", ROWS, ids=by_id)
def test_body_of_one_row(case: OpCase) -> None:
    check.assert_body_matches_oracle(case, batch=1)


def one_element(seed: int) -> OpCase:
    """A result for which onnxruntime exchanges the operands of the sum."""
    scale = 0.013 + 0.007 * seed
    scales: dict[str, Any] = {"a_scale": scale, "b_scale": 0.1 - scale / 2}
    return channel_table_add(f"one{seed}", (1,), dtype=INT8, result_first=seed % 2 == 0, **scales)


@pytest.mark.parametrize("seed", range(8))
def test_body_of_one_element(seed: int) -> None:
    check.assert_body_matches_oracle(one_element(seed), batch=1)


def result(case: OpCase, batch: int = 2, **changed: Any) -> Array:
    inputs = [*case.inputs(batch).values(), *case.constants.values()]
    y: Array = ORACLES[OP](*inputs, **{**case.attributes, **changed})
    return y


def exchanged(case: OpCase) -> dict[str, Any]:
    """The attributes with which the other operand is the first one, and each keeps its own numbers."""
    of_a, of_b = (
        {name: case.attributes[f"{each}_{name}"] for name in ("scale", "zero_point")} for each in "ab"
    )
    return {
        **{f"a_{name}": value for name, value in of_b.items()},
        **{f"b_{name}": value for name, value in of_a.items()},
        "result_first": 1 - case.attributes["result_first"],
    }


def without_fma(case: OpCase) -> Array:
    """The sum with products that are rounded before they are added, otherwise as QAdd's."""
    x, residual = case.inputs(2).values()
    found, f = q_table(x, case.constants["table"]), np.float32
    a, b = (found, residual) if case.attributes["result_first"] else (residual, found)
    given = case.attributes
    ra, rb = (f(given[f"{name}_scale"]) / f(given["sum_scale"]) for name in "ab")
    offset = 128 if given["dtype"] == UINT8 else 0
    fixed = f(given["sum_zero_point"]) - (f(given["a_zero_point"]) * ra + f(given["b_zero_point"]) * rb)
    raw_a, raw_b = (each.astype(np.float32) + f(offset) for each in (a, b))
    sums = np.rint(raw_a * ra + (raw_b * rb + fixed))
    y: Array = (np.clip(sums, offset - 128, offset + 127) - f(offset)).astype(np.int8)
    return y


def test_each_rounding_decides() -> None:
    """The cases tell the order of the two steps, and whether a product is rounded by itself."""
    assert any((result(case) != result(case, **exchanged(case))).any() for case in TIES)
    assert any((result(case) != without_fma(case)).any() for case in TIES)


@pytest.mark.parametrize("case", [*CHANNELS, *CONVNEXT, *ROWS], ids=by_id)
def test_cases_hold_what_decides(case: OpCase) -> None:
    """Results take all values, few are clamped, and channels have functions of their own."""
    batch = 99 if case in ROWS else 2
    y = result(case, batch)
    assert len(np.unique(y)) == 256
    assert np.mean((y == -128) | (y == 127)) < 0.2
    assert (y != result(case, batch, result_first=1 - case.attributes["result_first"])).any()
    others = replace(case, constants={"table": np.roll(case.constants["table"], 1, 0)})
    assert (y != result(others, batch)).any(axis=tuple(range(y.ndim - 1))).all()


@pytest.fixture
def counters() -> Iterator[None]:
    fakes.use_runtime(24)
    fakes.calls()
    yield


def kernels(case: OpCase, shape: tuple[int, ...], *, x: int = X, r: int = R, table: int = TABLE) -> list[str]:
    """Those that a run launches, on tensors at these addresses."""
    tensor = Tensor(table, [shape[-1], 256])
    node = Node(OP, case.attributes, [None, None, tensor])
    assert node.run([Tensor(x, [*shape]), Tensor(r, [*shape]), tensor], Y) == [*shape]
    return [launch.kernel for launch in fakes.calls().launches]


@pytest.mark.usefixtures("counters")
@pytest.mark.parametrize("case", [ROWS[0], ROWS[1]], ids=by_id)
@pytest.mark.parametrize("shape", [(16, 96), (2, 7, 7, 768), (5, 9, 8, 80), (64, 3), (32, 112, 112, 96)])
def test_one_kernel(case: OpCase, shape: tuple[int, ...]) -> None:
    """Also of three channels: rows are looked up several at once."""
    (kernel,) = kernels(case, shape)
    assert "channel_table_slices" in kernel and "ResidualAddition" in kernel
    assert ("uint4" in kernel) == (shape == (32, 112, 112, 96))
    assert f"ILb{case.attributes['result_first']}E" in kernel


@pytest.mark.usefixtures("counters")
@pytest.mark.parametrize("case", HUGE, ids=by_id)
def test_sums_beyond_int32_are_added_by_themselves(case: OpCase) -> None:
    found, added = kernels(case, (9, 8, 48))
    assert "channel_table_slices" in found and "NoAddition" in found
    assert "elementwise_elements" in added and "Add" in added


@pytest.mark.usefixtures("counters")
@pytest.mark.parametrize(
    ("shape", "addresses", "lookup"),
    [
        ((15, 96), {}, "channel_table_elements"),  # few rows
        ((99, 5), {}, "channel_table_elements"),
        ((99, 96), {"x": X + 1}, "channel_table_elements"),
        ((99, 96), {"table": TABLE + 4}, "channel_table_elements"),
        ((99, 96), {"r": R + 2}, "channel_table_slices"),
    ],
)
def test_two_steps(shape: tuple[int, ...], addresses: dict[str, int], lookup: str) -> None:
    found, *added = kernels(ROWS[0], shape, **addresses)
    assert lookup in found and "ResidualAddition" not in found
    assert added and all("elementwise_" in kernel and "Add" in kernel for kernel in added)
    assert len(added) == 1 + (shape == (99, 5))  # a rest that fills no vector


@pytest.mark.usefixtures("counters")
def test_nothing_to_do() -> None:
    assert kernels(ROWS[0], (0, 96)) == []


@pytest.mark.usefixtures("counters")
@pytest.mark.parametrize(
    ("x", "residual", "table", "message"),
    [
        ([9, 16], [8, 16], [16, 256], "the shapes of x and the residual differ"),
        ([9, 16], [1, 16], [16, 256], "the shapes of x and the residual differ"),
        ([9, 16], [9, 16], [256], "a row of 256 values for each channel"),
        ([9, 16], [9, 16], [15, 256], "a row of 256 values for each channel"),
        ([9, 16], [9, 16], [16, 255], "a row of 256 values for each channel"),
        ([], [], [1, 256], "x has no dimensions"),
    ],
)
def test_shapes_that_do_not_fit(x: list[int], residual: list[int], table: list[int], message: str) -> None:
    node = Node(OP, ROWS[0].attributes, [None] * 3)
    with pytest.raises(RuntimeError, match=message):
        node.run([Tensor(X, x), Tensor(R, residual), Tensor(TABLE, table)], Y)
    assert fakes.calls().launches == []


def test_attributes_that_are_read() -> None:
    testing.read_attributes(OP, {**ROWS[0].attributes})
    for name, number in (("result_first", 2), ("result_first", -1), ("sum_zero_point", 256), ("dtype", 1)):
        with pytest.raises(ValueError, match=name):
            testing.read_attributes(OP, {**ROWS[0].attributes, name: number})


@pytest.mark.gpu
@pytest.mark.parametrize("case", CHANNEL_TABLE_ADDS, ids=by_id)
def test_kernel(case: OpCase) -> None:
    for batch in (1, 3):
        check.assert_kernels_match_bodies(case.model(), case.inputs(batch))


@pytest.mark.gpu
@pytest.mark.parametrize("case", ROWS, ids=by_id)
@pytest.mark.parametrize("rows", [1, 15, 16, 33, 4099])
def test_kernel_of_rows(case: OpCase, rows: int) -> None:
    check.assert_kernels_match_bodies(case.model(), case.inputs(rows))


@pytest.mark.gpu
@pytest.mark.parametrize("case", LARGE, ids=by_id)
def test_kernel_of_large_tensors(case: OpCase) -> None:
    check.assert_kernels_match_bodies(case.model(), case.inputs(2))


@pytest.mark.gpu
@pytest.mark.parametrize("seed", range(8))
def test_kernel_of_one_element(seed: int) -> None:
    check.assert_kernels_match_bodies(one_element(seed).model(), one_element(seed).inputs(1))
