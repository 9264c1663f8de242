"""what HideExcluded has hidden => the node as it was"""

import onnx_ir as ir

from qudnn.converter.passes.base import Pass


class ShowExcluded(Pass):
    """Gives nodes their domains back."""

    def run(self, model: ir.Model) -> None:
        for node, domain in self.context.hidden.items():
            node.domain = domain
