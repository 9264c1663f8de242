"""QMatMul -> QAdd(constant) => QMatMulAdd"""

import onnx_ir as ir

from qudnn.converter.functions import DOMAIN
from qudnn.converter.graph.constants import required_input
from qudnn.converter.graph.edit import add_initializer, replace_node
from qudnn.converter.island.sums import is_matmul_sum, matmul_sum, sum_attributes
from qudnn.converter.passes.base import NodePass


class FuseMatMulAdd(NodePass):
    """A matmul adds a constant of each channel to its results while it has them.

    So onnxruntime's quantizer leaves a layer with a bias: its result is rounded before the bias is added, and
    once more after it. Other passes know matmuls and additions by themselves, so that this comes after all
    but the one that lets matmuls look up their results, which may be these sums.
    """

    def matches(self, node: ir.Node) -> bool:
        return is_matmul_sum(node)

    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        matmul, index, constant = matmul_sum(node)
        value = required_input(node, 1 - index)
        if value.shape != constant.shape:
            name = self.context.names.value(f"{value.name}/of_channels")
            value = add_initializer(graph, name, constant)
        fused = ir.node(
            "QMatMulAdd",
            [matmul.inputs[0], value, *matmul.inputs[1:]],
            attributes={
                **{name: attribute.value for name, attribute in matmul.attributes.items()},
                **sum_attributes(node, index),
            },
            domain=DOMAIN,
            name=matmul.name,
        )
        replace_node(node, fused, described=matmul)
