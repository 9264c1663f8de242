"""Raise the model's opset to the oldest one in which the function bodies are valid."""

import onnx_ir as ir
from onnxscript.version_converter import ConvertVersionPass

from qudnn.converter.frontends import QUANTIZED
from qudnn.converter.functions import MIN_OPSET
from qudnn.converter.passes.base import EarlyPass


class RaiseOpset(EarlyPass):
    """A model that is new enough, has nothing to convert, or cannot be raised, is left as it is."""

    def run(self, model: ir.Model) -> None:
        opset = model.opset_imports.get("", MIN_OPSET)
        quantized = any((node.domain, node.op_type) in QUANTIZED for node in model.graph.all_nodes())
        if opset >= MIN_OPSET or not quantized:
            return
        before = [(value.name, value.type, value.shape) for value in _interface(model)]
        ConvertVersionPass(MIN_OPSET, fallback=True)(model)
        # On its way it infers shapes: the inputs and outputs are to stay as they were declared.
        for value, (name, type_, shape) in zip(_interface(model), before, strict=True):
            assert value.name == name
            value.type, value.shape = type_, shape
        self.context.originals.follow(model.graph)


def _interface(model: ir.Model) -> list[ir.Value]:
    return [*model.graph.inputs, *model.graph.outputs]
