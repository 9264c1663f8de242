"""QTable -> QTable => QTable; also QAdd and QMul with a constant, or of tables of one tensor"""

from collections.abc import Mapping

import onnx_ir as ir

from qudnn.converter.errors import Refusal
from qudnn.converter.evaluate import runtime
from qudnn.converter.functions import DOMAIN
from qudnn.converter.graph.edit import add_initializer, replace_node
from qudnn.converter.island.crossings import is_qudnn
from qudnn.converter.island.sums import behind_sum
from qudnn.converter.island.tables import TableFunction, functions_of
from qudnn.converter.passes.base import Pass


class FuseTables(Pass):
    """One pass over memory in the place of several, with the same bits: they are computed for all inputs.

    A QAdd or QMul with a constant for each channel and the function after that become one table for each
    channel. Alone it stays, as it is as fast as a table; so does a bias after a matmul, which will add it,
    where the function after it has one table for all channels.
    """

    def run(self, model: ir.Model) -> None:
        if any(is_qudnn(node, "QAdd", "QMul") for node in model.graph):
            try:
                runtime()
            except Refusal as refusal:
                self.context.remarks[f"elementwise operators are not fused into one: {refusal}"] = None
        functions = functions_of(model.graph)
        if self._fuse_all(functions, model.graph):
            functions = functions_of(model.graph)  # what the parts of a Gelu have read, one node reads now
        for node in functions:
            self._explain(node, functions)
        self._fuse_all(functions, model.graph)

    def _fuse_all(self, functions: dict[ir.Node, TableFunction], graph: ir.Graph) -> bool:
        fused = False
        # Backwards: the input of a function may itself be fused, and is replaced in its consumers.
        for node, found in reversed(functions.items()):
            if found.nodes > 1 or (found.table.ndim == 1 and not is_qudnn(node, "QTable")):
                after = behind_sum(found)
                if after.nodes == 1 and is_qudnn(node, "QTable"):
                    continue  # it stands right behind the sum
                self._fuse(node, after, graph)
                fused = True
        return fused

    def _explain(self, node: ir.Node, functions: Mapping[ir.Node, TableFunction]) -> None:
        """Why the function before the node is not fused with it."""
        for value in node.inputs:
            before = None if value is None else value.producer()
            if value is None or before is None or before not in functions:
                continue
            if len(value.uses()) > 1 or value.is_graph_output():
                self.decline(node, f"the function before it, {before.op_type}, has other consumers")

    def _fuse(self, node: ir.Node, found: TableFunction, graph: ir.Graph) -> None:
        table = add_initializer(graph, self.context.names.value(f"{node.name}/table"), found.table)
        fused = ir.node("QTable", [found.x, table], domain=DOMAIN, name=node.name)
        replace_node(node, fused, described=node)
