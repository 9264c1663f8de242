"""What a quantized node is; reports count them, and name those that stay first.

A node is quantized if it is

- an operator of the quantized families: QLinearConv, QGemm, MatMulInteger, DynamicQuantizeLSTM and so on;
- an operator that moves or picks values of an 8-bit tensor, if such an operator, QuantizeLinear or
  DequantizeLinear produces or consumes that tensor: MaxPool, Reshape, Concat and so on;
- a float operator between DequantizeLinear and QuantizeLinear: its inputs are dequantized or constant, and
  its result is quantized, either next or after other such operators;
- a float matmul or convolution of two dequantized tensors, whatever consumes its result.

QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear and Identity only change the form: they do not count.
"""

from collections.abc import Iterable, Sequence

import onnx_ir as ir

from qudnn.converter.graph.constants import constant_tensor, node_input
from qudnn.converter.graph.op_traits import Trait, has_trait, is_contrib, is_quantized_operator
from qudnn.converter.graph.order import subgraphs
from qudnn.converter.qdq.linear import dequantizes, quantizes

_FEW_BITS = {ir.DataType.UINT8, ir.DataType.INT8, ir.DataType.UINT4, ir.DataType.INT4}
_LONGEST_CHAIN = 8

Body = ir.Graph | ir.Function


def quantized_nodes(body: Body) -> set[ir.Node]:
    """The quantized nodes of one graph, those of graphs inside of it apart."""
    nodes = list(body)
    found = {node for node in nodes if is_quantized_operator(node)}
    found |= _on_8_bits(nodes)
    found |= _between(nodes)
    return {node for node in found if not has_trait(node, Trait.NO_EFFECT)}


def _on_8_bits(nodes: Iterable[ir.Node]) -> set[ir.Node]:
    """Nodes that move values of quantized tensors, from these on as far as there are such nodes."""
    waiting: list[ir.Value] = []
    for node in nodes:
        if quantizes(node):
            waiting.append(node.outputs[0])
        elif is_quantized_operator(node):
            waiting += _tensors_of_8_bits(node)
        elif dequantizes(node):
            waiting += _computed(node.inputs[:1])
    found: set[ir.Node] = set()
    seen: set[ir.Value] = set()
    while waiting:
        value = waiting.pop()
        if value in seen:
            continue
        seen.add(value)
        producer = value.producer()
        for node in (*([] if producer is None else [producer]), *(use.node for use in value.uses())):
            if node in found or not has_trait(node, Trait.TAKES_VALUES | Trait.CHOOSES):
                continue
            tensors = [*node.outputs, *_computed(_data(node))]
            if value in tensors:  # and is not where to move, or how many
                found.add(node)
                waiting += tensors
    return found


def _tensors_of_8_bits(node: ir.Node) -> list[ir.Value]:
    """Of an operator of the quantized families, some of which read or make floats besides."""
    inputs = node.inputs[1:] if has_trait(node, Trait.OTHER_INPUT) else node.inputs
    in_float = is_contrib(node, "QGemm") and node_input(node, 7) is None
    results = () if in_float or has_trait(node, Trait.OTHER_RESULT) else node.outputs
    return [*results, *_computed(inputs)]


def _data(node: ir.Node) -> Sequence[ir.Value | None]:
    """What the node reads, without what says where to move values, or how many."""
    return node.inputs[:1] if has_trait(node, Trait.TAKES_VALUES) else node.inputs


def _computed(values: Iterable[ir.Value | None]) -> list[ir.Value]:
    return [value for value in values if value is not None and constant_tensor(value) is None]


def _between(nodes: Iterable[ir.Node]) -> set[ir.Node]:
    """The float operators that read dequantized tensors, as far as their results are quantized."""
    inner: dict[ir.Node, None] = {}  # those that read dequantized tensors and constants alone
    dequantized: set[ir.Value] = set()  # or computed by inner nodes
    constant: set[ir.Value] = set()  # or a matter of shapes
    for node in nodes:
        if dequantizes(node):
            dequantized.update(node.outputs)
            continue
        if quantizes(node) or is_quantized_operator(node) or any(True for _ in subgraphs(node)):
            continue
        unknown = [value for value in _computed(_data(node)) if value not in constant]
        if has_trait(node, Trait.READS_SHAPE) or not unknown:
            constant.update(node.outputs)
        elif dequantized.issuperset(unknown):
            inner[node] = None
            dequantized.update(node.outputs)
    found: set[ir.Node] = set()
    for node in reversed(inner):
        consumers = [use.node for output in node.outputs for use in output.uses()]
        if any(quantizes(consumer) or consumer in found for consumer in consumers):
            found.add(node)
    return found | {
        node
        for node in inner
        if has_trait(node, Trait.CONTRACTS) and all(map(_is_dequantized, node.inputs[:2]))
    }


def _is_dequantized(value: ir.Value | None) -> bool:
    for _ in range(_LONGEST_CHAIN):
        node = None if value is None else value.producer()
        if node is None or not has_trait(node, Trait.NO_EFFECT) or not node.inputs:
            return dequantizes(node)
        value = node.inputs[0]
    return False


def has_stored_weights(node: ir.Node) -> bool:
    """Whether the node multiplies in floating point by weights that are stored in 8 bits or fewer."""
    if has_trait(node, Trait.STORED_WEIGHTS):
        return True
    return (
        has_trait(node, Trait.CONTRACTS)
        and not all(map(_is_dequantized, node.inputs[:2]))
        and any(value is not None and _is_stored(value) for value in node.inputs[:2])
    )


def _is_stored(value: ir.Value) -> bool:
    """Whether a matrix or filter of few bits was converted to floats here, by a chain of few operators."""
    for _ in range(_LONGEST_CHAIN):
        tensor = constant_tensor(value)
        if tensor is not None:
            return tensor.dtype in _FEW_BITS and len(tensor.shape) > 1
        node = value.producer()
        if not has_trait(node, Trait.UNPACKS):
            return False
        inputs = [x for x in node.inputs if x is not None]
        computed = _computed(inputs)
        if not inputs or len(computed) > 1:
            return False
        value = computed[0] if computed else inputs[0]
    return False
