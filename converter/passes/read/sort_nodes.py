"""Nodes in any order => producers before consumers"""

import onnx_ir as ir

from qudnn.converter.errors import ConversionError
from qudnn.converter.failures import node_text
from qudnn.converter.graph.order import Body, circle, too_early
from qudnn.converter.passes.base import ReadPass

_NODES_SHOWN = 5


class SortNodes(ReadPass):
    """ONNX requires this order; onnxruntime also runs models in other orders, which some tools write.

    (onnxruntime 1.30, graph.cc, Graph::PerformTopologicalSortAndCheckIsAcyclic.)
    Raises ConversionError where there is no order.
    """

    def run(self, model: ir.Model) -> None:
        bodies: list[Body] = [model.graph, *model.functions.values()]
        unsorted = [body for body in bodies if too_early(body) is not None]
        for body in unsorted:
            try:
                body.sort()
            except ValueError as error:
                raise ConversionError(_describe(body)) from error


def _describe(body: Body) -> str:
    nodes = [node_text(node) for node in circle(body)]
    shown = [*nodes[:_NODES_SHOWN], *(["..."] if len(nodes) > _NODES_SHOWN else []), *nodes[:1]]
    return (
        f"the model is not valid, each of these nodes needs what the one before computes: {', '.join(shown)}"
    )
