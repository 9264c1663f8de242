"""com.microsoft QEmbedLayerNormalization => Gather -> DequantizeLinear -> Add -> SkipLayerNormalization"""

import numpy as np
import onnx_ir as ir

from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import constant, node_input, required_input, scale_array
from qudnn.converter.graph.edit import is_needed, remove_orphans, take_place
from qudnn.converter.graph.op_traits import CONTRIB, is_contrib
from qudnn.converter.island.packing import Float32Array
from qudnn.converter.passes.base import EarlyNodePass
from qudnn.converter.passes.prepare.writer import Writer

_OPSET = 13  # the oldest with the forms of ReduceSum and DequantizeLinear that are written here
_NOTE = (
    "its LayerNormalization is computed apart, which adds up in another order than onnxruntime's kernel: "
    "results may differ in their last bits"
)
_EPSILON = 1e-12


class UnfuseEmbedding(EarlyNodePass):
    """onnxruntime has no kernel of it for a GPU; it has one of each of these.

    (onnxruntime 1.30, qembed_layer_norm.cc.) Tables stay in 8 bits: what is looked up is dequantized.
    """

    REPORTED = True

    def run(self, model: ir.Model) -> None:
        self._opset = model.opset_imports.get("", 0)
        super().run(model)

    def matches(self, node: ir.Node) -> bool:
        return is_contrib(node, "QEmbedLayerNormalization")

    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        if self._opset < _OPSET:
            raise Refusal(f"the model's opset is {self._opset}, below {_OPSET}")
        counts = len(node.outputs) > 1 and is_needed(node.outputs[1])
        mask, segments = node_input(node, 7), node_input(node, 1)
        if counts and mask is None:
            raise Refusal("its second result is needed, and it has no mask")
        gamma, beta = _dequantized(node, 5, "gamma"), _dequantized(node, 6, "beta")
        write = Writer(self.context.names, node.name, graph)
        ids = required_input(node, 0)

        words = _looked_up(write, node, 2, ids)
        length = write("Gather", write("Shape", ids), write.numbers("second", [1]), axis=0)
        first = write.numbers("first", [0])
        position = write("Slice", required_input(node, 3), first, length, first)
        positions = _dequantize(write, node, 3, position)
        if segments is None:
            terms = words, positions
        else:
            # The first one tells the shape: how long the positions are is not known.
            terms = _looked_up(write, node, 4, segments), write.floats("Add", words, positions)
        epsilon = node.attributes.get_float("epsilon", _EPSILON)
        weights = write.constant("gamma", gamma), write.constant("beta", beta)
        y = write.floats("SkipLayerNormalization", *terms, *weights, domain=CONTRIB, epsilon=epsilon)
        self.context.notes[write.nodes[-1]] = _NOTE
        take_place(node.outputs[0], y)
        if counts and mask is not None:
            ones = write("Equal", mask, write.constant("one", np.array(1, np.int32)))
            numbers = write("Cast", ones, to=int(ir.DataType.INT32))
            count = write("ReduceSum", numbers, write.numbers("keys", [1]), keepdims=0)
            take_place(node.outputs[1], count)
            count.shape = ir.Shape([None])
        graph.insert_after(node, write.nodes)
        remove_orphans([node])


def _looked_up(write: Writer, node: ir.Node, table: int, ids: ir.Value) -> ir.Value:
    return _dequantize(write, node, table, write("Gather", required_input(node, table), ids, axis=0))


def _dequantize(write: Writer, node: ir.Node, table: int, value: ir.Value) -> ir.Value:
    """What came out of the table, which is one of inputs 2 to 4; it has a scale and a zero point."""
    scale, zero_point = required_input(node, table + 6), required_input(node, table + 11)
    scalars = scale_array(scale, "embedding's scale"), constant(zero_point, "embedding's zero point")
    if any(array.size != 1 for array in scalars):
        raise Refusal("its embeddings are not quantized per tensor")
    parameters = (write.constant(f"table{table}", array.reshape(())) for array in scalars)
    return write.floats("DequantizeLinear", value, *parameters)


def _dequantized(node: ir.Node, index: int, what: str) -> Float32Array:
    values = constant(node_input(node, index), what)
    scale = scale_array(node_input(node, index + 6), f"{what}'s scale")
    zero_point = constant(node_input(node, index + 11), f"{what}'s zero point")
    if values.ndim != 1 or scale.size != 1 or zero_point.size != 1:
        raise Refusal(f"its {what} is not quantized per tensor")
    difference = values.astype(np.int32) - zero_point.reshape(()).astype(np.int32)
    array: Float32Array = difference.astype(np.float32) * scale.reshape(())
    return array
