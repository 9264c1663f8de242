"""What a layer computes: its problem, as far as its node and its shapes tell, and its operations.

A layer is as layers.py has it, with the shapes x, w and y, that of a residual block with w_window, too; a
node is of the converted model.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import onnx

from qudnn.converter.domain import DOMAIN

Layer = Mapping[str, Any]
Problem = dict[str, int | str]  # its fields, and the kind of it under "kind"

_MATMULS = ("MatMul", "Projections")
_MULTIPLIES = (*_MATMULS, "Conv", "Gemm", "Attention", "LSTM")  # parts of operators' names
_FLOAT32, _INT8, _INT32 = 1, 3, 6  # ONNX's numbers


def problem(layer: Layer, node: onnx.NodeProto | None) -> Problem | None:
    """The fields of a convolution's, matmul's or block's problem that follow from its node and shapes.

    None for other layers, and for matmuls of batches, whose strides follow from more.
    """
    x, w = layer.get("x", ()), layer.get("w", ())
    if node is None or node.domain != DOMAIN or not x or not w:
        return None
    found: Problem | None = None
    if "Conv" in node.op_type and len(x) == len(w) in (4, 5):
        found = _convolution(x, w, node)
    elif any(name in node.op_type for name in _MATMULS) and "Batch" not in node.op_type and len(w) == 2:
        found = {"kind": "matmul", "m": math.prod(x[:-1]), "k": w[0], "c": x[-1]}
    elif "Bottleneck" in node.op_type and layer.get("y"):
        found = _block(x, w, layer["w_window"], layer["y"], node)
    return None if found is None else found | {"y_type": _type_of_result(node.op_type)}


def text(fields: Problem) -> str:
    """The problem as `qudnn bench` takes it."""
    return " ".join(str(value) if name == "kind" else f"{name}={value}" for name, value in fields.items())


def operations(layer: Layer, node: onnx.NodeProto | None) -> int | None:
    """Multiplications and additions of a run; 0 where it multiplies no matrices, None where nothing tells."""
    fields = problem(layer, node)
    if fields is not None:
        from qudnn.custom_ops import native

        try:
            return native.read_problem(text(fields))[1]
        except ValueError:  # of no size, such as an empty batch
            return None
    x, w, y = (list[int](layer.get(name, ())) for name in "xwy")
    op = str(layer["op"])
    if op == "Conv" and w and y:
        return 2 * math.prod(y) * math.prod(w[1:])
    if op == "QSqueezeExcitation" and w and y:  # a second product is as large as that of w
        return 4 * y[0] * math.prod(w)
    if "Bottleneck" in op and w and y:
        return _of_block(x, w, layer["w_window"], y)
    if op in ("MatMul", "Gemm") and x and y:
        return 2 * math.prod(y) * (x[-1] if op == "MatMul" else math.prod(x) // max(y[0], 1))
    return None if any(name in op for name in _MULTIPLIES) else 0


def fits(fields: Problem, found: Mapping[str, int], node: onnx.NodeProto) -> bool:
    """Whether found, the fields of a plan's problem, may be those of the node with these."""
    wanted = {name: value for name, value in fields.items() if name != "kind"}
    adds = "adds_constant" if fields["kind"] == "matmul" else "adds"
    behind = {adds: "Add" in node.op_type, "looks_up": node.op_type.endswith("Table")}
    return wanted.items() <= found.items() and all(bool(found.get(k, 0)) == v for k, v in behind.items())


def _convolution(x: Sequence[int], w: Sequence[int], node: onnx.NodeProto) -> Problem:
    given = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
    axes = "hw" if len(x) == 4 else "dhw"
    sides = ("front", "top", "left")[-len(axes) :], ("back", "bottom", "right")[-len(axes) :]
    sizes = dict(zip(("n", *axes, "c", "k", *"trs"[-len(axes) :]), (*x, *w[:-1]), strict=True))
    pads = dict(zip((f"pad_{side}" for side in (*sides[0], *sides[1])), given["pads"], strict=True))
    steps = {
        f"{name}_{axis}": value
        for name in ("stride", "dilation")
        for axis, value in zip(axes, given[f"{name}s"], strict=True)
    }
    fields: Problem = {"kind": "conv" if len(axes) == 2 else "conv3d", **sizes, **pads, **steps}
    fields["group"] = x[-1] // w[-1]
    if len(axes) == 2 and not _pools(node):
        _, top, left, _, _, bottom, right, _ = given.get("y_pads", [0] * 8)
        fields |= {"y_pad_top": top, "y_pad_left": left, "y_pad_bottom": bottom, "y_pad_right": right}
    return fields


def _block(
    x: Sequence[int], w: Sequence[int], window: Sequence[int], y: Sequence[int], node: onnx.NodeProto
) -> Problem | None:
    """That of a block which a kernel may take whole, as csrc/ops/conv/bottleneck.cpp has it."""
    given = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
    m, strides = w[0], given.get("strides", [])
    around = given.get("pads") == [1] * 4 and given.get("dilations") == [1, 1] and len(set(strides)) == 1
    if not around or list(window) not in ([m, 3, 3, m], [m, 3, 3, 1]):
        return None
    depthwise = list(window) != [m, 3, 3, m]
    padding = given["padding_zero_point"]
    first_pads = padding == given["reduced_zero_point"] and not depthwise and m % 16 == 0
    flags = {
        "depthwise": depthwise,
        "pads_with_value": padding != 0,
        "first_pads": padding != 0 and first_pads,
        "clamps_first": given["reduced_max"] < 127,
        "clamps_window": given["window_max"] < 127,
        "clamps_above": given["y_max"] < 127,
    }
    sizes = dict(zip("nhwcmk", (*x, m, y[-1]), strict=True))
    return {"kind": "block", **sizes, "stride": strides[0], **{name: int(v) for name, v in flags.items()}}


def _of_block(x: Sequence[int], w: Sequence[int], window: Sequence[int], y: Sequence[int]) -> int:
    """Of its three convolutions; w is the first one's, window the second one's."""
    _, height, width, c = x
    n, p, q, k = y
    return 2 * n * (height * width * c * w[0] + p * q * window[0] * (math.prod(window[1:]) + k))


def _pools(node: onnx.NodeProto) -> bool:
    return "Pool" in node.op_type


def _type_of_result(op_type: str) -> int:
    if op_type.endswith("ToInt32"):
        return _INT32
    return _FLOAT32 if op_type.endswith("ToFloat") or op_type.startswith("Dynamic") else _INT8
