"""Add (of a bias) -> Add -> Relu or Clip -> Div -> QuantizeToIsland => AddToIsland

Clip or Gelu, Sigmoid or HardSigmoid -> Mul, or HardSwish, -> Div -> QuantizeToIsland => MulToIsland

Before a QuantizeLinear that only a DequantizeLinear reads, too, which becomes a DequantizeFromIsland.
"""

import numpy as np
import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.qdq.masked_softmax import NOTE
from qudnn.converter.functions import DOMAIN
from qudnn.converter.graph.constants import constant_or_none, required_input
from qudnn.converter.graph.edit import (
    add_initializer,
    remove_orphans,
    replace_node,
    sole_consumer,
    take_place,
)
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.graph.permutations import after
from qudnn.converter.island.crossings import ints, is_qudnn
from qudnn.converter.island.emitter import Attribute
from qudnn.converter.island.layout import ALL
from qudnn.converter.passes.base import NodePass
from qudnn.converter.passes.fuse.binary_of_floats import BinaryOfFloats, find_binary
from qudnn.converter.qdq.linear import (
    dequantizes,
    dequantizes_for_integer_form,
    quantizes,
    quantizes_integer_form,
    read_with,
    written_with,
)


class BinaryAtEntry(NodePass):
    """What two float32 tensors make together is never written in float32.

    Where a Transpose makes an operand it is read as it lies, as after a convolution. What is dequantized at
    once has an operand that an op made: otherwise nothing of qudnn is near.
    """

    REPORTED = True

    def matches(self, node: ir.Node) -> bool:
        if is_qudnn(node, "QuantizeToIsland"):
            return find_binary(node) is not None
        if not quantizes(node) or not dequantizes(sole_consumer(node.outputs[0], once=True, inside=True)):
            return False
        found = find_binary(node)
        return found is not None and any(map(_is_made_by_op, found.tensors))

    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        found = find_binary(node)
        assert found is not None
        try:
            self._fuse(found, self._entry(node, graph) if quantizes(node) else node, graph)
        except Refusal as refusal:
            self.context.refusals[found.node] = str(refusal)
            raise

    def _entry(self, quantize: ir.Node, graph: ir.Graph) -> ir.Node:
        """An entry in the place of the QuantizeLinear, an exit in that of the DequantizeLinear after it."""
        dequantize = sole_consumer(quantize.outputs[0])
        assert dequantize is not None
        x = required_input(quantize, 0)
        parameters = written_with(quantize)
        if read_with(dequantize, parameters.dtype) != parameters:
            raise Refusal("it is dequantized with other numbers than it is quantized with")
        if self.context.facts.dtype(x) != ir.DataType.FLOAT:
            raise Refusal("its result is not known to be float32")
        if quantizes_integer_form(quantize) or dequantizes_for_integer_form(dequantize):
            raise Refusal("onnxruntime makes a quantized operator of it and the one beside it")
        order = list(range(len(self.context.facts.ranked(x))))
        if not order:
            raise Refusal("its result has no dimensions")
        found = find_binary(quantize)
        assert found is not None
        for value in found.tensors:
            self._as_it_lies(value)  # raises Refusal before anything is changed
        scale, zero_point = float(parameters.scale), parameters.island_zero_point
        enter: dict[str, Attribute] = {"perm": order, "pads": [0] * (2 * len(order))}
        leave: dict[str, Attribute] = {"perm": order, "channels": ALL}
        given: dict[str, Attribute] = {"scale": scale, "zero_point": zero_point}
        name = self.context.names.node(f"{x.name}/entry")
        entry = ir.node("QuantizeToIsland", [x], enter | given, domain=DOMAIN, name=name)
        y = entry.outputs[0]
        y.name, y.type = self.context.names.value(f"{x.name}/entered"), ir.TensorType(ir.DataType.INT8)
        exit_ = ir.node("DequantizeFromIsland", [y], leave | given, domain=DOMAIN, name=dequantize.name)
        graph.insert_after(dequantize, [entry, exit_])
        take_place(dequantize.outputs[0], exit_.outputs[0])
        remove_orphans([dequantize])
        return entry

    def _fuse(self, found: BinaryOfFloats, entry: ir.Node, graph: ir.Graph) -> None:
        node = found.node
        name = node.name or self.context.names.node(f"{node.outputs[0].name}/entry")
        if found.b is None:
            zero = self.context.names.value(f"{name}/zero")
            found = found._replace(b=add_initializer(graph, zero, np.zeros(1, np.float32)))
        (a, a_perm), (b, b_perm) = map(self._as_it_lies, found.tensors)
        low, high = found.bounds
        attributes: dict[str, Attribute] = {
            "a_perm": a_perm,
            "b_perm": b_perm,
            "perm": ints(entry, "perm"),
            "pads": ints(entry, "pads"),
            "low": low,
            "high": high,
            **found.numbers,
            "scale": entry.attributes["scale"].as_float(),
            "zero_point": entry.attributes["zero_point"].as_int(),
        }
        constants = [
            add_initializer(graph, self.context.names.value(f"{name}/{what}"), array)
            for what, array in found.constants.items()
        ]
        fused = ir.node(found.op_type, [a, b, *constants], attributes, domain=DOMAIN, name=name)
        replace_node(entry, fused, described=node)
        if found.numbers.get("gelu"):
            self.context.notes[fused] = NOTE

    def _as_it_lies(self, value: ir.Value) -> tuple[ir.Value, list[int]]:
        return _as_it_lies(value, self.context.facts)


def takes_sum(entry: ir.Node, facts: Facts) -> bool:
    """Whether the pass computes an Add, and what stands between it and this QuantizeToIsland, at once."""
    found = find_binary(entry)
    if found is None or found.op_type != "AddToIsland":
        return False
    try:
        for value in found.tensors:
            _as_it_lies(value, facts)
    except Refusal:
        return False
    return True


def _as_it_lies(value: ir.Value, facts: Facts) -> tuple[ir.Value, list[int]]:
    """What is transposed to it, and how."""
    perm: list[int] | None = None
    while is_onnx(value.producer(), "Transpose"):
        transpose = value.producer()
        assert transpose is not None
        if "perm" not in transpose.attributes:
            break
        step = ints(transpose, "perm")
        value, perm = required_input(transpose, 0), step if perm is None else after(step, perm)
    if perm is not None:
        return value, perm
    exit_ = value.producer()
    if exit_ is not None and is_qudnn(exit_, "DequantizeFromIsland"):
        return value, list(range(len(ints(exit_, "perm"))))
    array = constant_or_none(value)
    shape = facts.shape(value) if array is None else array.shape
    if shape is None:
        raise Refusal(f"the shape of {value.name} is unknown")
    if not shape:
        raise Refusal(f"{value.name} has no dimensions")
    return value, list(range(len(shape)))


def _is_made_by_op(value: ir.Value) -> bool:
    node = value.producer()
    return node is not None and node.domain == DOMAIN
