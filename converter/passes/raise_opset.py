"""Raise the model's opset to the oldest one in which the function bodies are valid."""

import logging

import onnx_ir as ir
from onnxscript.version_converter import ConvertVersionPass

from converter.frontends import RULES
from converter.functions import MIN_OPSET
from converter.passes.base import Pass


class RaiseOpset(Pass):
    """A model that is new enough, has nothing to convert, or cannot be raised, is left as it is."""

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        opset = model.opset_imports.get("", MIN_OPSET)
        quantized = any((node.domain, node.op_type) in RULES for node in model.graph)
        if opset >= MIN_OPSET or not quantized:
            return ir.passes.PassResult(model, modified=False)
        log = logging.getLogger("onnxscript.version_converter")
        level = log.level
        log.setLevel(logging.CRITICAL)  # it warns about how it goes about it; a failure shows in the opset
        try:
            return ConvertVersionPass(MIN_OPSET, fallback=True)(model)
        finally:
            log.setLevel(level)
