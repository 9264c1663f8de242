"""Raise the model's opset to the oldest one in which the function bodies are valid."""

import logging

import onnx
import onnx.version_converter
import onnx_ir as ir
from onnx_ir.passes import common

from qudnn.converter.frontends import QUANTIZED
from qudnn.converter.functions import MIN_OPSET
from qudnn.converter.passes.base import EarlyPass

_SMALL = 1024  # bytes: what may be a shape or axes, which ONNX's converter reads


class RaiseOpset(EarlyPass):
    """A model that is new enough, has nothing to convert, or cannot be raised, is left as it is.

    ONNX's own converter does it. It knows no functions, so they are inlined first.
    """

    def run(self, model: ir.Model) -> None:
        opset = model.opset_imports.get("", MIN_OPSET)
        quantized = any((node.domain, node.op_type) in QUANTIZED for node in model.graph.all_nodes())
        if opset >= MIN_OPSET or not quantized:
            return
        before = [(value.name, value.type, value.shape) for value in _interface(model)]
        common.InlinePass()(model)
        model.functions.clear()
        common.RemoveUnusedOpsetsPass()(model)
        try:
            raised = onnx.version_converter.convert_version(_without_weights(model), MIN_OPSET)
        except Exception as error:  # of any type, for any reason
            logging.getLogger(__name__).info("opset %d stays: %s", opset, error)
            return
        model.graph = _with_weights(ir.from_proto(raised).graph, model.graph)
        ir.passes.Sequential(common.RemoveUnusedNodesPass(), common.RemoveUnusedOpsetsPass())(model)
        # On its way it infers shapes: the inputs and outputs are to stay as they were declared.
        for value, (name, type_, shape) in zip(_interface(model), before, strict=True):
            assert value.name == name
            value.type, value.shape = type_, shape
        self.context.originals.follow(model.graph)


def _interface(model: ir.Model) -> list[ir.Value]:
    return [*model.graph.inputs, *model.graph.outputs]


def _without_weights(model: ir.Model) -> onnx.ModelProto:
    """The model with inputs in the place of its weights: ONNX's converter takes no more than 2 GB."""
    graph = model.graph
    weights, inputs = list(graph.initializers.values()), list(graph.inputs)
    for weight in weights:
        tensor = weight.const_value
        if tensor is not None and tensor.nbytes > _SMALL:
            del graph.initializers[str(weight.name)]
            weight.type = ir.TensorType(tensor.dtype)
            weight.shape = ir.Shape(tensor.shape.numpy())
    declared = {id(value) for value in inputs}
    graph.inputs.extend(weight for weight in weights if id(weight) not in declared)
    try:
        return ir.to_proto(model)
    finally:
        graph.inputs[:] = inputs
        for weight in weights:
            graph.initializers[str(weight.name)] = weight


def _with_weights(graph: ir.Graph, original: ir.Graph) -> ir.Graph:
    """The graph with the weights of the one that it was made of."""
    inputs = {value.name for value in original.inputs}
    for value in graph.inputs:
        if value.name is not None and value.name in original.initializers:
            value.const_value = original.initializers[value.name].const_value
            graph.register_initializer(value)
    graph.inputs[:] = [value for value in graph.inputs if value.name in inputs]
    return graph
