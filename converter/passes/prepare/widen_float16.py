"""QuantizeLinear, DequantizeLinear and what lies between them in float16 => in float32, between Casts

Means of a function of what is dequantized => in float32, then Cast
"""

from collections.abc import Iterable

import numpy as np
import onnx_ir as ir

from qudnn.converter.analysis.inference import infer
from qudnn.converter.graph.constants import constant_or_none, node_input
from qudnn.converter.graph.edit import add_initializer, remove_unused, take_place
from qudnn.converter.graph.op_traits import Trait, has_trait, is_onnx
from qudnn.converter.passes.base import EarlyPass
from qudnn.converter.passes.prepare.float16_means import means_of_functions
from qudnn.converter.qdq.linear import dequantizes, quantizes

_HALF = ir.DataType.FLOAT16
_T = Trait
_BETWEEN = _T.ELEMENTWISE | _T.MOVES | _T.CHOOSES | _T.POOLS | _T.AVERAGES | _T.CLIPS | _T.NO_EFFECT
_EXACT = _T.CONVERTS | _T.MOVES | _T.CHOOSES | _T.CLIPS | _T.NO_EFFECT  # values are those of an input
_NOTE = (
    "onnxruntime rounds its operands and its result to float16, qudnn does not: results may differ by one "
    "quantum, and by a unit in the last place of float16 where they are not quantized"
)
_LAST_BITS = "onnxruntime rounds to float16 elsewhere: results may differ in their last bits"


class WidenFloat16(EarlyPass):
    """From one 8-bit tensor to the next nothing is rounded to float16.

    At the border of these parts nothing changes: onnxruntime's QuantizeLinear of float16 divides in float32,
    and DequantizeLinear rounds a product in float32 (core/providers/cpu/quantization/quantize_linear.cc,
    1.31). Within, onnxruntime's CPU provider has no kernels for float16, computes in float32 and rounds each
    result to float16. From DequantizeLinear on it drops Casts that undo each other between two of them
    (insert_cast_transformer.cc, 1.18 to 1.32): a mean in float32, rounded once, is the one it computes.
    """

    def run(self, model: ir.Model) -> None:
        pairs = [node for node in model.graph if self._converts_float16(node)]
        if not pairs:
            return
        known = {value.name: value.dtype for node in infer(model) for value in node.outputs}
        known |= {value.name: value.dtype for value in model.graph.inputs}
        self._known = known
        self._wide: dict[ir.Value, ir.Value] = {}
        widened = _between(model.graph, pairs)
        between = set(widened)
        for mean in means_of_functions(model.graph, between):
            widened |= dict.fromkeys(mean.nodes)
            if mean.may_differ:
                self.context.notes[mean.node] = _LAST_BITS
        for node in [node for node in model.graph if node in widened]:
            for index, value in enumerate(node.inputs):
                if value is not None and value.producer() not in widened and self._is_float16(value):
                    node.replace_input_with(index, self._widen(value, node))
        for node in [node for node in model.graph if node in widened]:
            for output in node.outputs:
                if self._is_float16(output):
                    self._narrow(output, widened)
            if node in between and not has_trait(node, _EXACT):
                self.context.notes[node] = _NOTE
        for value in self._wide:
            remove_unused(value)

    def _converts_float16(self, node: ir.Node) -> bool:
        """Whether node is QuantizeLinear or DequantizeLinear with a constant scale in float16."""
        scale = node_input(node, 1) if quantizes(node) or dequantizes(node) else None
        array = None if scale is None else constant_or_none(scale)
        if scale is None or (scale.dtype if array is None else ir.DataType.from_numpy(array.dtype)) != _HALF:
            return False
        if array is None:
            self.decline(node, "its scale, in float16, must be constant")
            return False
        if dequantizes(node) and node.attributes.get_int("output_dtype", 0) != 0:
            self.decline(node, "its scale is in float16, and output_dtype says another time what it makes")
            return False
        return True

    def _is_float16(self, value: ir.Value) -> bool:
        array = constant_or_none(value)
        if array is not None:
            return array.dtype == np.float16
        return self._known.get(value.name) == ir.DataType.FLOAT16

    def _widen(self, value: ir.Value, consumer: ir.Node) -> ir.Value:
        """The value in float32, for a consumer inside."""
        if value not in self._wide:
            array = constant_or_none(value)
            graph = consumer.graph
            assert isinstance(graph, ir.Graph)
            name = self.context.names.value(f"{value.name}/float32")
            if array is not None:
                self._wide[value] = add_initializer(graph, name, array.astype(np.float32))
            else:
                cast = _cast(value, ir.DataType.FLOAT, self.context.names.node(f"{value.name}/to_float32"))
                cast.outputs[0].name = name
                graph.insert_before(consumer, cast)
                self._wide[value] = cast.outputs[0]
        return self._wide[value]

    def _narrow(self, output: ir.Value, widened: dict[ir.Node, None]) -> None:
        """Let a result be float32, and rounded to float16 for consumers outside."""
        node = output.producer()
        assert node is not None and isinstance(node.graph, ir.Graph)
        inside = [(use.node, use.idx) for use in output.uses() if use.node in widened]
        if output.is_graph_output() or len(inside) < len(output.uses()):
            cast = _cast(output, ir.DataType.FLOAT16, self.context.names.node(f"{output.name}/to_float16"))
            take_place(output, cast.outputs[0])
            cast.outputs[0].type = ir.TensorType(ir.DataType.FLOAT16)
            output.name = self.context.names.value(f"{output.name}/float32")
            for consumer, index in (*inside, (cast, 0)):
                consumer.replace_input_with(index, output)
            node.graph.insert_after(node, cast)
        output.type = ir.TensorType(ir.DataType.FLOAT)


def _cast(value: ir.Value, dtype: ir.DataType, name: str) -> ir.Node:
    cast = ir.node("Cast", [value], attributes={"to": int(dtype)}, name=name)
    cast.outputs[0].type, cast.outputs[0].shape = ir.TensorType(dtype), value.shape
    return cast


def _between(graph: ir.Graph, pairs: Iterable[ir.Node]) -> dict[ir.Node, None]:
    """The pairs, convolutions and matmuls of dequantized tensors, and what leads to QuantizeLinear from them.

    The graph is sorted.
    """
    found = dict.fromkeys(pairs)
    nodes = list(graph)
    moved = {node for node in found if dequantizes(node)}
    for node in nodes:
        sources = [None if value is None else value.producer() for value in node.inputs[:2]]
        if has_trait(node, _T.MOVES) and sources and sources[0] in moved:
            moved.add(node)
        if has_trait(node, _T.CONTRACTS) and all(source in moved for source in sources):
            found[node] = None
            waiting = [source for source in sources if source is not None]
            while waiting:
                source = waiting.pop()
                if source not in found:
                    found[source] = None
                    producer = source.inputs[0].producer() if source.inputs[0] is not None else None
                    waiting += [] if producer is None else [producer]
    reached = set(found)  # from a DequantizeLinear, a convolution or matmul
    for node in nodes:
        sources = [value.producer() for value in node.inputs if value is not None]
        computed = is_onnx(node, "MatMul") and all(source in reached for source in sources)
        if computed or (_may_lie_between(node) and any(source in reached for source in sources)):
            reached.add(node)
    leading = {node for node in found if quantizes(node)}
    for node in reversed(nodes):
        uses = [use.node for output in node.outputs for use in output.uses()]
        if node in reached and any(consumer in leading for consumer in uses):
            leading.add(node)
            found[node] = None
    return found


def _may_lie_between(node: ir.Node) -> bool:
    return has_trait(node, _BETWEEN)
