"""A run of any operator, up to its launches, asks for little: on runtimes that only count, without a GPU.

So each case's kernel takes the case's tensors and attributes, whatever it would compute.
"""

import importlib
from collections.abc import Iterator
from itertools import groupby

import fakes
import numpy as np
import pytest
from fakes import Node, Tensor
from onnx import helper

from cases.op import OpCase

MODULES = [
    "op",
    "arg_max_op",
    "conv_pool_op",
    "float_binary_op",
    "float_entry_op",
    "float_tail_op",
    "group_normalization_op",
    "matmul_add_op",
    "squeeze_excitation_op",
    "steps_op",
    "table_binary_op",
    "table_exit_op",
    "table_pool_op",
    "transformer_op",
    "typed_op",
    "vision_op",
]
AT, STEP, Y = 0x100000000, 0x10000000, 0x90000000000


def cases() -> Iterator[OpCase]:
    for name in MODULES:
        for value in vars(importlib.import_module(f"cases.{name}")).values():
            if isinstance(value, list):
                yield from (each for each in value if isinstance(each, OpCase))


BY_OP = {
    op: list({case.id: case for case in group}.values())
    for op, group in groupby(sorted(cases(), key=lambda case: case.op), lambda case: case.op)
}


def tensor(index: int, shape: tuple[int, ...], dtype: object) -> Tensor:
    element_type = int(helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))  # type: ignore[call-overload]
    return Tensor(AT + index * STEP, list(shape), element_type)


def test_there_are_many() -> None:
    assert len(BY_OP) > 40
    assert sum(map(len, BY_OP.values())) > 1000


@pytest.mark.parametrize("op", BY_OP)
def test_a_run_asks_for_little(op: str) -> None:
    fakes.use_runtime(24)
    for case in BY_OP[op]:
        inputs = [tensor(i, (2, *shape), dtype) for i, (dtype, shape) in enumerate(case.tensors.values())]
        constants = [
            tensor(len(inputs) + i, value.shape, value.dtype)
            for i, value in enumerate(case.constants.values())
        ]
        node = Node(op, case.attributes, [*[None] * len(inputs), *constants], engine="")
        y_type = tensor(0, (), case.y_dtype).type
        for _ in range(2):
            shape = node.run([*inputs, *constants], Y, y_type)
        assert np.prod(shape) > 0, case.id
        before = node.heap_allocations()
        fakes.calls()
        node.run([*inputs, *constants], Y, y_type)
        calls = fakes.calls()
        # Where its kernel declines, its steps run: a mean, two convolutions, two tables, a product.
        most = 6 if op == "QSqueezeExcitation" else 3
        assert 1 <= len(calls.launches) <= most, case.id
        asked = calls.questions, calls.synchronizations, calls.tensor_maps, calls.descriptions
        assert asked == (0, 0, 0, 0), case.id
        # An object holds memory for one run; why a fast kernel declines is a text.
        is_plain = any("softmax_rows" in launch.kernel for launch in calls.launches)
        allowed = 3 * calls.scratch + (1 if is_plain else 0)
        assert node.heap_allocations() - before <= allowed, case.id
