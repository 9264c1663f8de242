"""Transpose (to channels first) -> elementwise operators -> entries => elementwise operators -> entries

Concat and Split are among them, along another axis, Resize to the nearest pixel, and MaxPool => FloatMaxPool.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import onnx_ir as ir

from qudnn.converter.errors import Refusal
from qudnn.converter.functions import DOMAIN
from qudnn.converter.graph.constants import constant_or_none, required_input
from qudnn.converter.graph.edit import add_initializer, describe_as, remove_orphans, take_place
from qudnn.converter.graph.op_traits import Trait, has_trait, is_onnx
from qudnn.converter.graph.permutations import after
from qudnn.converter.island.crossings import ints, is_qudnn, set_ints
from qudnn.converter.passes.base import NodePass
from qudnn.converter.passes.fuse.float_activations import Activation
from qudnn.converter.passes.fuse.float_pools import maker, max_window

_COORDINATES = "coordinate_transformation_mode"
_BY_PERM = ("DynamicQuantizeToIsland", "QuantizeToIsland", "StepsToIsland")
_BY_PERMS = ("AddToIsland", "MulToIsland")


class _Region(NamedTuple):
    """transposes: where it begins. nodes: the operators. entries: which read it, and by which input."""

    transposes: dict[ir.Node, None]
    nodes: dict[ir.Node, None]
    entries: list[tuple[ir.Node, int]]


class ElementwiseAsItLies(NodePass):
    """Float32 results of ops, channels last, that others change elementwise before they are quantized.

    Such as the activations and residuals of dynamic convolutions. All that reads them does so as they lie;
    otherwise they are transposed as before.
    """

    def run(self, model: ir.Model) -> None:
        self._declined: dict[ir.Value, Refusal] = {}  # each region is looked at once
        super().run(model)

    def matches(self, node: ir.Node) -> bool:
        """Whether an op made what it transposes, and elementwise operators read it."""
        if not _is_channels_first(node):
            return False
        source = maker(required_input(node, 0))
        is_ours = source is not None and source.domain == DOMAIN
        return is_ours and any(_works_anywhere(use.node, 4) for use in node.outputs[0].uses())

    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        values: dict[ir.Value, None] = {}
        try:
            region = _region(node, values, self._declined)
        except Refusal as refusal:
            self._declined |= dict.fromkeys(values, refusal)
            raise
        perm = ints(node, "perm")
        moved = {transpose.outputs[0]: required_input(transpose, 0) for transpose in region.transposes}
        last_to_first = [perm.index(axis) for axis in range(len(perm))]
        for each in region.nodes:
            along_axis = _is_along_axis(each)
            if along_axis:
                axis = perm[each.attributes.get_int("axis", 0)]
                each.attributes["axis"] = ir.AttrInt64("axis", axis)
            for index, value in enumerate(each.inputs):
                if value is None or value in moved:
                    each.replace_input_with(index, None if value is None else moved[value])
                    continue
                array = constant_or_none(value)
                if array is None or array.size < 2 or along_axis:
                    continue
                if is_onnx(each, "Resize"):  # a number for each axis
                    moved_array = array[last_to_first]
                else:
                    whole = array.reshape((1,) * (len(perm) - array.ndim) + array.shape)
                    moved_array = whole.transpose(last_to_first)
                name = self.context.names.value(f"{value.name}/as_it_lies")
                each.replace_input_with(index, add_initializer(graph, name, moved_array))
            node_there = _pool_of(each, graph) if is_onnx(each, "MaxPool") else each
            for y in node_there.outputs:
                y.name, y.shape = self.context.names.value(f"{y.name}/as_it_lies"), None
                y.type = ir.TensorType(ir.DataType.FLOAT)
        for entry, index in region.entries:
            name = f"{'ab'[index]}_perm" if is_qudnn(entry, *_BY_PERMS) else "perm"
            set_ints(entry, name, after(perm, ints(entry, name)))
            value = required_input(entry, index)
            entry.replace_input_with(index, moved.get(value, value))
        remove_orphans(region.transposes)


def _pool_of(node: ir.Node, graph: ir.Graph) -> ir.Node:
    """FloatMaxPool in the place of a MaxPool."""
    x, y = required_input(node, 0), node.outputs[0]
    pool = ir.node("FloatMaxPool", [x], max_window(node, Activation(x)), domain=DOMAIN, name=node.name)
    describe_as(pool, node)
    graph.insert_after(node, pool)
    take_place(y, pool.outputs[0])
    graph.remove(node, safe=True)
    return pool


def _region(first: ir.Node, values: dict[ir.Value, None], declined: Mapping[ir.Value, Refusal]) -> _Region:
    """All that reads what the Transpose gives, however changed elementwise, and all that is changed with it.

    values: gets those of the region, as far as it is looked at. declined: why others stay transposed.
    Raises Refusal where something else has its channels first, too.
    """
    perm = ints(first, "perm")
    found = _Region({}, {}, [])
    values[first.outputs[0]] = None
    for value in (waiting := [first.outputs[0]]):
        if value in declined:
            raise declined[value]
        nodes = _made_by(value, perm, found)
        for use in value.uses():
            if use.node.graph is not first.graph:
                raise Refusal("the body of another node reads it")
            if _reads_transposed(use.node, use.idx):
                found.entries.append((use.node, use.idx))
            elif _works_anywhere(use.node, len(perm)):
                nodes.append(use.node)
            else:
                raise Refusal(f"{use.node.op_type} reads it with its channels first")
        found.nodes.update(dict.fromkeys(nodes))
        for node in nodes:
            new = [each for each in (*_operands(node, perm), *node.outputs) if each not in values]
            values.update(dict.fromkeys(new))
            waiting += dict.fromkeys(new)
    return found


def _made_by(value: ir.Value, perm: list[int], found: _Region) -> list[ir.Node]:
    """The elementwise operator that makes a value of the region; a Transpose is noted."""
    node = value.producer()
    if value.is_graph_output():
        raise Refusal("an output of the graph has its channels first")
    if node is not None and _is_channels_first(node) and ints(node, "perm") == perm:
        found.transposes[node] = None
        return []
    if node is None or not _works_anywhere(node, len(perm)):
        raise Refusal("an operand of an operator that reads it has its channels first")
    return [node]


def _is_channels_first(node: ir.Node) -> bool:
    """Whether it moves the last axis of an image or a row behind the first one."""
    if not is_onnx(node, "Transpose") or "perm" not in node.attributes:
        return False
    perm = ints(node, "perm")
    return len(perm) > 2 and perm == [0, len(perm) - 1, *range(1, len(perm) - 1)]


def _works_anywhere(node: ir.Node, rank: int) -> bool:
    """rank: of what it reads."""
    if is_onnx(node, "MaxPool"):
        return rank == 4 and _has_op(node)
    return has_trait(node, Trait.ANYWHERE) or _is_along_axis(node) or _takes_nearest(node)


def _has_op(pool: ir.Node) -> bool:
    """Whether the MaxPool is a FloatMaxPool."""
    try:
        max_window(pool, Activation(required_input(pool, 0)))
    except Refusal:
        return False
    return True


def _takes_nearest(node: ir.Node) -> bool:
    """Whether it is a Resize by constants, of all axes, whose result consists of values of its input."""
    if not is_onnx(node, "Resize") or node.attributes.get_string("mode", "nearest") != "nearest":
        return False
    if "axes" in node.attributes or node.attributes.get_string(_COORDINATES, "") == "tf_crop_and_resize":
        return False
    return all(value is None or constant_or_none(value) is not None for value in node.inputs[1:])


def _is_along_axis(node: ir.Node) -> bool:
    return is_onnx(node, "Concat", "Split")


def _reads_transposed(node: ir.Node, index: int) -> bool:
    """Whether it is an entry that transposes this input."""
    if is_qudnn(node, *_BY_PERM):
        return index == 0
    return is_qudnn(node, *_BY_PERMS) and index < 2


def _operands(node: ir.Node, perm: list[int]) -> Iterator[ir.Value]:
    """Its inputs that are not constants. Raises Refusal where it broadcasts to more dimensions."""
    if is_onnx(node, "MaxPool", "Resize", "Split"):
        yield required_input(node, 0)
        return
    for value in node.inputs:
        array = None if value is None else constant_or_none(value)
        if value is not None and array is None:
            yield value
        if array is not None and (array.dtype != np.float32 or array.ndim > len(perm)):
            raise Refusal("an operator that reads it has a constant of another type or more dimensions")
        if array is not None and is_onnx(node, "Concat"):
            raise Refusal("a constant is appended to it")
