"""matmul or convolution of float32 with 8-bit weights => DynamicQuantizeLinear -> its integer form -> Mul

MatMul, Gemm, Conv. Only if the user asked for it.
"""

import onnx_ir as ir

from qudnn.converter.analysis.quantized import has_stored_weights
from qudnn.converter.failures import node_name
from qudnn.converter.graph.constants import constant_or_none, required_input
from qudnn.converter.graph.edit import remove_orphans, take_place
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.passes.base import EarlyNodePass
from qudnn.converter.passes.prepare.writer import Writer
from qudnn.converter.qdq.weight_only import bias_of, weights_of

_NOTE = (
    "its activations are quantized at run time, as you asked for: each of them changes by up to 1/510 of the "
    "range that they and 0 have"
)
_OPSET = 11  # the oldest with DynamicQuantizeLinear
_FLOAT = int(ir.DataType.FLOAT)


class QuantizeActivations(EarlyNodePass):
    """The form that onnxruntime's dynamic quantizer writes: rules and passes know it."""

    SORTS = True

    def run(self, model: ir.Model) -> None:
        self._quantized: dict[ir.Value, ir.Node] = {}
        if self.context.quantize_activations and model.opset_imports.get("", 0) >= _OPSET:
            super().run(model)

    def matches(self, node: ir.Node) -> bool:
        if not is_onnx(node, "MatMul", "Gemm", "Conv") or not has_stored_weights(node):
            return False
        return not self.context.selection.why_left([(node_name(node), node.op_type)])

    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        weights, bias = weights_of(node), bias_of(node)
        after = [1] * (weights.values.ndim - 2) if is_onnx(node, "Conv") else []
        quantize = self._quantize(required_input(node, 0), graph)
        scale = weights.scales if weights.scales.size == 1 else weights.scales.reshape(-1, *after)
        write = Writer(self.context.names, node.name, graph)
        values = write.constant("values", weights.values)
        zero_point = write.constant("zero_point", weights.zero_points.reshape(-1))
        q, x_scale, x_zero_point = quantize.outputs
        inputs = [q, values, x_zero_point, zero_point]
        cast = write("Cast", node.outputs[0], to=_FLOAT)
        scaled = write("Mul", cast, write("Mul", x_scale, write.constant("scale", scale)))
        if bias is not None:
            if is_onnx(node, "Conv"):
                array = constant_or_none(bias)
                assert array is not None
                bias = write.constant("bias", array.reshape(-1, *after))
            write("Add", scaled, bias)
        self._replace(node, inputs, write.nodes, graph)

    def _replace(self, node: ir.Node, inputs: list[ir.Value], chain: list[ir.Node], graph: ir.Graph) -> None:
        old = [value for value in node.inputs if value is not None]
        y, last = node.outputs[0], chain[-1].outputs[0]
        take_place(y, last)
        chain[0].replace_input_with(0, y)
        y.name, y.type = self.context.names.value(f"{last.name}/sums"), ir.TensorType(ir.DataType.INT32)
        node.resize_inputs(len(inputs))
        for index, value in enumerate(inputs):
            node.replace_input_with(index, value)
        if is_onnx(node, "Gemm"):
            node.attributes.clear()
        node.op_type = "ConvInteger" if is_onnx(node, "Conv") else "MatMulInteger"
        graph.insert_after(node, chain)
        self.context.notes[node] = _NOTE
        remove_orphans(filter(None, (value.producer() for value in old)))

    def _quantize(self, x: ir.Value, graph: ir.Graph) -> ir.Node:
        """The one node that quantizes x."""
        if x not in self._quantized:
            names = self.context.names
            node = ir.node("DynamicQuantizeLinear", [x], num_outputs=3, name=names.node(f"{x.name}/quantize"))
            for output, what in zip(node.outputs, ("quantized", "scale", "zero_point"), strict=True):
                output.name = names.value(f"{x.name}/{what}")
            producer = x.producer()
            if producer is not None and producer.graph is graph:
                graph.insert_after(producer, node)
            else:
                graph.insert_before(graph[0], node)
            self._quantized[x] = node
        return self._quantized[x]
