"""A run of any operator, up to its launches, asks for little: on runtimes that only count, without a GPU.

So each case's kernel takes the case's tensors and attributes, whatever it would compute.
"""

import importlib
from collections.abc import Iterator
from itertools import groupby

import fakes
import pytest
from fakes import Node, Tensor, element_type, node_of

from cases.attention_op import LINEAR, MASKED, AttentionOpCase
from cases.op import OpCase

MODULES = [
    "op",
    "arg_max_op",
    "batch_matmul",
    "bottleneck_op",
    "channel_table_add_op",
    "conv_pool_op",
    "dynamic_batch_matmul",
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
APART = ("apart", "one_key")  # labels of attention that no fused kernel takes
# Where the kernel of all steps declines, they run: a mean, two convolutions, two tables, a product; or three
# convolutions, with what their plans run before or after a kernel.
MOST_LAUNCHES = {
    "QSqueezeExcitation": 6,
    "QBottleneck": 6,
    "QBottleneckAdd": 6,
    "QBottleneckFloatAdd": 6,
}
Y = 0x90000000000


def cases() -> Iterator[OpCase]:
    for name in MODULES:
        for value in vars(importlib.import_module(f"cases.{name}")).values():
            if isinstance(value, list):
                yield from (each for each in value if isinstance(each, OpCase) and _computes(each))


def _computes(case: OpCase) -> bool:
    return not any(0 in shape for _, shape in case.tensors.values())


BY_OP = {
    op: list({case.id: case for case in group}.values())
    for op, group in groupby(sorted(cases(), key=lambda case: case.op), lambda case: case.op)
}


def test_there_are_many() -> None:
    assert len(BY_OP) > 40
    assert sum(map(len, BY_OP.values())) > 1000


def second_run(node: Node, inputs: list[Tensor], y_type: int) -> tuple[fakes.Calls, int]:
    """What a run calls for shapes that were there before, and how often it allocates on the host."""
    for _ in range(2):
        node.run(inputs, Y, y_type)
    before = node.heap_allocations()
    fakes.calls()
    node.run(inputs, Y, y_type)
    return fakes.calls(), node.heap_allocations() - before


def asked(calls: fakes.Calls) -> tuple[int, ...]:
    return calls.questions, calls.synchronizations, calls.tensor_maps, calls.descriptions, calls.lookups


@pytest.mark.parametrize("op", BY_OP)
def test_a_run_asks_for_little(op: str) -> None:
    fakes.use_runtime(24)
    for case in BY_OP[op]:
        node, inputs = node_of(case)
        y_type = element_type(case.y_dtype)
        calls, allocations = second_run(node, inputs, y_type)
        assert 1 <= len(calls.launches) <= MOST_LAUNCHES.get(op, 3), case.id
        assert asked(calls) == (0,) * 5, case.id
        # An object holds memory for one run; why a fast kernel declines is a text.
        is_plain = any("softmax_rows" in launch.kernel for launch in calls.launches)
        assert allocations <= 3 * calls.scratch + (1 if is_plain else 0), case.id


@pytest.mark.parametrize("case", [*LINEAR, *MASKED], ids=lambda case: case.id)
def test_a_run_of_attention_asks_for_little(case: AttentionOpCase) -> None:
    fakes.use_runtime(24)
    inputs = [fakes.tensor(i, array.shape, array.dtype) for i, array in enumerate(case.arguments())]
    node = Node(case.op, case.attributes, [None] * len(inputs), engine="")
    calls, allocations = second_run(node, inputs, fakes.INT8)
    fused = len(calls.launches) == 1 and "attention" in calls.launches[0].kernel
    assert asked(calls) == (0,) * 5
    if fused:
        assert allocations == 0
    else:  # parameters, a matmul, a table, a softmax, a matmul; their layouts depend on the shapes
        assert len(calls.launches) == 5 and case.label.startswith(APART)
        assert allocations <= 20


@pytest.mark.parametrize("op", BY_OP)
def test_a_run_has_the_shape_that_was_inferred(op: str) -> None:
    fakes.use_runtime(24)
    for case in BY_OP[op]:
        node, inputs = node_of(case)
        inferred = fakes.inferred(op, case.attributes, [each.shape for each in inputs])
        if inferred is None:  # a shape without axes is taken for one that is not known
            assert any(each.shape == [] for each in inputs), case.id
        else:
            assert inferred == node.run(inputs, Y, element_type(case.y_dtype)), case.id
