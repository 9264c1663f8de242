"""Types and shapes of a model's values, as far as ONNX's inference tells them."""

import onnx_ir as ir
from onnx_ir.passes.common import ShapeInferencePass

from converter.qdq.linear import dequantizes, quantizes

# Operators of com.microsoft whose results have the type and the shape of their first input.
_KEEP = {"BiasGelu", "FastGelu", "Gelu", "QuickGelu"}


def infer(model: ir.Model, declared: bool = True) -> ir.Graph:
    """A copy of the model's graph, with what follows from its inputs and from what it declares of values.

    declared: whether shapes that the model declares of values count. Those of its outputs do where nothing
    else is known of them: they are as the user left them.

    ONNX's data propagation stays off: it makes an object for each element of every vector, of 2**40 as well.
    """
    copy = _without_defaults(_with_standard_operators(model.clone()))
    outputs = {value: value.shape for value in copy.graph.outputs if value.producer() is not None}
    forgotten = list(outputs) if declared else [output for node in copy.graph for output in node.outputs]
    for value in forgotten:
        value.shape = None
    ShapeInferencePass(check_type=False, strict_mode=False, data_prop=False)(copy)
    for value, shape in outputs.items() if declared else ():
        if value.shape is None:
            value.shape = shape
    return copy.graph


def _with_standard_operators(model: ir.Model) -> ir.Model:
    """Operators of com.microsoft as ONNX's that have the same results' types and shapes.

    QuantizeLinear and DequantizeLinear, and those that work on each element by itself.
    """
    for node in model.graph:
        scale = node.inputs[1] if quantizes(node) or dequantizes(node) else None
        if scale is not None and scale.dtype == ir.DataType.FLOAT:
            node.domain = ""
        if node.domain == "com.microsoft" and node.op_type in _KEEP:
            node.domain, node.op_type = "", "Identity"
            node.resize_inputs(1)
            node.attributes.clear()
    return model


def _without_defaults(model: ir.Model) -> ir.Model:
    """Inputs as such, not as the constants that they are where a caller gives nothing for them."""
    for value in model.graph.inputs:
        model.graph.initializers.pop(value.name or "", None)
        value.const_value = None
    return model
