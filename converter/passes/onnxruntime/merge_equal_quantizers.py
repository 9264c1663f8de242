"""QuantizeLinear (several) of one tensor with the same parameters => one of them"""

from collections.abc import Hashable

import onnx_ir as ir

from qudnn.converter.graph.edit import remove_orphans, take_place
from qudnn.converter.graph.op_traits import DOMAINS, Trait, has_trait
from qudnn.converter.passes.base import EarlyPass
from qudnn.converter.qdq.linear import dequantizes, quantizes

_DEFAULTS = {"axis": 1, "block_size": 0, "output_dtype": 0, "precision": 0, "saturate": 1}
_SHARED = {
    ir.DataType.FLOAT16,
    ir.DataType.FLOAT,
    ir.DataType.DOUBLE,
    ir.DataType.INT32,
    ir.DataType.INT64,
}
_MOST_SHARED = 8  # elements


class MergeEqualQuantizers(EarlyPass):
    """As onnxruntime does, where int8 tensors with several consumers stay int8.

    Quantizers write such pairs, one for each consumer of a tensor, if they are told to. onnxruntime finds
    equal nodes of all kinds (1.30, common_subexpression_elimination.cc, CommonSubexpressionElimination), over
    constants of up to 8 elements that it takes for one where they have one type, shape and value
    (constant_sharing.cc, ConstantSharing: not those of 8 bits). Here the same nodes are found equal, and
    those that quantize are merged; those that have no consumers any more are removed.
    """

    def run(self, model: ir.Model) -> None:
        numbers: dict[ir.Value, int] = {}
        known: dict[Hashable, int] = {}
        written: dict[int, ir.Value] = {}  # by QuantizeLinear
        merged: list[ir.Node] = []
        for node in model.graph:
            key = _key(node, numbers, known)
            for index, y in enumerate(node.outputs):
                numbers[y] = _number(known, id(y) if key is None else (key, index))
            if not quantizes(node):
                continue
            y = node.outputs[0]
            first = written.setdefault(numbers[y], y)
            if first is y:
                continue
            if first.is_graph_output() and y.is_graph_output():
                self.decline(node, f"its result and {first.name}, which equals it, are outputs of the graph")
                continue
            _merge(y, first)
            merged.append(node)
        remove_orphans(merged)


def _merge(y: ir.Value, first: ir.Value) -> None:
    if y.is_graph_output():
        take_place(y, first)
    else:
        y.replace_all_uses_with(first)


def _key(node: ir.Node, numbers: dict[ir.Value, int], known: dict[Hashable, int]) -> Hashable | None:
    """The same for nodes whose results are the same; None where that cannot be told."""
    if node.domain not in DOMAINS or has_trait(node, Trait.RANDOM):
        return None
    if any(value is not None and dequantizes(value.producer()) for value in node.inputs):
        return None  # it has a DequantizeLinear of its own: EnsureUniqueDQForNodeUnit
    attributes = []
    for name, attribute in node.attributes.items():
        if attribute.type in (ir.AttributeType.GRAPH, ir.AttributeType.GRAPHS) or attribute.is_ref():
            return None
        if attribute.type in (ir.AttributeType.TENSOR, ir.AttributeType.TENSORS):
            return None
        if not (quantizes(node) and _DEFAULTS.get(name) == attribute.value):
            attributes.append((name, str(attribute.value)))
    inputs = [None if value is None else _number_of(value, numbers, known) for value in node.inputs]
    while inputs and inputs[-1] is None:
        inputs.pop()
    return node.domain, node.op_type, tuple(sorted(attributes)), tuple(inputs), len(node.outputs)


def _number_of(value: ir.Value, numbers: dict[ir.Value, int], known: dict[Hashable, int]) -> int:
    if value not in numbers:
        tensor = None if value.is_graph_input() else ir.convenience.get_const_tensor(value)
        key: Hashable = id(value)
        if tensor is not None and 0 < tensor.size <= _MOST_SHARED and tensor.dtype in _SHARED:
            key = tensor.dtype, tuple(tensor.shape.numpy()), tensor.tobytes()
        numbers[value] = _number(known, key)
    return numbers[value]


def _number(known: dict[Hashable, int], key: Hashable) -> int:
    return known.setdefault(key, len(known))
