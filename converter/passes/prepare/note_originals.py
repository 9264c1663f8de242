"""Note the nodes of the user's model, for the report."""

import onnx_ir as ir

from qudnn.converter.analysis.originals import Originals
from qudnn.converter.passes.base import Pass


class NoteOriginals(Pass):
    """The model stays as it is."""

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        self.context.originals = Originals(model)
        return ir.passes.PassResult(model, modified=False)
