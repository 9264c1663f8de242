"""DequantizeFromIsland -> Add, Mul or others of constants => TableFromIsland"""

from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
from numpy.typing import NDArray

from qudnn.converter.errors import Refusal
from qudnn.converter.functions import DOMAIN
from qudnn.converter.graph.constants import required_input
from qudnn.converter.graph.edit import add_initializer, replace_node, sole_consumer
from qudnn.converter.graph.op_traits import Trait, has_trait, is_onnx
from qudnn.converter.island.crossings import ints, is_qudnn
from qudnn.converter.island.emitter import Attribute
from qudnn.converter.island.layout import ALL
from qudnn.converter.lowering.elementwise.table import Channels, run_chain
from qudnn.converter.passes.base import NodePass
from qudnn.converter.qdq.linear import float_constant

_MOST_NODES = 8
_X, _SCALE, _ZERO_POINT = "qudnn/x", "qudnn/scale", "qudnn/zero_point"


class TableAtExit(NodePass):
    """What is computed of each element before the next op, in float32, is not read and written by itself.

    As a bias that a quantizer leaves in float32, before an attention. Only operators of one rounding, or
    none: what onnxruntime fuses with their neighbours would have other bits by itself.
    """

    def matches(self, node: ir.Node) -> bool:
        return _reads_exit(node)

    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        exit_ = _exit_before(node)
        assert exit_ is not None
        chain = [node]
        while len(chain) < _MOST_NODES:
            consumer = sole_consumer(chain[-1].outputs[0], once=True, inside=True)
            if consumer is None or not _computes(consumer) or len(_variables(consumer)) != 1:
                break
            chain.append(consumer)
        if not _is_read_by_op(chain[-1].outputs[0]):
            raise Refusal("no op reads its result")
        perm, count = ints(exit_, "perm"), exit_.attributes["channels"].as_int()
        values = self._values(exit_, chain, perm.index(len(perm) - 1), count)
        last = chain[-1]
        name = last.name or self.context.names.node(f"{last.outputs[0].name}/exit")
        table = add_initializer(graph, self.context.names.value(f"{name}/table"), values)
        attributes: dict[str, Attribute] = {"perm": perm, "channels": count}
        fused = ir.node(
            "TableFromIsland", [required_input(exit_, 0), table], attributes, domain=DOMAIN, name=name
        )
        replace_node(last, fused, described=last)

    def _values(self, exit_: ir.Node, chain: list[ir.Node], axis: int, count: int) -> NDArray[Any]:
        """The table: of all channels, or a row for each of them, which lie along the axis outside."""
        rank = len(ints(exit_, "perm"))
        constants: dict[str, NDArray[Any]] = {
            value.name or "": array
            for node in chain
            for value in node.inputs
            if value is not None and (array := _constant(value)) is not None
        }
        channels = None
        if any(array.size != 1 for array in constants.values()):
            if count == ALL or rank < 2:
                raise Refusal("the number of its channels is unknown")
            along = tuple(count if place == axis else 1 for place in range(rank))
            shapes = [(1,) * (rank - a.ndim) + a.shape for a in constants.values() if a.size != 1]
            if any(shape != along for shape in shapes):
                raise Refusal("it has a constant that is not one element, nor one for each channel")
            channels = Channels(rank, axis, count)
        elif any(array.ndim > rank for array in constants.values()):
            raise Refusal("a constant adds dimensions to its input")
        constants = {
            name: array if channels is not None and array.size != 1 else array.reshape(-1)[:1].reshape(())
            for name, array in constants.items()
        }
        constants[_SCALE] = np.array(exit_.attributes["scale"].as_float(), np.float32)
        constants[_ZERO_POINT] = np.array(exit_.attributes["zero_point"].as_int(), np.int8)
        leaves = exit_.outputs[0].name or ""
        dequantize = onnx.helper.make_node("DequantizeLinear", [_X, _SCALE, _ZERO_POINT], [leaves])
        protos = [proto for proto in map(ir.to_proto, chain) if isinstance(proto, onnx.NodeProto)]
        y = chain[-1].outputs[0].name or ""
        opsets = self.context.facts.opsets
        values = run_chain(
            [dequantize, *protos], _X, ir.DataType.INT8, y, constants, opsets, channels, {ir.DataType.FLOAT}
        )
        return np.ascontiguousarray(values)


def _reads_exit(node: ir.Node) -> bool:
    return _computes(node) and _exit_before(node) is not None


def _exit_before(node: ir.Node) -> ir.Node | None:
    """What the node's one variable operand comes from, if that is an exit."""
    variables = _variables(node)
    if len(variables) != 1:
        return None
    exit_ = variables[0].producer()
    return exit_ if is_qudnn(exit_, "DequantizeFromIsland") else None


def _computes(node: ir.Node | None) -> bool:
    return is_onnx(node, "Add", "Sub", "Mul", "Div", "Neg", "Abs", "Relu", "Clip")


def _constant(value: ir.Value) -> NDArray[Any] | None:
    """A constant, perhaps dequantized."""
    try:
        return float_constant(value, "constant")
    except Refusal:
        return None


def _is_read_by_op(y: ir.Value) -> bool:
    """Whether each consumer is an op of qudnn, perhaps after others that only give it another shape."""
    uses = list(y.uses())
    if not uses or y.is_graph_output() or len(uses) > _MOST_NODES:
        return False
    return all(
        use.node.domain == DOMAIN
        or (has_trait(use.node, Trait.VIEWS) and use.idx == 0 and _is_read_by_op(use.node.outputs[0]))
        for use in uses
    )


def _variables(node: ir.Node | None) -> list[ir.Value]:
    """The operands that are no constants."""
    inputs = [] if node is None else node.inputs
    return [value for value in inputs if value is not None and _constant(value) is None]
