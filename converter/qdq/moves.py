"""Float operators whose result consists of values of their input 0, chosen by place or by order."""

import onnx_ir as ir

from qudnn.converter.graph.constants import constant_or_none, node_input
from qudnn.converter.graph.op_traits import Trait, has_trait, is_onnx

_LARGEST_WINDOW = 2**31 - 1  # pixels along an axis: of more onnxruntime's kernel for 8 bits overflows


def moves(node: ir.Node) -> bool:
    """Whether the node only moves values; of Pad and Resize some do."""
    if not has_trait(node, Trait.MOVES) or not node.inputs:
        return False
    if is_onnx(node, "MaxPool"):
        is_huge = max(node.attributes.get_ints("kernel_shape", []), default=0) > _LARGEST_WINDOW
        return len(needed(node)) == 1 and needed(node)[0] is node.outputs[0] and not is_huge
    if is_onnx(node, "Resize"):
        extrapolates = (
            node.attributes.get_string("coordinate_transformation_mode", "") == "tf_crop_and_resize"
        )
        return node.attributes.get_string("mode", "nearest") == "nearest" and not extrapolates
    if is_onnx(node, "Pad"):
        return node.attributes.get_string("mode", "constant") != "constant" or pads_with_zero(node)
    return True


def is_passed(node: ir.Node) -> bool:
    """Whether onnxruntime lets Q/DQ pairs pass the node (1.30, qdq_propagation.cc, CanNodePropagate)."""
    return moves(node) and has_trait(node, Trait.PASSED)


def pads_with_zero(pad: ir.Node) -> bool:
    value = node_input(pad, 2)
    array = None if value is None else constant_or_none(value)
    return value is None or (array is not None and not array.any())


def needed(node: ir.Node) -> list[ir.Value]:
    """The outputs that anything reads."""
    return [output for output in node.outputs if output.uses() or output.is_graph_output()]
