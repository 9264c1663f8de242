"""Ops that quantize dynamically, and the matmuls that consume their results.

Besides a quantized tensor, such an op produces bias and multiplier, those of all its matmuls side by side:
`first` tells a matmul where its part begins, at a multiple of 4. The sums and scales of the matmuls' weights
have the same order; they are the last two inputs of the op that quantizes, constant.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import onnx_ir as ir

from qudnn.converter.graph.constants import constant, required_input
from qudnn.converter.graph.edit import add_initializer, remove_unused
from qudnn.converter.graph.names import Names
from qudnn.converter.island.packing import Float32Array, Int32Array

_BIAS, _ADDEND = 2, 4  # inputs of a matmul
_ALIGNMENT = 4  # of parts, in elements


class WeightTerms(NamedTuple):
    """The sums and the scales of a matmul's weights, for each output."""

    weight_sum: Int32Array
    weight_scale: Float32Array

    def aligned(self) -> "WeightTerms":
        """Padded with zeros up to where another part may begin."""
        rest = -len(self.weight_sum) % _ALIGNMENT
        return WeightTerms(np.pad(self.weight_sum, (0, rest)), np.pad(self.weight_scale, (0, rest)))


def entry_of(matmul: ir.Node) -> ir.Node:
    """The op that quantizes the matmul's input."""
    entry = required_input(matmul, _BIAS).producer()
    assert entry is not None
    return entry


def terms_of(entry: ir.Node) -> dict[ir.Node, WeightTerms]:
    """The parts of the matmuls that consume the op's results."""
    arrays = [constant(value, "weights' part") for value in entry.inputs[-2:]]
    parts = {}
    for matmul in dict.fromkeys(use.node for use in entry.outputs[-2].uses()):
        first, addend = matmul.attributes["first"].as_int(), required_input(matmul, _ADDEND)
        end = first + len(constant(addend, "addend"))
        parts[matmul] = WeightTerms(*(array[first:end] for array in arrays))
    return parts


def set_terms(entry: ir.Node, parts: Mapping[ir.Node, WeightTerms], names: Names) -> None:
    """Let the op produce the parts of these matmuls, one after the other."""
    graph, first = entry.graph, 0
    assert graph is not None
    aligned = [part.aligned() for part in parts.values()]
    for matmul, part in zip(parts, aligned, strict=True):
        matmul.attributes["first"] = ir.AttrInt64("first", first)
        first += len(part.weight_sum)
    constants = map(np.concatenate, zip(*aligned, strict=True))
    indices = range(len(entry.inputs) - 2, len(entry.inputs))
    for index, what, array in zip(indices, WeightTerms._fields, constants, strict=True):
        old = required_input(entry, index)
        name = names.value(f"{entry.name}/{what}")
        entry.replace_input_with(index, add_initializer(graph, name, array))
        remove_unused(old)
    for output in entry.outputs[-2:]:
        output.shape = ir.Shape([first])
