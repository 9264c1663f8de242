"""Standard ONNX again: a converted model without qudnn's functions, for runtimes and tools that have none."""

from math import prod

import onnx
import onnx_ir as ir

from qudnn.converter.domain import DOMAIN
from qudnn.converter.errors import Refusal
from qudnn.converter.evaluate import computed
from qudnn.converter.functions.standard import use_pairs
from qudnn.converter.graph.constants import constant_tensor
from qudnn.converter.graph.edit import add_initializer, remove_orphans
from qudnn.converter.graph.names import Names
from qudnn.converter.graph.op_traits import Trait, has_trait, is_onnx
from qudnn.converter.graph.opset_imports import drop_unused_imports
from qudnn.converter.graph.order import subgraphs
from qudnn.converter.io import calls, files
from qudnn.converter.version import VERSION_KEY

_GROWTH = 2  # in bytes, of what is folded to what it is made of
_SHORT = 1024  # bytes that may always be folded


def inlined(proto: onnx.ModelProto) -> ir.Model:
    """The model in which each op of qudnn is its function body; functions of others stay.

    Of onnxruntime's own operators in bodies, Q/DQ forms are made: onnxruntime makes the operators of these
    again, in each bit, and other runtimes know them. What bodies compute of attributes and weights alone is
    folded: many runtimes want zero points and biases to be constants. Weights lie as those operators
    have them. Without onnxruntime nothing is folded.

    proto: with weights as files.to_ir takes them; it is left as it is.
    """
    model = files.to_ir(_without_calls(proto))
    names = Names()
    names.reserve(model.graph)
    for graph in [model.graph, *model.graph.subgraphs()]:
        _fold(graph, model.opset_imports, names)
    drop_unused_imports(model)
    model.metadata_props.pop(VERSION_KEY, None)
    return model


def _without_calls(proto: onnx.ModelProto) -> onnx.ModelProto:
    bare = calls.without_weights(proto)
    for function in bare.functions:
        if function.domain == DOMAIN:
            use_pairs(function)
    ours = [(function.domain, function.name) for function in proto.functions if function.domain == DOMAIN]
    return calls.inlined(bare, ours, proto)


def _fold(graph: ir.Graph, opsets: dict[str, int], names: Names) -> None:
    """Nodes of the graph that compute on constants alone => the constants that they make."""
    cone: dict[ir.Node, int] = {}  # the nodes, and the bytes of the constants that each has at most
    for node in graph:
        sizes = [_size(value, cone) for value in node.inputs if value is not None]
        if sizes and None not in sizes and _is_foldable(node):
            cone[node] = sum(size for size in sizes if size is not None)
    wanted = [y for node in cone for y in node.outputs if any(use.node not in cone for use in y.uses())]
    try:
        arrays = computed(list(cone), wanted, opsets)
    except Refusal:
        return
    for value, array in zip(wanted, arrays, strict=True):
        producer = value.producer()
        assert producer is not None
        if array.nbytes <= max(_SHORT, _GROWTH * cone[producer]) and not value.is_graph_output():
            constant = add_initializer(graph, names.value(f"{value.name}/constant"), array)
            value.replace_all_uses_with(constant)
    remove_orphans(reversed(cone))


def _is_foldable(node: ir.Node) -> bool:
    """DequantizeLinear stays: it says what a constant stands for."""
    return (
        node.domain == ""
        and not is_onnx(node, "DequantizeLinear", "Constant")
        and not has_trait(node, Trait.RANDOM)
        and not any(True for _ in subgraphs(node))
    )


def _size(value: ir.Value, cone: dict[ir.Node, int]) -> int | None:
    """Bytes of a constant, or of those that a foldable node has; None for what is computed in each run."""
    producer = value.producer()
    if producer in cone:
        return cone[producer]
    tensor = constant_tensor(value)
    if tensor is None or tensor.dtype == ir.DataType.STRING:
        return None
    return -(-prod(tensor.shape.numpy()) * tensor.dtype.bitwidth // 8)
