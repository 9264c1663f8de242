"""Where two models begin to differ, and the smallest part of a model that still does."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import onnx
from onnx import helper

from qudnn.converter.cli.sides import Arrays, Side
from qudnn.converter.cli.verb import UsageError
from qudnn.converter.comparison.difference import Difference, difference
from qudnn.converter.comparison.parts import as_uint8, borders, computed, part, producers, with_outputs
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.qdq.linear import dequantizes, quantizes

Convert = Callable[[onnx.ModelProto], onnx.ModelProto]


def _counts_to_node_before(node: onnx.NodeProto) -> bool:
    return quantizes(node) or dequantizes(node) or is_onnx(node, "Relu", "Clip", "Identity")


class Tensor(NamedTuple):
    """A tensor of both models; found: how it differs. node, op_type: what computes it in the first one."""

    name: str
    node: str
    op_type: str
    found: Difference | None

    def __str__(self) -> str:
        return f"{self.node} ({self.op_type}), tensor {self.name}: {self.found or 'the same bits'}"


def compare_tensors(
    first: Side, second: Side, names: Sequence[str], inputs: Arrays, tolerance: float
) -> list[Tensor]:
    """Each of these tensors in both, in this order.

    second: a side of the first one's model as it is, or with tensors of the same names.
    """
    want, got = (side.of(with_outputs(side.model, names)).run(inputs, names) for side in (first, second))
    nodes = producers(first.model)
    return [_tensor(name, nodes, difference(got[name], want[name], tolerance)) for name in names]


def common_tensors(first: Side, second: Side) -> list[str]:
    """The tensors that both models compute, by their names, in the order of the first one."""
    there = {*computed(second.model)}
    return [name for name in computed(first.model) if name in there]


def converted_with_outputs(original: Side, converted: Side, convert: Convert) -> tuple[Side, Side, list[str]]:
    """Both models with the tensors between operators as outputs, and the names of these in their order.

    The original is converted anew: so islands give these tensors as the original has them. Its int8 tensors
    are uint8 ones then, see as_uint8.
    """
    original = original.of(as_uint8(original.model))
    outputs = [value.name for value in original.model.graph.output]
    names = [*dict.fromkeys((*borders(original.model), *outputs))]
    order = {name: place for place, name in enumerate(computed(original.model))}
    names.sort(key=lambda name: order.get(name, -1))
    exposed = with_outputs(original.model, names)
    return original.of(exposed), converted.of(convert(exposed)), names


def is_undisturbed(side: Side, plain: Arrays, inputs: Arrays) -> bool:
    """Whether the model, which has more outputs now, still computes what it did."""
    now = side.run(inputs, list(plain))
    return all(difference(now[name], value) is None for name, value in plain.items())


def reduce(
    original: Side, other: Side, convert: Convert, inputs: Arrays, tensor: str, tolerance: float
) -> tuple[onnx.ModelProto, Arrays, Difference]:
    """The smallest part of the original that ends at a tensor and differs from its conversion; its inputs.

    The part grows backwards from the tensor, one border of operators after the other, until it differs.
    Raises UsageError where even the whole of it does not.
    """
    original = original.of(as_uint8(original.model))
    ends = [name for name in borders(original.model) if name != tensor]
    values = {**inputs, **original.of(with_outputs(original.model, ends)).run(inputs, ends)}
    nodes = producers(original.model)
    reached: set[str] = {tensor}
    while True:
        cut = _sources(reached, nodes, set(ends) | inputs.keys())
        candidate = part(original.model, {name: values[name] for name in sorted(cut)}, [tensor])
        fed = {value.name: values[value.name] for value in candidate.graph.input}
        want = original.of(candidate).run(fed, [tensor])[tensor]
        got = other.of(convert(candidate)).run(fed, [tensor])[tensor]
        found = difference(got, want, tolerance)
        if found is not None:
            (given,) = candidate.graph.output
            dtype = helper.np_dtype_to_tensor_dtype(want.dtype)
            given.CopyFrom(helper.make_tensor_value_info(tensor, dtype, want.shape))
            return candidate, fed, found
        if cut <= inputs.keys() or cut == reached:
            raise UsageError(
                f"no part of the model that ends at {tensor} differs by itself: nothing to reduce to"
            )
        reached = cut


def _sources(names: set[str], nodes: dict[str, onnx.NodeProto], ends: set[str]) -> set[str]:
    """The nearest ends from which nodes compute the names; a name that is an input of the model stays."""
    found, seen = set(), set()
    waiting = [name for each in names for name in (nodes[each].input if each in nodes else [each])]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        if name in ends:
            found.add(name)
        elif name in nodes:
            waiting += nodes[name].input
    return found


def _tensor(name: str, nodes: dict[str, onnx.NodeProto], found: Difference | None) -> Tensor:
    node = nodes.get(name)
    while node is not None and _counts_to_node_before(node) and node.input[0] in nodes:
        node = nodes[node.input[0]]
    if node is None:
        return Tensor(name, name, "input", found)
    return Tensor(name, node.name or node.output[0], node.op_type, found)
