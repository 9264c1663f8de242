"""Initializers that are inputs too -> initializers, in old models or if told so; unknown sizes of -1"""

import onnx_ir as ir
from onnx_ir.passes.common import RemoveInitializersFromInputsPass

from qudnn.converter.passes.base import ReadPass

_OVERRIDABLE_FROM = 4  # IR version


class SettleInputs(ReadPass):
    """Up to IR version 3 all initializers are inputs, of which onnxruntime 1.31 lets none be given.

    Later such inputs have a default, and stay unless the user says that nobody gives another. It shows a size
    of -1, which older tools write, as an unknown one.
    """

    def run(self, model: ir.Model) -> None:
        old = model.ir_version < _OVERRIDABLE_FROM
        if old or self.context.constant_defaults:
            RemoveInitializersFromInputsPass()(model)
        if old:
            model.ir_version = _OVERRIDABLE_FROM
        for graph in model.graphs():
            values = [*graph.inputs, *(output for node in graph for output in node.outputs)]
            for value in values:
                _forget_negative_sizes(value)


def _forget_negative_sizes(value: ir.Value) -> None:
    sizes = [None if isinstance(size, int) and size < 0 else size for size in value.shape or ()]
    if value.shape is not None and None in sizes:
        value.shape = ir.Shape(sizes)
