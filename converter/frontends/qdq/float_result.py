"""The float32 result of a matmul of dequantized tensors that no QuantizeLinear follows."""

from collections.abc import Sequence

import onnx_ir as ir

from qudnn.converter.frontends.qdq.operand import MOVED_IN_FLOAT, Operand, parameter_ranks
from qudnn.converter.graph.edit import sole_consumer
from qudnn.converter.graph.op_traits import Trait, has_trait
from qudnn.converter.qdq.linear import quantizes

LAST_BITS = "onnxruntime computes it in float32: results may differ in their last bits"


def float_note(node: ir.Node, operands: Sequence[Operand]) -> str:
    """Why the matmul, if these are its inputs, may differ from onnxruntime; empty if it does not.

    As NodeGroupSelector::GetQDQSelection and MatMulNodeGroupSelector (1.31) have it, after ReluQuantFusion.
    """
    if any(operand.in_float for operand in operands):
        return f"{MOVED_IN_FLOAT}{LAST_BITS}"
    if any(operand.is_int8 for operand in operands):
        return (
            "one of its int8 tensors has several consumers or is an input or output of the model, "
            f"so {LAST_BITS}"
        )
    if any(max(parameter_ranks(value), default=0) > 1 for value in node.inputs):
        return f"a scale or zero point of its inputs has several dimensions, so {LAST_BITS}"
    if any(quantizes(consumer) for consumer in _consumers(node)):
        return f"only some consumers of its result quantize it, so {LAST_BITS}"
    uses = list(node.outputs[0].uses())
    if len(uses) == 1 and has_trait(uses[0].node, Trait.CLIPS):
        y = uses[0].node.outputs[0]
        if len(list(y.uses())) == 1 and not y.is_graph_output():
            return f"an activation is the sole consumer of its result, so {LAST_BITS}"
    return ""


def _consumers(node: ir.Node) -> list[ir.Node]:
    """The result's consumers; if QuantizeLinear is the sole consumer of an activation, it stands for it."""
    consumers = [use.node for use in node.outputs[0].uses()]
    for index, consumer in enumerate(consumers):
        after = sole_consumer(consumer.outputs[0]) if has_trait(consumer, Trait.CLIPS) else None
        if after is not None and quantizes(after):
            consumers[index] = after
    return consumers
