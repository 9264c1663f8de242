"""operator in float32 -> QuantizeLinear => operator -> Sum of one tensor -> QuantizeLinear"""

import onnx_ir as ir

from qudnn.converter.analysis.arithmetic import Arithmetic, common
from qudnn.converter.graph.constants import required_input
from qudnn.converter.graph.edit import sole_consumer
from qudnn.converter.graph.marks import QUANTIZED_APART, READ_IN_FLOAT, STAYS_INT8
from qudnn.converter.graph.op_traits import Trait, has_trait, is_onnx
from qudnn.converter.passes.base import PartitionPass
from qudnn.converter.qdq.linear import dequantizes, has_integer_form, quantizes


class KeepInFloat(PartitionPass):
    """Keeps operators outside of islands in float where passes took away what kept them so.

    Int8ToUint8 gave their tensors one type, or MergeEqualPairs left one QuantizeLinear of several.

    onnxruntime would make an integer operator of the one between them now (onnxruntime 1.30,
    qdq_selectors.cc). A Sum of one tensor is that tensor, and prevents it: after the operator, or before it
    where nothing quantizes its result.
    """

    def run(self, model: ir.Model) -> None:
        covered = {node for candidate in self.context.candidates for node in candidate.covers}
        for node in list(model.graph):
            if node in covered or not has_integer_form(node):
                continue
            if _was_in_float(node):
                (use,) = node.outputs[0].uses()
                self._keep(node.outputs[0], use.node, use.idx)
                self.context.kept_in_float.add(node)
            elif has_trait(node, Trait.INTEGER_FORM_TO_FLOAT) and _reads_in_float(node):
                self._keep(required_input(node, 0), node, 0)
                self.context.kept_in_float.add(node)

    def _keep(self, y: ir.Value, consumer: ir.Node, index: int) -> None:
        """Let the consumer read a Sum of y alone, as its input of this index."""
        producer = y.producer()
        assert producer is not None and producer.graph is not None
        kept = ir.node("Sum", [y], name=self.context.names.node(f"{producer.name}/in_float"))
        kept.outputs[0].name = self.context.names.value(f"{y.name}/in_float")
        producer.graph.insert_after(producer, kept)
        consumer.replace_input_with(index, kept.outputs[0])
        shape = self.context.facts.shape(y)
        if shape is not None:
            self.context.facts.note_shape(kept.outputs[0], ir.DataType.FLOAT, shape)


def _reads_in_float(node: ir.Node) -> bool:
    """Whether the first input of the node is of a tensor that onnxruntime does not quantize."""
    source = required_input(node, 0).producer()
    return dequantizes(source) and READ_IN_FLOAT.is_on(required_input(source, 0))


def _was_in_float(node: ir.Node) -> bool:
    """Whether onnxruntime left it in float32, between tensors of which all have become uint8 since.

    By NodeGroupSelector and those derived of it (qdq_selectors.cc, 1.30).
    """
    quantize = _quantizer(node)
    sources = [value.producer() for value in node.inputs if value is not None]
    tensors = [required_input(source, 0) for source in sources if source is not None and dequantizes(source)]
    if quantize is None or not tensors:
        return False
    if QUANTIZED_APART.is_on(quantize.outputs[0]) or any(map(READ_IN_FLOAT.is_on, tensors)):
        return True
    if not any(map(STAYS_INT8.is_on, [*tensors, quantize.outputs[0]])):
        return False
    if has_trait(node, Trait.CONTRACTS):
        tensors = tensors[:1]
    are_int8 = [STAYS_INT8.is_on(tensor) for tensor in (*tensors, quantize.outputs[0])]
    if is_onnx(node, "Conv", "MatMul"):
        return any(are_int8)
    return common(are_int8) is Arithmetic.FLOAT32


def _quantizer(node: ir.Node) -> ir.Node | None:
    """The QuantizeLinear that is the result's sole consumer, possibly after an activation."""
    consumer = sole_consumer(node.outputs[0], once=True, inside=True)
    while has_trait(consumer, Trait.CLIPS):
        consumer = sole_consumer(consumer.outputs[0], once=True, inside=True)
    return consumer if quantizes(consumer) else None
