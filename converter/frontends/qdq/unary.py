"""DequantizeLinear -> elementwise operators, also per channel -> QuantizeLinear => QTable"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
from numpy.typing import NDArray

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import IN_FLOAT, Refusal
from qudnn.converter.graph.constants import constant, constant_or_none, required_input, single
from qudnn.converter.graph.marks import QUANTIZED_APART, STAYS_INT8
from qudnn.converter.graph.op_traits import Trait, has_trait, is_onnx
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.port import port
from qudnn.converter.lowering.elementwise.table import Channels, make_channel_table, make_table, run_chain
from qudnn.converter.qdq.linear import dequantizes, quantizes, read_with, written_with

_MOST_NODES = 32  # of a function
_PARAMETERS = {1: "scale", 2: "bias", 3: "mean", 4: "variance"}  # of BatchNormalization, by input


def unary(node: ir.Node, facts: Facts) -> Candidate:
    """Any number of operators may stand before the node: node is the last one, QuantizeLinear reads it.

    onnxruntime's bits come by construction: all 256 values go through the operators themselves.
    """
    sources, nodes = reach(node, facts)
    if len(sources) != 1:
        raise Refusal("it combines several quantized tensors")
    _refuse_integer_constants(sources[0], nodes, facts)
    return table(sources[0], nodes, _quantizer(node), facts)


def table(x: ir.Value, nodes: list[ir.Node], quantize: ir.Node, facts: Facts) -> Candidate:
    """nodes: from the DequantizeLinear of x to what quantize reads, in an order in which they can run."""
    y = quantize.outputs[0]
    dtypes = [read_with(n, facts.dtype(x)).dtype for n in nodes if dequantizes(n) and n.inputs[0] is x]
    written_with(quantize)  # raises Refusal where it is not per tensor, or not in float32
    chain = [*nodes, quantize]
    channels = channels_of(x, chain, _axis_of(x, chain, facts), facts)
    constants = constants_of(x, chain, channels)
    # What stays int8 has to be so here too: with types that differ, onnxruntime computes in float32
    # (UnaryNodeGroupSelector, qdq_selectors.cc, 1.30).
    for node in chain:
        if (node is quantize and STAYS_INT8.is_on(y)) or (node.inputs[0] is x and STAYS_INT8.is_on(x)):
            name = required_input(node, 2).name or ""
            constants[name] = _int8(constants[name])
    protos = [proto for proto in map(ir.to_proto, chain) if isinstance(proto, onnx.NodeProto)]
    if QUANTIZED_APART.is_on(y) or len(required_input(quantize, 0).uses()) > 1:
        protos.insert(-1, _kept_in_float(protos[-1]))
    values = run_chain(
        protos,
        x.name or "",
        ir.DataType.INT8 if STAYS_INT8.is_on(x) else dtypes[0],
        y.name or "",
        constants,
        facts.opsets,
        channels,
    )
    covers = (*(node for node in reversed(nodes) if not dequantizes(node)), quantize)
    in_dtype = _uint8(values) if STAYS_INT8.is_on(y) else values
    if channels is None:
        return make_table(covers, x, y, dtypes[0], in_dtype, facts)
    return make_channel_table(covers, x, y, dtypes[0], in_dtype, channels.axis, facts)


def _kept_in_float(quantize: onnx.NodeProto) -> onnx.NodeProto:
    """A node before the last that keeps onnxruntime from making an integer operator of the others.

    (NodeGroupSelector::GetQDQSelection, qdq_selectors.cc, 1.30.)
    """
    kept = onnx.helper.make_node("Sum", [quantize.input[0]], [f"{quantize.input[0]}/in_float"])
    quantize.input[0] = kept.output[0]
    return kept


def constants_of(x: ir.Value, chain: Sequence[ir.Node], channels: Channels | None) -> dict[str, NDArray[Any]]:
    """All that nodes read but x and their own results, by name; without channels of one element each."""
    inside = {x, *(output for node in chain for output in node.outputs)}
    outer = [value for node in chain for value in node.inputs if value is not None and value not in inside]
    read = single if channels is None else constant
    return {value.name or "": read(value, "constant") for value in outer}


def channels_of(x: ir.Value, chain: Sequence[ir.Node], axis: int, facts: Facts) -> Channels | None:
    """The channels of x, along the axis, if nodes of the chain have constants for each.

    None where all have one element.
    """
    normalizes = any(is_onnx(node, "BatchNormalization") for node in chain)
    arrays = [
        array
        for node in chain
        if not is_onnx(node, "BatchNormalization") and not dequantizes(node)
        for value in node.inputs
        if value is not None and (array := _values(value)) is not None and array.size != 1
    ]
    if not arrays and not normalizes:
        return None
    shape = facts.ranked(x)
    x_port = port(x, shape, axis, facts.eight_bit(x))
    axis, count, rank = x_port.channel_axis, x_port.channels, len(shape)
    along = tuple(count if place == axis else 1 for place in range(rank))
    if rank < 2 or (normalizes and axis != 1):
        raise Refusal("its channels are not along axis 1")
    if any((1,) * (rank - array.ndim) + array.shape != along for array in arrays):
        raise Refusal("it has a constant that is not one element, nor one for each channel")
    return Channels(rank, axis, count)


def _axis_of(x: ir.Value, chain: Sequence[ir.Node], facts: Facts) -> int:
    """The axis of the channels: where no island tells, one that constants have numbers for."""
    axis = facts.channel_axis_of(x)
    if facts.channel_axis(x) is None:
        for other in axis, len(facts.ranked(x)) - 1, 1:
            try:
                channels_of(x, chain, other, facts)
            except Refusal:
                continue
            return other
    return axis


def _values(value: ir.Value) -> NDArray[Any] | None:
    """The constant, as it is or as it is quantized."""
    producer = value.producer()
    if producer is not None and dequantizes(producer):
        value = required_input(producer, 0)
    return constant_or_none(value)


def _int8(values: NDArray[Any]) -> NDArray[Any]:
    """uint8 - 128"""
    return (values ^ np.uint8(128)).view(np.int8)


def _uint8(values: NDArray[Any]) -> NDArray[Any]:
    """int8 + 128"""
    return values.view(np.uint8) ^ np.uint8(128)


def reach(node: ir.Node, facts: Facts) -> tuple[list[ir.Value], list[ir.Node]]:
    """The 8-bit tensors that the node's result depends on, and the nodes between, in order.

    Only elementwise operators lie between, and all else that they read are constants.
    """
    sources: dict[ir.Value, None] = {}
    nodes: dict[ir.Node, None] = {}
    waiting = [(node, False)]
    started: set[ir.Node] = set()
    while waiting:
        reached, is_done = waiting.pop()
        if is_done:
            nodes[reached] = None
            continue
        if reached in started:
            continue
        started.add(reached)
        if len(started) > _MOST_NODES:
            raise Refusal(f"more than {_MOST_NODES} operators in a row work in floating point")
        if dequantizes(reached):
            x = required_input(reached, 0)
            if constant_or_none(x) is None:
                sources[x] = None
        elif not has_trait(reached, Trait.ELEMENTWISE):
            raise Refusal(f"its input comes from {reached.op_type} in floating point")
        waiting.append((reached, True))
        producers = []
        for value in reached.inputs:
            if value is None or value in sources:
                continue
            array = constant_or_none(value)
            producer = value.producer()
            if array is None and (producer is None or producer.graph is not node.graph):
                raise _not_constant(value, reached, node)
            if array is None and producer is not None:
                producers.append((producer, False))
        waiting += reversed(producers)
    return list(sources), list(nodes)


def _not_constant(value: ir.Value, reader: ir.Node, node: ir.Node) -> Refusal:
    """Why an input of the graph, which the reader reads, keeps node from being a function of one tensor."""
    index = reader.inputs.index(value)
    what = _PARAMETERS.get(index) if is_onnx(reader, "BatchNormalization") else None
    if what is None and not value.is_initializer():
        return Refusal(IN_FLOAT)
    if reader is not node:
        return Refusal(f"its input comes from {reader.op_type} in floating point")
    try:
        constant(value, what or "constant")
    except Refusal as refusal:
        return refusal
    return Refusal(IN_FLOAT)


def _refuse_integer_constants(x: ir.Value, nodes: Sequence[ir.Node], facts: Facts) -> None:
    """Of more than one element and x's type: with them onnxruntime computes in integers.

    (BinaryNodeGroupSelector, qdq_selectors.cc, 1.30.)

    That gives other bits for one element than for a row.
    """
    for node in nodes:
        array = constant_or_none(required_input(node, 0)) if dequantizes(node) else None
        if array is None or array.size == 1:
            continue
        consumers = {use.node for use in node.outputs[0].uses()}.intersection(nodes)
        if all(is_onnx(consumer, "BatchNormalization") for consumer in consumers):
            continue
        dtype = ir.DataType.INT8 if STAYS_INT8.is_on(x) else facts.dtype(x)
        if ir.DataType.from_numpy(array.dtype) == dtype:
            raise Refusal("it has a quantized constant of more than one element")


def _quantizer(node: ir.Node) -> ir.Node:
    """The one QuantizeLinear that reads the node's result; others may read it in floating point."""
    y = node.outputs[0]
    consumers = [use.node for use in y.uses()]
    if not consumers or y.is_graph_output():
        raise Refusal("its result is not quantized")
    quantizers = [other for other in consumers if quantizes(other) and other.graph is node.graph]
    if len(quantizers) > 1:
        raise Refusal("its result is quantized several times, with different numbers")
    if not quantizers:
        raise Refusal(f"{consumers[0].op_type} consumes its result in floating point")
    return quantizers[0]
