"""Changes of nodes: attributes, inputs, types, and which there are."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import AttributeProto, NodeProto, helper

from mutants.draw import chance, number, one

Rng = np.random.Generator

_ATTRIBUTES: dict[str, Sequence[Any]] = {
    "allowzero": [0, 1, 2],
    "alpha": [0.0, 1.5, -1.0, float("nan")],
    "auto_pad": ["SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET", "odd"],
    "axis": [-5, -2, -1, 0, 1, 2, 3],
    "block_size": [0, 1, 4],
    "ceil_mode": [0, 1],
    "count_include_pad": [0, 1],
    "dilations": [[1, 1], [2, 2], [0, 0], [2**31, 1], [1]],
    "group": [0, 1, 2, -1, 2**40],
    "keepdims": [0, 1],
    "kernel_shape": [[1, 1], [3, 3], [0, 0], [2**31, 2**31], [3]],
    "mode": ["constant", "reflect", "linear", "nearest", "DCR", "odd"],
    "output_dtype": [0, 1, 2, 3, 10, 21],
    "pads": [[0, 0, 0, 0], [1, 1, 1, 1], [-1, 0, 0, -1], [2**31, 0, 0, 0], [1, 1]],
    "perm": [[0, 1], [0, 2, 1], [0, 2, 3, 1], [3, 2, 1, 0], [0, 0, 1, 1]],
    "precision": [0, 1, 10],
    "saturate": [0, 1],
    "strides": [[1, 1], [2, 3], [0, 0], [2**31, 1], [-1, -1]],
    "to": [1, 2, 3, 6, 7, 9, 10, 16, 99],
    "transB": [0, 1, 7],
    "odd": [0, 1.0, "odd", [1, 2]],
}
_OPERATORS = (
    "Abs", "Add", "AveragePool", "Cast", "Clip", "Concat", "Conv", "DequantizeLinear", "Div", "Dropout",
    "Expand", "Flatten", "Floor", "Gather", "Gelu", "Gemm", "GlobalAveragePool", "GlobalMaxPool", "HardSwish",
    "Identity", "LeakyRelu", "LogSoftmax", "MatMul", "Max", "MaxPool", "Min", "Mul", "Neg", "Not",
    "QuantizeLinear", "ReduceMean", "Relu", "Reshape", "Round", "Shape", "Sigmoid", "Slice", "Softmax",
    "Sqrt", "Squeeze", "Sub", "Tanh", "Tile", "Transpose", "Unsqueeze", "Where", "odd",
)  # fmt: skip
_DOMAINS = ("", "ai.onnx", "com.microsoft", "ai.onnx.ml", "qudnn", "odd")


def _node(model: onnx.ModelProto, rng: Rng) -> NodeProto:
    node: NodeProto = one(rng, model.graph.node)
    return node


def change_attribute(model: onnx.ModelProto, rng: Rng) -> None:
    with_some = [node for node in model.graph.node if node.attribute]
    if with_some:
        _change(one(rng, one(rng, with_some).attribute), rng)


def _change(attribute: AttributeProto, rng: Rng) -> None:
    if attribute.type == AttributeProto.INT:
        attribute.i = number(rng)
    elif attribute.type == AttributeProto.FLOAT:
        attribute.f = one(rng, [0.0, -1.0, 1.0, 1e-30, 1e30, float("nan"), float("inf")])
    elif attribute.type == AttributeProto.STRING:
        attribute.s = one(rng, [b"", b"odd", b"\xff\xfe", b"SAME_UPPER", b"constant", b"nearest"])
    elif attribute.type == AttributeProto.INTS and attribute.ints and chance(rng, 0.6):
        attribute.ints[rng.integers(len(attribute.ints))] = number(rng)
    elif attribute.type == AttributeProto.INTS and chance(rng, 0.5):
        attribute.ints.append(number(rng))
    elif attribute.type == AttributeProto.INTS and attribute.ints:
        del attribute.ints[0]
    elif attribute.type == AttributeProto.TENSOR:
        attribute.t.data_type = int(one(rng, [0, 1, 2, 3, 6, 7, 8, 11, 16, 21, 99]))


def retype_attribute(model: onnx.ModelProto, rng: Rng) -> None:
    node = _node(model, rng)
    if node.attribute:
        name = one(rng, node.attribute).name
        value = one(rng, [1, 1.5, "odd", [1, 1], [0.5], ["odd"]])
        _set(node, name, value)


def remove_attribute(model: onnx.ModelProto, rng: Rng) -> None:
    with_some = [node for node in model.graph.node if node.attribute]
    if with_some:
        node = one(rng, with_some)
        del node.attribute[rng.integers(len(node.attribute))]


def add_attribute(model: onnx.ModelProto, rng: Rng) -> None:
    name = one(rng, list(_ATTRIBUTES))
    _set(_node(model, rng), name, one(rng, _ATTRIBUTES[name]))


def _set(node: NodeProto, name: str, value: Any) -> None:
    kept = [attribute for attribute in node.attribute if attribute.name != name]
    del node.attribute[:]
    node.attribute.extend([*kept, helper.make_attribute(name, value)])


def swap_inputs(model: onnx.ModelProto, rng: Rng) -> None:
    node = _node(model, rng)
    if len(node.input) > 1:
        a, b = rng.choice(len(node.input), 2, replace=False)
        node.input[a], node.input[b] = node.input[b], node.input[a]


def drop_input(model: onnx.ModelProto, rng: Rng) -> None:
    node = _node(model, rng)
    if node.input:
        del node.input[-1 if chance(rng, 0.7) else 0]


def empty_input(model: onnx.ModelProto, rng: Rng) -> None:
    node = _node(model, rng)
    if node.input:
        node.input[rng.integers(len(node.input))] = ""


def add_input(model: onnx.ModelProto, rng: Rng) -> None:
    _node(model, rng).input.append(one(rng, ["", *_values(model)]))


def move_input(model: onnx.ModelProto, rng: Rng) -> None:
    """Let a node read something else that is there already."""
    place = rng.integers(len(model.graph.node))
    node = model.graph.node[place]
    before = [
        *(value.name for value in model.graph.input),
        *(output for earlier in model.graph.node[: int(place)] for output in earlier.output),
    ]
    if node.input and before:
        node.input[0 if chance(rng, 0.5) else rng.integers(len(node.input))] = one(rng, before)


def _values(model: onnx.ModelProto) -> list[str]:
    return [
        *(value.name for value in model.graph.input),
        *(tensor.name for tensor in model.graph.initializer),
        *(output for node in model.graph.node for output in node.output),
    ]


def change_operator(model: onnx.ModelProto, rng: Rng) -> None:
    _node(model, rng).op_type = one(rng, _OPERATORS)


def change_domain(model: onnx.ModelProto, rng: Rng) -> None:
    _node(model, rng).domain = one(rng, _DOMAINS)


def remove_node(model: onnx.ModelProto, rng: Rng) -> None:
    """Its consumers, and the outputs of the graph, read what it read."""
    place = int(rng.integers(len(model.graph.node)))
    node = model.graph.node[place]
    if node.input and len(node.output) == 1 and node.output[0] not in {y.name for y in model.graph.output}:
        for consumer in model.graph.node:
            for index, name in enumerate(consumer.input):
                if name == node.output[0]:
                    consumer.input[index] = node.input[0]
        del model.graph.node[place]


def duplicate_node(model: onnx.ModelProto, rng: Rng) -> None:
    """A second node that does the same; half of the consumers read it."""
    place = int(rng.integers(len(model.graph.node)))
    node = NodeProto()
    node.CopyFrom(model.graph.node[place])
    node.output[:] = [f"{output}_again" if output else "" for output in node.output]
    for consumer in model.graph.node[place + 1 :]:
        for index, name in enumerate(consumer.input):
            if name in model.graph.node[place].output and name and chance(rng, 0.5):
                consumer.input[index] = f"{name}_again"
    model.graph.node.insert(place + 1, node)


def insert_node(model: onnx.ModelProto, rng: Rng) -> None:
    """An operator of one input, between a tensor and one of those that read it."""
    place = int(rng.integers(len(model.graph.node)))
    node = model.graph.node[place]
    if node.input and node.input[0]:
        op_type = one(rng, ["Identity", "Relu", "Neg", "Transpose", "Sigmoid", "Dropout", "Flatten", "Abs"])
        name = f"{node.input[0]}_{op_type}_{place}"
        model.graph.node.insert(place, helper.make_node(op_type, [node.input[0]], [name]))
        model.graph.node[place + 1].input[0] = name


def insert_pair(model: onnx.ModelProto, rng: Rng) -> None:
    """QuantizeLinear and DequantizeLinear, between a tensor and one that reads it, as others are there."""
    pairs = [node for node in model.graph.node if node.op_type == "QuantizeLinear" and len(node.input) > 1]
    place = int(rng.integers(len(model.graph.node)))
    node = model.graph.node[place]
    if pairs and node.input and node.input[0]:
        parameters = list(one(rng, pairs).input[1:])
        name = f"{node.input[0]}_pair_{place}"
        quantize = helper.make_node("QuantizeLinear", [node.input[0], *parameters], [f"{name}_8"])
        model.graph.node.insert(place, quantize)
        dequantize = helper.make_node("DequantizeLinear", [f"{name}_8", *parameters], [name])
        model.graph.node.insert(place + 1, dequantize)
        model.graph.node[place + 2].input[0] = name


def reorder(model: onnx.ModelProto, rng: Rng) -> None:
    nodes = [model.graph.node[index] for index in rng.permutation(len(model.graph.node))]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def rename_node(model: onnx.ModelProto, rng: Rng) -> None:
    taken = [node.name for node in model.graph.node]
    _node(model, rng).name = one(rng, ["", "odd name\n", "ÄÖ/\\\x00", "n" * 5000, *taken])


CHANGES: Sequence[Callable[[onnx.ModelProto, Rng], None]] = (
    change_attribute, change_attribute, retype_attribute, remove_attribute, add_attribute, add_attribute,
    swap_inputs, drop_input, empty_input, add_input, move_input, move_input, change_operator, change_operator,
    change_domain, remove_node, remove_node, duplicate_node, insert_node, insert_node, insert_pair,
    insert_pair, reorder, rename_node,
)  # fmt: skip
