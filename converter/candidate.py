"""What a frontend makes of a node: the op of the domain qudnn that can stand for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import onnx_ir as ir
from numpy.typing import NDArray

from converter.functions import DOMAIN
from converter.layout import Layout
from converter.sizes import Shape

Attribute = int | float | Sequence[int]

PAYING = {"QConv", "QMatMul"}  # ops that are worth crossing into an island for


@dataclass(frozen=True)
class Port:
    """An 8-bit value of the model and how the op wants it, or leaves it, inside the island."""

    value: ir.Value
    layout: Layout
    dtype: ir.DataType


@dataclass(frozen=True)
class Candidate:
    """An op that can replace nodes of the model.

    covers: the nodes it replaces. The first one gives the name.
    op_type, domain: the op; the domain "" is for standard operators that work on an island's tensors.
    inputs, constants: the op's inputs, first the tensors of the island, then the packed constants.
    shape: of the output, as it is outside the island.
    note: why its bits may differ from those of onnxruntime's CPU provider; empty where they do not.
    """

    covers: tuple[ir.Node, ...]
    op_type: str
    inputs: tuple[Port, ...]
    output: Port
    shape: Shape
    attributes: Mapping[str, Attribute]
    constants: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    domain: str = DOMAIN
    note: str = ""

    @property
    def pays(self) -> bool:
        return self.op_type in PAYING
