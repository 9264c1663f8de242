"""Note the nodes of the user's model, for the report."""

import onnx_ir as ir

from qudnn.converter.analysis.originals import Originals
from qudnn.converter.passes.base import EarlyPass


class NoteOriginals(EarlyPass):
    """The model stays as it is."""

    def run(self, model: ir.Model) -> None:
        self.context.originals = Originals(model)
