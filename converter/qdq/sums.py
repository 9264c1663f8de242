"""(DequantizeLinear + a constant) + DequantizeLinear: a residual addition in front of a normalization."""

from typing import NamedTuple

import onnx_ir as ir

from qudnn.converter.graph.constants import constant_or_none, required_input
from qudnn.converter.graph.edit import sole_consumer
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.qdq.linear import dequantizes


class BiasedSum(NamedTuple):
    """(x + bias) + residual. The nodes whose inputs of these indices are dequantized tensors.

    biased: the Add of the bias, before the sum; None without one, and x is an input of the sum then.
    """

    total: ir.Node
    biased: ir.Node | None
    bias: ir.Value | None
    x_index: int
    residual_index: int

    @property
    def x_node(self) -> ir.Node:
        """The node that reads x."""
        return self.biased or self.total


def biased_sum(node: ir.Node | None) -> BiasedSum | None:
    """The sum that the node is the end of; None where it adds anything else."""
    if not is_onnx(node, "Add"):
        return None
    for index in (0, 1):
        if not _is_dequantized(node, 1 - index):
            continue
        if _is_dequantized(node, index):
            return BiasedSum(node, None, None, index, 1 - index)
        before = required_input(node, index).producer()
        if not is_onnx(before, "Add") or sole_consumer(before.outputs[0], once=True) is not node:
            continue
        for inner in (0, 1):
            bias = required_input(before, 1 - inner)
            if _is_dequantized(before, inner) and constant_or_none(bias) is not None:
                return BiasedSum(node, before, bias, inner, 1 - index)
    return None


def _is_dequantized(node: ir.Node, index: int) -> bool:
    """Whether the input is dequantized from a tensor that is computed."""
    dequantize = required_input(node, index).producer()
    return dequantizes(dequantize) and constant_or_none(required_input(dequantize, 0)) is None
