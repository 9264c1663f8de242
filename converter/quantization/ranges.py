"""Nodes whose results have values so large that 8 bits hold nothing else, as masks of attention do."""

from collections.abc import Sequence
from pathlib import Path

import onnx
from onnx import TensorProto, helper

from qudnn.converter.graph.op_traits import is_onnx
from qudnn.converter.quantization.quantizer import Feed
from qudnn.converter.quantization.running import Runner

LARGE = 5_000.0  # a mask is -10000 or below; scores, which are added to it, are small


def nodes_of_large_values(model: onnx.ModelProto, samples: Sequence[Feed], folder: Path) -> list[str]:
    """The names of nodes with results of LARGE and more, and of each Softmax over such.

    Asked only where there is a Softmax. model: with the types of its tensors, as prepare makes it.
    """
    if not any(is_onnx(node, "Softmax") for node in model.graph.node):
        return []
    floats = {
        value.name
        for value in (*model.graph.value_info, *model.graph.output)
        if value.type.tensor_type.elem_type == TensorProto.FLOAT
    }
    names = [name for node in model.graph.node for name in node.output if name in floats]
    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    del probe.graph.output[:]
    for number, name in enumerate(names):
        absolute, largest = f"qudnn/absolute/{number}", f"qudnn/largest/{number}"
        probe.graph.node.append(helper.make_node("Abs", [name], [absolute]))
        probe.graph.node.append(helper.make_node("ReduceMax", [absolute], [largest], keepdims=0))
        probe.graph.output.append(helper.make_tensor_value_info(largest, TensorProto.FLOAT, []))
    if not names:
        return []
    run = Runner(probe, folder)
    large: set[str] = set()
    for feed in samples:
        large |= {name for name, value in zip(names, run(feed), strict=True) if not value < LARGE}
    return [
        node.name
        for node in model.graph.node
        if large.intersection(node.output) or (is_onnx(node, "Softmax") and node.input[0] in large)
    ]
