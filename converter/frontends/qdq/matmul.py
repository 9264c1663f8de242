"""DequantizeLinear -> MatMul with constant weights -> (Add of a bias) -> QuantizeLinear -> QMatMul"""

from dataclasses import replace

import numpy as np
import onnx_ir as ir

from converter.candidate import Candidate
from converter.constants import constant_or_none, required_input
from converter.facts import Facts
from converter.frontends.qdq.bias import bias
from converter.frontends.qdq.operand import operand
from converter.frontends.qdq.result import IN_FLOAT, result
from converter.frontends.qdq.weights import weights
from converter.linear import dequantizes
from converter.ops import matmul as op


def matmul(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: a, b."""
    a = operand(node, 0, facts)
    b = weights(required_input(node, 1), output_axis=-1)
    shape = facts.ranked(a.value)
    added = _bias_behind(node)
    last, c = (node, None) if added is None else added
    y = result(last)
    candidate = op.matmul(
        (node, *([] if last is node else [last]), *y.covers),
        a.value,
        a.quantization,
        b.values,
        b.scales,
        b.zero_points,
        bias(c, a.quantization, b.scales, b.values.shape[-1]),
        y.value,
        y.quantization,
        shape,
        clamp=y.clamp,
    )
    note = y.note([a])
    if c is not None and len(shape) > 2 and not all(isinstance(size, int) for size in shape):
        note = note or f"it is no Gemm where sizes are not fixed, for which reason {IN_FLOAT}"
    return replace(candidate, note=note)


def _bias_behind(node: ir.Node) -> tuple[ir.Node, ir.Value] | None:
    """The Add of a vector that alone reads the product, and the vector: together they are a Gemm."""
    y = node.outputs[0]
    readers = [use.node for use in y.uses()]
    if len(readers) != 1 or y.is_graph_output() or (readers[0].domain, readers[0].op_type) != ("", "Add"):
        return None
    (added,) = [value for value in readers[0].inputs if value is not y] or [None]
    if added is None:
        return None
    producer = added.producer()
    if producer is not None and dequantizes(producer):
        source = constant_or_none(required_input(producer, 0))
        return (readers[0], added) if source is not None and source.dtype == np.int32 else None
    array = constant_or_none(added)
    return (readers[0], added) if array is not None and array.ndim == 1 else None
