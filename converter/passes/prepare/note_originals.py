"""Note the nodes of the user's model, for the report."""

import onnx_ir as ir

from converter.analysis.originals import Originals
from converter.passes.base import Pass


class NoteOriginals(Pass):
    """The model stays as it is."""

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        self.context.originals = Originals(model)
        return ir.passes.PassResult(model, modified=False)
