"""The assertions that the tests of all ops share."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import onnx

from cases.builder import Array, Case
from cases.op import OpCase
from oracles import ORACLES
from qudnn import converter
from qudnn.converter.functions import DOMAIN
from session import CUDA, assert_same_bits, open_session, outputs, run

ENTRIES = ("QuantizeToIsland", "QuantizeHalfToIsland", "ConvertToIsland")
EXITS = ("DequantizeFromIsland", "ConvertFromIsland")


def assert_converts(
    case: Case, ops: Mapping[str, int], opset: int = 13, batches: Sequence[int] = (2, 1)
) -> converter.Report:
    """The whole model becomes these ops, crossings apart, and computes what it did, through their bodies."""
    original = case.model(opset)
    conversion = converter.convert(original)
    assert not conversion.report.left, str(conversion.report)
    assert conversion.report.converted == ops
    found = Counter(node.op_type for node in conversion.model.graph.node)
    entries, exits = (sum(found.pop(op, 0) for op in crossings) for crossings in (ENTRIES, EXITS))
    assert found == ops
    assert (entries, exits) == (conversion.report.entries, conversion.report.exits)
    assert_equivalent(original, conversion.model, [case.inputs(batch) for batch in batches])
    return conversion.report


def assert_declines(case: Case, op: str, reason: str, opset: int = 13) -> None:
    """The node stays, the report says why, and the model computes what it did."""
    original = case.model(opset)
    conversion = converter.convert(original)
    reasons = [entry.reason for entry in conversion.report.left if entry.op_type == op]
    assert len(reasons) == 1
    assert reason in reasons[0]
    assert reasons[0] in str(conversion.report)
    assert op in [node.op_type for node in conversion.model.graph.node]
    assert_equivalent(original, conversion.model, [case.inputs()])


def assert_true_report(original: onnx.ModelProto, conversion: converter.Conversion) -> None:
    """The report is about the original's nodes, its numbers add up, and it shows no Python objects."""
    report = conversion.report
    text = str(report)
    assert "rule failed" not in text, text
    assert not re.search(r"\w\(name=|object at 0x|Value\(|Node\(|Refusal|<\w+ ", text), text
    op_types = {f"{path}{node.name or node.output[0]}": node.op_type for path, node in _nodes(original)}
    assert {entry.name: entry.op_type for entry in report.left}.items() <= op_types.items(), text
    left = sum(entry.quantized for entry in report.left)
    assert report.converted_nodes == (report.quantized_nodes - left if report.converted else 0), text
    assert report.converted or not report.approximate, text
    listed = [entry.quantized for entry in report.left]
    assert listed == sorted(listed, reverse=True)


def _nodes(model: onnx.ModelProto) -> Iterator[tuple[str, onnx.NodeProto]]:
    """Each node, and the path of the body that it is in: `<name>/<attribute>/`, or nothing."""
    bodies: list[tuple[str, onnx.GraphProto | onnx.FunctionProto]] = [("", model.graph)]
    bodies += [("", function) for function in model.functions]
    while bodies:
        path, body = bodies.pop()
        for node in body.node:
            yield path, node
            inside = f"{path}{node.name or node.output[0]}"
            bodies += [(f"{inside}/{each.name}/", each.g) for each in node.attribute if each.HasField("g")]


def assert_equivalent(
    original: onnx.ModelProto, converted: onnx.ModelProto, inputs: Sequence[Mapping[str, Array]]
) -> None:
    """Same inputs and outputs by name, type and shape, and on the CPU provider the same bits."""
    onnx.checker.check_model(converted, full_check=True)
    assert list(converted.graph.input) == list(original.graph.input)
    assert list(converted.graph.output) == list(original.graph.output)
    sessions = [open_session(model) for model in (converted, original)]
    for values in inputs:
        assert_same_bits(*(outputs(session, values) for session in sessions))


def assert_body_matches_oracle(
    case: OpCase, batch: int = 2, opset: int = 13, inputs: Mapping[str, Array] | None = None
) -> None:
    """The function body on the CPU provider and the formula in NumPy give the same bits."""
    inputs = case.inputs(batch) if inputs is None else inputs
    expected = ORACLES[case.op](*inputs.values(), *case.constants.values(), **case.attributes)
    result = run(case.model(opset), inputs)
    assert_same_bits(result.outputs, {"y": np.asarray(expected)})
    assert case.op not in {kernel.op_type for kernel in result.executed}  # the body ran, nothing else


def with_one_nan(outputs: Mapping[str, Array]) -> dict[str, Array]:
    """All that is no number as the same NaN: IEEE 754 does not say which sign and payload an operation gives.

    x86 processors give a negative one, GPUs a positive one.
    """
    return {
        name: np.where(np.isnan(values), np.array(np.nan, values.dtype), values)
        if values.dtype.kind == "f"
        else values
        for name, values in outputs.items()
    }


def assert_kernels_match_bodies(model: onnx.ModelProto, inputs: Mapping[str, Array]) -> None:
    """The GPU's kernels give the bits of the function bodies, and all of the model ran on the GPU.

    One NaN is as good as another.
    """
    expected = run(model, inputs)
    actual = run(model, inputs, CUDA)
    ops = Counter(node.op_type for node in model.graph.node if node.domain == DOMAIN)
    assert ops
    for op, count in ops.items():
        assert actual.providers(op) == {CUDA: count}
    assert {kernel.provider for kernel in actual.executed} == {CUDA}, actual.executed
    assert_same_bits(with_one_nan(actual.outputs), with_one_nan(expected.outputs))


def assert_same_on_gpu(model: onnx.ModelProto, inputs: Sequence[Mapping[str, Array]]) -> None:
    """On the GPU a converted model gives the bits of its bodies, each of its ops run by its kernel.

    What was left of the model may run anywhere.
    """
    for values in inputs:
        expected, actual = run(model, values), run(model, values, CUDA)
        ops = Counter(node.op_type for node in model.graph.node if node.domain == DOMAIN)
        for op, count in ops.items():
            assert actual.providers(op) == {CUDA: count}
        assert_same_bits(actual.outputs, expected.outputs)


def assert_converted_runs_on_gpu(case: Case, batch: int = 2) -> None:
    """As assert_kernels_match_bodies, for the converted model of a case."""
    conversion = converter.convert(case.model())
    assert not conversion.report.left, str(conversion.report)
    assert_kernels_match_bodies(conversion.model, case.inputs(batch))


# Operators of which onnxruntime's CUDA provider has kernels for float32, and none for 8 bits.
_FLOAT_ON_GPU = {"DepthToSpace", "Pad", "Relu", "SpaceToDepth", "Tile"}


def types_of(model: onnx.ModelProto) -> dict[str, int]:
    """The types of the graph's values, as far as ONNX infers them."""
    graph = onnx.shape_inference.infer_shapes(model).graph
    types = {value.name: value.type.tensor_type.elem_type for value in (*graph.input, *graph.output)}
    types |= {value.name: value.type.tensor_type.elem_type for value in graph.value_info}
    return types | {tensor.name: tensor.data_type for tensor in graph.initializer}


def assert_no_move_leaves_the_gpu(original: onnx.ModelProto, converted: onnx.ModelProto) -> None:
    """No node works on 8 bits, for which it has no kernel there, that worked on float32."""
    eight_bit = {onnx.TensorProto.UINT8, onnx.TensorProto.INT8}

    def names(model: onnx.ModelProto) -> set[str]:
        types = types_of(model)
        nodes = [node for node in model.graph.node if not node.domain and node.op_type in _FLOAT_ON_GPU]
        return {node.name for node in nodes if types.get(node.input[0]) in eight_bit}

    assert names(converted) <= names(original)
