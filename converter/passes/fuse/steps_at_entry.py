"""elementwise operators -> QuantizeToIsland => StepsToIsland"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import onnx
import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.qdq.unary import constants_of
from qudnn.converter.functions import DOMAIN
from qudnn.converter.graph.constants import constant_or_none, required_input
from qudnn.converter.graph.edit import add_initializer, replace_node
from qudnn.converter.graph.op_traits import Trait, has_trait, is_onnx
from qudnn.converter.island.crossings import ints, is_qudnn
from qudnn.converter.island.emitter import Attribute
from qudnn.converter.lowering.border.steps import find_steps
from qudnn.converter.passes.base import NodePass
from qudnn.converter.passes.fuse.binary_at_entry import takes_sum
from qudnn.converter.qdq.linear import dequantizes

_MOST_NODES = 32
_AFTER = "quantized"  # the name of the result, where steps are looked for


class _Function(NamedTuple):
    """What the nodes, in an order in which they can run, compute of the float32 x for an entry alone."""

    x: ir.Value
    nodes: list[ir.Node]


class StepsAtEntry(NodePass):
    """What they compute is never written in float32: a function with an 8-bit result is one of steps.

    Of one float32 tensor, with constants of one element. A result with other consumers stays. An activation
    that only clips a sum is left to BinaryAtEntry, which takes both.
    """

    def run(self, model: ir.Model) -> None:
        self._places = {node: place for place, node in enumerate(model.graph)}
        super().run(model)

    def matches(self, node: ir.Node) -> bool:
        if not is_qudnn(node, "QuantizeToIsland"):
            return False
        function = self._function(node)
        if function is None:
            return False
        clips = all(has_trait(each, Trait.CLIPS) for each in function.nodes)
        return not (clips and is_onnx(function.x.producer(), "Add") and takes_sum(node, self.context.facts))

    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        function = self._function(node)
        assert function is not None
        try:
            self._fuse(function, node, graph)
        except Refusal as refusal:
            for each in function.nodes:
                self.context.refusals[each] = str(refusal)
            raise

    def _fuse(self, function: _Function, entry: ir.Node, graph: ir.Graph) -> None:
        x, nodes = function
        if all(has_trait(node, Trait.CLIPS) for node in nodes) and _is_of_rounded_weights(x):
            raise Refusal(
                "onnxruntime rounds the weights of the matmul before it where it finds them like this"
            )
        last = nodes[-1]
        quantize = onnx.helper.make_node(
            "QuantizeLinear", [last.outputs[0].name or "", "scale", "zero_point"], [_AFTER]
        )
        protos = [proto for proto in map(ir.to_proto, nodes) if isinstance(proto, onnx.NodeProto)]
        constants = constants_of(x, nodes, None)
        names = {x.name, *constants, *(output.name for node in nodes for output in node.outputs)}
        if {"scale", "zero_point", _AFTER} & names:
            raise Refusal("its tensors have names that its conversion needs")
        scale, zero_point = entry.attributes["scale"].as_float(), entry.attributes["zero_point"].as_int()
        constants |= {"scale": np.array(scale, np.float32), "zero_point": np.array(zero_point, np.int8)}
        steps = find_steps([*protos, quantize], x.name or "", _AFTER, constants, self.context.facts.opsets)
        name = last.name or self.context.names.node(f"{last.outputs[0].name}/steps")
        inputs = [
            add_initializer(graph, self.context.names.value(f"{name}/{what}"), array)
            for what, array in steps._asdict().items()
        ]
        attributes: dict[str, Attribute] = {name: ints(entry, name) for name in ("perm", "pads")}
        attributes["zero_point"] = zero_point
        fused = ir.node("StepsToIsland", [x, *inputs], attributes, domain=DOMAIN, name=name)
        replace_node(entry, fused, described=last)

    def _function(self, entry: ir.Node) -> _Function | None:
        """The longest one: of the first tensor, from the inputs of the model on, that alone decides."""
        facts = self.context.facts
        found: _Function | None = None
        nodes: dict[ir.Node, None] = {}
        open_ = {required_input(entry, 0): None}
        while len(nodes) <= _MOST_NODES:
            if nodes and len(open_) == 1:
                (x,) = open_
                if facts.dtype(x) == ir.DataType.FLOAT and _is_read_by(nodes, entry):
                    found = _Function(x, list(reversed(nodes)))
            latest = max(open_, key=lambda value: self._place(value, entry))
            node = latest.producer()
            if self._place(latest, entry) < 0 or node is None:
                break
            operands = _operands(node, facts)
            if operands is None:
                break
            del open_[latest]
            nodes[node] = None
            open_ |= dict.fromkeys(operands)
        return found

    def _place(self, value: ir.Value, entry: ir.Node) -> int:
        """Of the value's producer in the graph, -1 where it has none there."""
        producer = value.producer()
        if producer is None or producer.graph is not entry.graph:
            return -1
        return self._places.get(producer, -1)


def _is_of_rounded_weights(x: ir.Value) -> bool:
    """Whether onnxruntime makes integers of float weights or a bias, if x is quantized after activations.

    Those of a dequantized tensor's convolution or Gemm (onnxruntime 1.31, weight_bias_quantization.cc,
    IsNoBranchPathToQuantizeLinear): with other operators after it, it would multiply by other numbers.
    """
    node = x.producer()
    if not is_onnx(node, "Conv", "ConvTranspose", "Gemm"):
        return False
    source = required_input(node, 0).producer()
    return dequantizes(source) or is_qudnn(source, "DequantizeFromIsland")


def _is_read_by(nodes: Mapping[ir.Node, None], entry: ir.Node) -> bool:
    """Whether nothing else reads what the nodes compute."""
    results = [output for node in nodes for output in node.outputs]
    consumers = {use.node for result in results for use in result.uses()}
    return consumers <= {*nodes, entry} and not any(result.is_graph_output() for result in results)


def _operands(node: ir.Node, facts: Facts) -> list[ir.Value] | None:
    """What the node computes elementwise, constants apart; None where it does anything else."""
    if not has_trait(node, Trait.ELEMENTWISE) or is_onnx(node, "BatchNormalization"):
        return None
    operands = []
    for value in node.inputs:
        if value is None:
            continue
        array = constant_or_none(value)
        if array is None:
            operands.append(value)
        elif array.size != 1:
            return None
    shapes = [facts.shape(value) for value in operands]
    same = len(set(operands)) == 1 or (None not in shapes and all(shape == shapes[0] for shape in shapes))
    return operands if operands and same else None
