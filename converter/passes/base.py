"""What a pass is."""

import onnx_ir as ir

from qudnn.converter.context import Context


class Pass(ir.passes.InPlacePass):
    """A step of the pipeline: it changes the model in place and leaves it valid and computing the same."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
