"""QMaxPool and QMaxPool3D: the maximum of each window, padding left out."""

import onnx_ir as ir

from qudnn.converter.analysis.geometry import Geometry
from qudnn.converter.graph.sizes import Shape
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.island.emitter import Attribute
from qudnn.converter.island.port import port
from qudnn.converter.lowering.each import Each


def of_window(op_type: str, window: Geometry) -> str:
    """The pool of images, or the one of volumes."""
    return op_type if len(window.kernel) == 2 else f"{op_type}3D"


def make_max_pool(
    covers: tuple[ir.Node, ...],
    x: ir.Value,
    y: ir.Value,
    dtype: ir.DataType,
    window: Geometry,
    shape: Shape,
) -> Candidate:
    """The candidate for a maximum pool in one to three dimensions; shape: `[N, C, spatial...]` of x."""
    attributes: dict[str, Attribute] = {
        "kernel_shape": window.kernel,
        "pads": window.pads,
        "strides": window.strides,
        "dilations": window.dilations,
        "ceil_mode": int(window.ceil_mode),
    }
    return Candidate(
        covers,
        Each(of_window("QMaxPool", window), attributes, image=True),
        (port(x, shape, 1, dtype),),
        (port(y, (*shape[:2], *window.output(*shape[2:])), 1, dtype),),
    )
