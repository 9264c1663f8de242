"""a node that the user excludes => the same, of a domain that no pass knows"""

import onnx_ir as ir

from qudnn.converter.graph.op_traits import Trait, has_trait
from qudnn.converter.passes.base import Pass

_HIDDEN = "qudnn.excluded"


class HideExcluded(Pass):
    """Keeps the passes that join islands with their neighbours from touching what the user excludes.

    Recognise has made no candidates of such nodes. Q/DQ nodes that are only not included are the neighbours'
    own, and stay as they are.
    """

    def run(self, model: ir.Model) -> None:
        originals, selection = self.context.originals, self.context.selection
        if not selection:
            return
        for node in model.graph:
            number = originals.number_of(node)
            if number is None or has_trait(node, Trait.CONVERTS):
                continue
            original = originals.graph[number]
            if selection.why_left([(original.name, original.op_type)]):
                self.context.hidden[node] = node.domain
                node.domain = _HIDDEN
