"""Entries and exits: the ops that carry a tensor across an island's border."""

import onnx_ir as ir

from qudnn.converter.functions import DOMAIN

ENTRIES = ("QuantizeToIsland", "QuantizeHalfToIsland", "ConvertToIsland")
EXITS = ("DequantizeFromIsland", "ConvertFromIsland")


def is_qudnn(node: ir.Node | None, *op_types: str) -> bool:
    """Whether node is one of these ops of the domain qudnn."""
    return node is not None and node.domain == DOMAIN and node.op_type in op_types


def is_crossing(node: ir.Node) -> bool:
    return is_qudnn(node, *ENTRIES, *EXITS)


def ints(node: ir.Node, name: str) -> list[int]:
    return list(node.attributes[name].as_ints())


def set_ints(node: ir.Node, name: str, values: list[int]) -> None:
    node.attributes[name] = ir.AttrInt64s(name, values)
