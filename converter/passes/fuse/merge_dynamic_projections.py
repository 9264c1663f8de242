"""Several DynamicQMatMul of one x, results split into heads => one, result split once (fused QKV)

Queries, keys and values of an attention lie side by side then: it takes heads of one tensor three times.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import constant_or_none, required_input
from qudnn.converter.graph.edit import remove_orphans, sole_consumer
from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.graph.reshaping import target_of
from qudnn.converter.graph.sizes import Shape
from qudnn.converter.island.crossings import is_qudnn
from qudnn.converter.island.dynamic_matmuls import WeightTerms, entry_of, set_terms, terms_of
from qudnn.converter.island.merging import Inputs, one_for
from qudnn.converter.passes.fuse.merge_alike import MergeAlike

_FIRST = ("q_first", "k_first", "v_first")  # by the attention's inputs
_FLOAT = ir.DataType.FLOAT


@dataclass(frozen=True)
class _Projection:
    """A matmul with weights, and the Reshape that splits its result into heads.

    constants: weight and addend, of one row each for an output. shapes: `[..., K]`, `[B,S,heads,D]`.
    """

    matmul: ir.Node
    constants: tuple[NDArray[Any], NDArray[Any]]
    reshape: ir.Node
    shapes: tuple[Shape, Shape]
    heads: int

    @property
    def key(self) -> tuple[object, ...]:
        """What those have in common that may be merged."""
        wide, parted = self.shapes
        return (self.matmul.inputs[0], entry_of(self.matmul), wide[:-1], parted[:-2], parted[-1])


class MergeDynamicProjections(MergeAlike[_Projection]):
    """One large matmul takes less time than several small ones.

    Only those with attention in float32 as sole consumer, which finds its heads in larger tensors.
    They may have different numbers of heads, of one size.
    """

    def matches(self, node: ir.Node) -> bool:
        return is_qudnn(node, "DynamicQMatMul") and len(required_input(node, 0).uses()) > 1

    def read(self, node: ir.Node) -> _Projection:
        return _projection(node, self.context.facts)

    def merge(self, group: list[_Projection]) -> None:
        facts, (wide, parted) = self.context.facts, group[0].shapes
        matmuls = [projection.matmul for projection in group]
        reshapes = [projection.reshape for projection in group]
        entry = entry_of(matmuls[0])
        parts = terms_of(entry)
        merged = WeightTerms(
            *map(np.concatenate, zip(*(parts.pop(matmul) for matmul in matmuls), strict=True))
        )
        heads = sum(projection.heads for projection in group)
        wide, parted = (*wide[:-1], len(merged.weight_sum)), (*parted[:-2], heads, parted[-1])

        x, bias, multiplier = (required_input(matmuls[0], index) for index in (0, 2, 3))
        weight, addend = map(np.concatenate, zip(*(each.constants for each in group), strict=True))
        inputs: Inputs = {"x": x, "weight": weight, "bias": bias, "multiplier": multiplier, "addend": addend}
        names = self.context.names
        matmul = one_for(matmuls, "DynamicQMatMul", inputs, (_FLOAT, _ir_shape(wide)), names)
        inputs = {"x": matmul.outputs[0], "shape": np.array(target_of(parted, wide), np.int64)}
        reshape = one_for(
            reshapes, "Reshape", inputs, (_FLOAT, _ir_shape(parted)), self.context.names, domain=""
        )
        for node, known in (matmul, wide), (reshape, parted):
            facts.note_shape(node.outputs[0], _FLOAT, known)
        assert matmuls[0].graph is not None
        matmuls[0].graph.insert_before(matmuls[0], [matmul, reshape])

        first = 0
        for projection in group:
            for node, index in list(projection.reshape.outputs[0].uses()):
                node.attributes[_FIRST[index]] = ir.AttrInt64(
                    _FIRST[index], node.attributes[_FIRST[index]].as_int() + first
                )
                node.replace_input_with(index, reshape.outputs[0])
            first += projection.heads
        remove_orphans(reshapes)
        set_terms(entry, {matmul: merged, **parts}, self.context.names)


def _projection(node: ir.Node, facts: Facts) -> _Projection:
    """Raises Refusal where its result is not heads of an attention in float32."""
    weight, addend = (constant_or_none(required_input(node, index)) for index in (1, 4))
    if weight is None or addend is None:
        raise Refusal("its weights or its bias are not constant")
    reshape = sole_consumer(node.outputs[0], once=True, inside=True)
    if not is_onnx(reshape, "Reshape"):
        raise Refusal("its result is not just split into heads")
    result = reshape.outputs[0]
    wide, parted = facts.shape(node.outputs[0]), facts.shape(result)
    if wide is None or parted is None or len(parted) != 4:
        raise Refusal("its result is not known to be split into heads")
    heads, size = parted[-2:]
    if not isinstance(heads, int) or not isinstance(size, int) or heads * size != wide[-1]:
        raise Refusal("the number or the size of its heads is unknown")
    if result.is_graph_output() or not all(_is_operand(use.node, use.idx) for use in result.uses()):
        raise Refusal("its heads have other consumers than attention in float32")
    target_of(parted, wide)
    return _Projection(node, (weight, addend), reshape, (wide, parted), heads)


def _is_operand(node: ir.Node, index: int) -> bool:
    return is_qudnn(node, "Attention", "MaskedAttention") and index < len(_FIRST)


def _ir_shape(shape: Shape) -> ir.Shape:
    return ir.Shape([size if isinstance(size, int) else None for size in shape])
