"""com.microsoft operators on channels-last tensors => Transpose -> ONNX's on channels-first ones -> Transpose

As onnxruntime's NhwcTransformer writes them (nhwc_transformer.cc, 1.30), at its level all: QLinearConv,
NhwcMaxPool, pools.
"""

import onnx_ir as ir

from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import constant_or_none, node_input, required_input
from qudnn.converter.graph.edit import remove_orphans, take_place
from qudnn.converter.graph.op_traits import ONNX, is_contrib, is_onnx
from qudnn.converter.graph.permutations import after
from qudnn.converter.passes.base import EarlyNodePass

_CHANNELS_LAST = "channels_last"
_MAX_POOL_OPSET = 12  # the oldest with MaxPool on 8 bits
_POOLS = ("QLinearAveragePool", "QLinearGlobalAveragePool")
_ELEMENTWISE = ("QLinearAdd", "QLinearMul", "QLinearSigmoid", "QLinearLeakyRelu", "QLinearConcat")
_LONGEST_CHAIN = 1000


class ChannelsFirst(EarlyNodePass):
    """Neither integers nor their order change (onnxruntime 1.30, nhwc_transformer.cc, nhwc_max_pool.cc).

    Inside of an island the Transposes are nothing: channels are last there in any case.
    """

    SORTS = True

    def run(self, model: ir.Model) -> None:
        self._opset = model.opset_imports.get("", 0)
        self._ranks: dict[ir.Value, int] = {}
        super().run(model)

    def matches(self, node: ir.Node) -> bool:
        if is_contrib(node, "QLinearConv", "NhwcMaxPool"):
            return True
        return is_contrib(node, *_POOLS) and node.attributes.get_int(_CHANNELS_LAST, 0) == 1

    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        max_pool = node.op_type == "NhwcMaxPool"
        if max_pool and self._opset < _MAX_POOL_OPSET:
            raise Refusal(f"MaxPool on 8 bits needs opset {_MAX_POOL_OPSET}, the model has {self._opset}")
        last = max_pool or node.attributes.get_int(_CHANNELS_LAST, 0) == 1
        rank = self._rank_of(node) if last else None
        if last and rank is None:
            raise Refusal("its number of dimensions is unknown")
        if rank is not None:
            self._surround(node, rank, graph)
        node.attributes.pop(_CHANNELS_LAST, None)
        if max_pool:
            node.op_type = "MaxPool"
        if not is_contrib(node, *_POOLS):
            node.domain = ONNX

    def _surround(self, node: ir.Node, rank: int, graph: ir.Graph) -> None:
        to_first = [0, rank - 1, *range(1, rank - 1)]
        to_last = [0, *range(2, rank), 1]
        x, y = required_input(node, 0), node.outputs[0]
        first = self._transposed(x, to_first, node, graph)
        node.replace_input_with(0, first)
        inner = ir.node(
            "Transpose", [y], {"perm": to_last}, name=self.context.names.node(f"{node.name}/last")
        )
        last = inner.outputs[0]
        take_place(y, last)
        inner.replace_input_with(0, y)
        y.name, y.shape = self.context.names.value(f"{last.name}/first"), None
        graph.insert_after(node, inner)
        self._ranks[last] = rank
        for use in list(last.uses()):
            if is_onnx(use.node, "Transpose") and use.node.graph is graph:
                self._cancel(use.node, y, to_last)

    def _transposed(self, x: ir.Value, perm: list[int], node: ir.Node, graph: ir.Graph) -> ir.Value:
        producer = x.producer()
        if is_onnx(producer, "Transpose") and producer.graph is graph:
            before = producer.attributes.get_ints("perm", [])
            if len(before) == len(perm) and after(before, perm) == sorted(perm):
                source = required_input(producer, 0)
                node.replace_input_with(0, source)
                remove_orphans([producer])
                return source
        inner = ir.node("Transpose", [x], {"perm": perm}, name=self.context.names.node(f"{node.name}/first"))
        inner.outputs[0].name = self.context.names.value(f"{x.name}/first")
        inner.outputs[0].type = x.type
        graph.insert_before(node, inner)
        return inner.outputs[0]

    def _cancel(self, transpose: ir.Node, source: ir.Value, before: list[int]) -> None:
        """Let the source stand for the result of a transposition that undoes the one before it."""
        perm = list(transpose.attributes.get_ints("perm", []))
        y = transpose.outputs[0]
        if y.is_graph_output() or len(perm) != len(before) or after(before, perm) != sorted(perm):
            return
        y.replace_all_uses_with(source)
        remove_orphans([transpose])

    def _rank_of(self, node: ir.Node) -> int | None:
        if is_contrib(node, "QLinearConv"):
            weight = node_input(node, 3)
            array = None if weight is None else constant_or_none(weight)
            return None if array is None else array.ndim
        kernel = node.attributes.get_ints("kernel_shape", [])
        return len(kernel) + 2 if kernel else self._rank(required_input(node, 0))

    def _rank(self, value: ir.Value) -> int | None:
        """As far as the operators that this pass has seen tell it, or the model."""
        for _ in range(_LONGEST_CHAIN):
            if value in self._ranks:
                return self._ranks[value]
            if value.shape is not None:
                return len(value.shape)
            node = value.producer()
            if node is None:
                return None
            if is_onnx(node, "Transpose"):
                perm = node.attributes.get_ints("perm", [])
                return len(perm) or None
            if not is_contrib(node, *_ELEMENTWISE):
                return None
            index = 2 if node.op_type == "QLinearConcat" else 0
            value = required_input(node, index)
        return None
