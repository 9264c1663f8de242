"""Initializers that are inputs too -> initializers, in old models; a size of -1 => an unknown one"""

import onnx_ir as ir
from onnx_ir.passes.common import RemoveInitializersFromInputsPass

from qudnn.converter.passes.base import Pass

_OVERRIDABLE_FROM = 4  # IR version


class SettleInputs(Pass):
    """Up to IR version 3 all initializers are inputs, of which onnxruntime 1.31 lets none be given.

    Later such inputs are defaults. It shows a size of -1, which older tools write, as an unknown one.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        modified = False
        if model.ir_version < _OVERRIDABLE_FROM:
            modified = RemoveInitializersFromInputsPass()(model).modified
            model.ir_version = _OVERRIDABLE_FROM
        for graph in model.graphs():
            values = [*graph.inputs, *(output for node in graph for output in node.outputs)]
            for value in values:
                modified |= _forget_negative_sizes(value)
        return ir.passes.PassResult(model, modified)


def _forget_negative_sizes(value: ir.Value) -> bool:
    negative = [isinstance(size, int) and size < 0 for size in value.shape or ()]
    if value.shape is None or not any(negative):
        return False
    value.shape = ir.Shape([None if drop else size for drop, size in zip(negative, value.shape, strict=True)])
    return True
