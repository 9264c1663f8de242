"""Pad with its zero point -> QLinearConv => QLinearConv with more padding"""

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.frontends.qoperator.common import read_required_numbers
from qudnn.converter.graph.constants import Quantization, constant_or_none, node_input
from qudnn.converter.graph.op_traits import is_onnx


def read_padding_before(
    x: ir.Value, quantization: Quantization, facts: Facts
) -> tuple[ir.Node, ir.Value, tuple[int, ...]] | None:
    """The Pad that makes x, what it pads, and how much, as Geometry has pads.

    None where there is none that a convolution of that quantization could do itself.
    """
    pad = x.producer()
    if not is_onnx(pad, "Pad") or pad.inputs[0] is None:
        return None
    shape = facts.shape(pad.inputs[0])
    if shape is None or len(shape) not in (3, 4, 5) or node_input(pad, 3) is not None:
        return None
    if pad.attributes.get_string("mode", "constant") != "constant":
        return None
    fill = node_input(pad, 2)
    value = constant_or_none(fill) if fill is not None else None
    if fill is not None and (value is None or value.size != 1):
        return None
    number = 0 if value is None else int(value.reshape(()))
    try:
        amounts = read_required_numbers(pad, 1, "pads", "pads")
    except Refusal:
        return None
    rank = len(shape)
    if len(amounts) != 2 * rank:
        return None
    if number != quantization.zero_point or min(amounts) < 0 or any(amounts[:2] + amounts[rank : rank + 2]):
        return None
    no_pad = [0] * (4 - rank)
    return pad, pad.inputs[0], (*no_pad, *amounts[2:rank], *no_pad, *amounts[rank + 2 :])
