"""Resize on 8-bit values => QResize"""

import numpy as np
import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import constant, node_input, required_input
from qudnn.converter.graph.sizes import Shape, Size, quotient
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.lowering.resize import Sampling, make_resize, resized

_MOST = 256  # by how much images grow


def resize(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: x, roi, scales, sizes; one of the last two."""
    x = required_input(node, 0)
    return resize_of(node, (node,), x, node.outputs[0], facts.eight_bit(x), facts)


def resize_of(
    node: ir.Node, covers: tuple[ir.Node, ...], x: ir.Value, y: ir.Value, dtype: ir.DataType, facts: Facts
) -> Candidate:
    """The candidate for what the node does, from x to y on 8 bits."""
    shape, scales = read_images_and_scales(node, x, facts)
    sampling = Sampling(
        scales,
        node.attributes.get_string("mode", "nearest"),
        read_coordinate_mode(node),
        node.attributes.get_string("nearest_mode", "round_prefer_floor"),
    )
    return make_resize(covers, x, y, dtype, sampling, shape)


def read_images_and_scales(node: ir.Node, x: ir.Value, facts: Facts) -> tuple[Shape, list[float]]:
    """The shape `[N, C, H, W]` of x, and how much of each dimension the node makes."""
    shape = facts.ranked(x, 4)
    for name, default in ("antialias", 0), ("exclude_outside", 0):
        if node.attributes.get_int(name, default) != default:
            raise Refusal(f"{name} is not supported")
    if "axes" in node.attributes:
        raise Refusal("axes is not supported")
    if node.attributes.get_string("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise Refusal("keep_aspect_ratio_policy is not supported")
    return shape, _scales(node, shape, facts)


def read_coordinate_mode(node: ir.Node) -> str:
    return node.attributes.get_string("coordinate_transformation_mode", "half_pixel")


def _scales(node: ir.Node, shape: Shape, facts: Facts) -> list[float]:
    sizes = node_input(node, 3)
    if sizes is None:
        return [float(np.float32(scale)) for scale in _four(node_input(node, 2), "scale of the axes")]
    wanted = facts.numbers(sizes)
    if wanted is None or len(wanted) != 4:
        raise Refusal("its target size is not known as a multiple of the size of its input")
    return [1.0, 1.0, *(_scale(size, target) for size, target in zip(shape[2:], wanted[2:], strict=True))]


def _scale(size: Size, wanted: Size) -> float:
    """What makes the wanted size of this one; whatever it is, where the one is a multiple of the other."""
    if isinstance(size, int) and isinstance(wanted, int):
        scale = float(np.float32(wanted) / np.float32(size))
        if resized(size, scale) != wanted:
            raise Refusal(f"no scale resizes {size} to exactly {wanted}")
        return scale
    # Exact in float32 for images of less than 2**24 rows or columns, as all are.
    multiple = 1 if size == wanted else quotient(wanted, size)
    if isinstance(multiple, int) and 0 < multiple < _MOST:
        return float(multiple)
    raise Refusal(f"its target size {wanted} is not known to be a multiple of {size}, the size of its input")


def _four(value: ir.Value | None, what: str) -> list[float]:
    """A constant with one number for each axis."""
    array = constant(value, what)
    if array.shape != (4,):
        raise Refusal(f"its {what} has the shape {list(array.shape)}, not [4]")
    return [number.item() for number in array]
