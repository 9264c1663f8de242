"""Resize on 8-bit values => QResize, or QResizeTo"""

import numpy as np
import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import Refusal
from qudnn.converter.graph.constants import constant, node_input, required_input
from qudnn.converter.graph.sizes import Shape, Size, quotient
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.lowering.image.resize import Extent, Sampling, make_resize, resized

_MOST = 256  # by how much images grow


def resize(node: ir.Node, facts: Facts) -> Candidate:
    """Inputs: x, roi, scales, sizes; one of the last two."""
    x = required_input(node, 0)
    return resize_of(node, (node,), x, node.outputs[0], facts.eight_bit(x), facts)


def resize_of(
    node: ir.Node, covers: tuple[ir.Node, ...], x: ir.Value, y: ir.Value, dtype: ir.DataType, facts: Facts
) -> Candidate:
    """The candidate for what the node does, from x to y on 8 bits."""
    shape, extent = read_images_and_extent(node, x, facts)
    sampling = Sampling(
        node.attributes.get_string("mode", "nearest"),
        read_coordinate_mode(node),
        node.attributes.get_string("nearest_mode", "round_prefer_floor"),
    )
    return make_resize(covers, x, y, dtype, extent, sampling, shape)


def read_images_and_extent(node: ir.Node, x: ir.Value, facts: Facts) -> tuple[Shape, Extent]:
    """The shape `[N, C, H, W]` of x, and what the node makes of height and width."""
    shape = facts.ranked(x, 4)
    for name, default in ("antialias", 0), ("exclude_outside", 0):
        if node.attributes.get_int(name, default) != default:
            raise Refusal(f"{name} is not supported")
    if "axes" in node.attributes:
        raise Refusal("axes is not supported")
    if node.attributes.get_string("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise Refusal("keep_aspect_ratio_policy is not supported")
    sizes = node_input(node, 3)
    return shape, _by_scales(node, shape) if sizes is None else _to_sizes(sizes, shape, facts)


def read_coordinate_mode(node: ir.Node) -> str:
    return node.attributes.get_string("coordinate_transformation_mode", "half_pixel")


def _by_scales(node: ir.Node, shape: Shape) -> Extent:
    n, c, h, w = (float(np.float32(scale)) for scale in _four(node_input(node, 2), "scale of the axes"))
    if n != 1 or c != 1:
        raise Refusal(_NOT_IMAGES)
    return Extent((resized(shape[2], h), resized(shape[3], w)), (h, w))


def _to_sizes(sizes: ir.Value, shape: Shape, facts: Facts) -> Extent:
    wanted = facts.numbers(sizes)
    if wanted is None or len(wanted) != 4:
        raise Refusal("its target size does not follow from the sizes of the model's inputs")
    # A target with a number for a batch that is unknown is meant for batches of that number.
    outer = zip(wanted[:2], shape[:2], strict=True)
    if any(a != b and isinstance(a, int) == isinstance(b, int) for a, b in outer):
        raise Refusal(_NOT_IMAGES)
    h, w = wanted[2:]
    h_scale, w_scale = _scale(shape[2], h), _scale(shape[3], w)
    if h_scale is not None and w_scale is not None:
        return Extent((h, w), (h_scale, w_scale))
    facts.check_computable(h, w)
    return Extent((h, w), None)


_NOT_IMAGES = "it does not resize the height and width of images alone"


def _scale(size: Size, wanted: Size) -> float | None:
    """What makes the wanted size of this one; None where that is not known before it runs."""
    if isinstance(size, int) and isinstance(wanted, int):
        scale = float(np.float32(wanted) / np.float32(size))
        return scale if resized(size, scale) == wanted else None
    # Exact in float32 for images of less than 2**24 rows or columns, as all are.
    multiple = 1 if size == wanted else quotient(wanted, size)
    if isinstance(multiple, int) and 0 < multiple < _MOST:
        return float(multiple)
    return None


def _four(value: ir.Value | None, what: str) -> list[float]:
    """A constant with one number for each axis."""
    array = constant(value, what)
    if array.shape != (4,):
        raise Refusal(f"its {what} has the shape {list(array.shape)}, not [4]")
    return [number.item() for number in array]
