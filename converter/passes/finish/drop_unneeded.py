"""node of whose results nothing needs any, after ops of qudnn => nothing"""

import onnx_ir as ir

from qudnn.converter.domain import DOMAIN
from qudnn.converter.graph.constants import constant_tensor
from qudnn.converter.graph.edit import is_needed, remove_orphans
from qudnn.converter.passes.base import Pass


class DropUnneeded(Pass):
    """Beside such a node onnxruntime 1.18 computes something else, from a session's second run on.

    The report still says why those of the user's were left. What reads other tensors, too, stays: without it
    onnxruntime might make other operators of what is left.
    """

    def run(self, model: ir.Model) -> None:
        nodes = list(model.graph)
        after: set[ir.Node] = set()
        for node in nodes:
            inputs = [value for value in node.inputs if value is not None and constant_tensor(value) is None]
            if node.domain == DOMAIN or (inputs and all(value.producer() in after for value in inputs)):
                after.add(node)
        remove_orphans([node for node in nodes if node in after and not any(map(is_needed, node.outputs))])
        gone = (node for node in nodes if node.graph is None and node.domain != DOMAIN)
        self.context.unneeded.update(dict.fromkeys(gone))
