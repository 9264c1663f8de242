"""Function bodies in standard operators: Q/DQ forms of what bodies have of onnxruntime's own."""

from collections.abc import Iterator

import onnx
from onnx import helper

_CONTRIB = "com.microsoft"
_BINARY = {"QLinearAdd": "Add", "QLinearMul": "Mul"}
_UNARY = {
    "QLinearAveragePool": "AveragePool",
    "QLinearGlobalAveragePool": "GlobalAveragePool",
    "QLinearSoftmax": "Softmax",
}


def use_pairs(function: onnx.FunctionProto) -> None:
    """com.microsoft's QLinear operators => DequantizeLinear -> the operator of ONNX -> QuantizeLinear

    onnxruntime makes the operator again of it (qdq_selector_action_transformer.cc, 1.31), so that its results
    are the same. Pools of channels-last tensors get Transposes: ONNX has none of these.
    """
    rank = 5 if function.name.endswith("3D") else 4  # of what pools read
    nodes = [each for node in function.node for each in _standard(node, rank)]
    del function.node[:]
    function.node.extend(nodes)


def _standard(node: onnx.NodeProto, rank: int) -> Iterator[onnx.NodeProto]:
    if node.domain != _CONTRIB or node.op_type not in _BINARY | _UNARY:
        yield node
        return
    attributes = {each.name: each for each in node.attribute}
    attributes.pop("opset", None)  # of QLinearSoftmax: the operator's meaning of opset 13 and newer
    last = attributes.pop("channels_last", None)
    is_last = last is not None and last.i == 1
    (y,) = node.output
    operands = []
    for index in range(0, len(node.input) - 2, 3):
        x, *parameters = node.input[index : index + 3]
        if is_last:
            moved = f"{y}_moved_{index}"
            yield helper.make_node("Transpose", [x], [moved], perm=[0, rank - 1, *range(1, rank - 1)])
            x = moved
        operands.append(f"{y}_operand_{index}")
        yield helper.make_node("DequantizeLinear", [x, *parameters], operands[-1:])
    computed = helper.make_node((_BINARY | _UNARY)[node.op_type], operands, [f"{y}_float"])
    computed.attribute.extend(attributes.values())
    yield computed
    quantized = f"{y}_quantized" if is_last else y
    yield helper.make_node("QuantizeLinear", [f"{y}_float", *node.input[-2:]], [quantized])
    if is_last:
        yield helper.make_node("Transpose", [quantized], [y], perm=[0, *range(2, rank), 1])
