"""What integer tensors hold: exactly, and each asked once."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from qudnn import converter
from qudnn.converter.analysis.facts import Facts
from qudnn.converter.analysis.shape_values import ShapeValues
from qudnn.converter.graph.sizes import Unknown, unknown


def graph(
    nodes: Sequence[onnx.NodeProto], shape: Sequence[int | str], *constants: onnx.TensorProto
) -> ir.Model:
    """A model of these nodes on the float32 tensor x."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
    y = helper.make_empty_tensor_value_info(nodes[-1].output[0])
    proto = helper.make_graph(nodes, "g", [x], [y], constants)
    return ir.from_proto(helper.make_model(proto, opset_imports=[helper.make_opsetid("", 17)], ir_version=8))


def values_of(model: ir.Model) -> dict[str, tuple[int | Unknown, ...] | None]:
    facts = Facts(model)
    for node in model.graph:
        facts.pass_on(node)
    return {node.outputs[0].name or "": facts.numbers(node.outputs[0]) for node in model.graph}


def arrays_of(model: ir.Model) -> list[Any]:
    """The same, in all their dimensions."""
    facts = Facts(model)
    for node in model.graph:
        facts.pass_on(node)
    values = ShapeValues(facts.shape)
    found = [values.of(node.outputs[0]) for node in model.graph]
    return [None if numbers is None else numbers.array for numbers in found]


def integers(name: str, *numbers: int, dtype: type = np.int64) -> onnx.TensorProto:
    return numpy_helper.from_array(np.array(numbers, dtype), name)


_OF_ROWS = ("Transpose", "Reshape", "Expand", "rows from behind")
_OPS = (
    *_OF_ROWS,
    "Add",
    "Sub",
    "Mul",
    "Div",
    "Equal",
    "Concat",
    "Gather",
    "Slice",
    "Squeeze",
    "Unsqueeze",
    "Where",
)


@st.composite
def programs(draw: st.DrawFn) -> list[onnx.NodeProto]:
    """Nodes that compute with the sizes of x and with constants; some of them may not be valid."""
    nodes = [helper.make_node("Shape", ["x"], ["v0"])]
    vectors = ["v0", "two", "minus", "first", "scalar"]
    for number in range(1, draw(st.integers(1, 8))):
        op_type, name = draw(st.sampled_from(_OPS)), f"v{number}"
        a, b = draw(st.sampled_from(vectors)), draw(st.sampled_from(vectors))
        if op_type == "Equal":
            nodes.append(helper.make_node("Equal", [a, b], [f"{name}_is"]))
            nodes.append(helper.make_node("Cast", [f"{name}_is"], [name], to=TensorProto.INT64))
        elif op_type == "Where":
            nodes.append(helper.make_node("Equal", [a, b], [f"{name}_is"]))
            nodes.append(helper.make_node("Where", [f"{name}_is", a, b], [name]))
        elif op_type == "Slice":
            steps = draw(st.sampled_from([["one"], ["one", "first"], ["one", "first", "one"]]))
            nodes.append(helper.make_node("Slice", [a, "first", *steps], [name]))
        elif op_type == "Transpose":
            nodes.append(helper.make_node("Transpose", [a], [name]))
        elif op_type == "Reshape":
            nodes.append(helper.make_node("Reshape", [a, draw(st.sampled_from(["minus", "rows"]))], [name]))
        elif op_type == "Expand":
            # Not to the -1 of rows: onnxruntime takes it for a size, and a Slice of that ends the process.
            nodes.append(helper.make_node("Expand", [a, draw(st.sampled_from(["two", "pair"]))], [name]))
        elif op_type == "rows from behind":
            nodes.append(helper.make_node("Slice", [a, "minus", "least", "first", "minus"], [name]))
        elif op_type in ("Squeeze", "Unsqueeze"):
            nodes.append(helper.make_node(op_type, [a, "first"], [name]))
        elif op_type == "Gather":
            index = draw(st.sampled_from(["scalar", "first", "one"]))
            axis = draw(st.sampled_from([0, -1]))
            nodes.append(helper.make_node("Gather", [a, index], [name], axis=axis))
        elif op_type == "Concat":
            nodes.append(helper.make_node("Concat", [a, b], [name], axis=draw(st.sampled_from([0, -1]))))
        else:
            nodes.append(helper.make_node(op_type, [a, b], [name]))
        vectors.append(name)
    return nodes


@settings(max_examples=200, deadline=None)
@given(nodes=programs(), sizes=st.lists(st.integers(1, 9), min_size=1, max_size=3))
def test_as_onnxruntime_computes(nodes: list[onnx.NodeProto], sizes: list[int]) -> None:
    """What is known of unknown sizes holds for these; where all sizes are known, it is exactly that."""
    constants = [
        integers("two", 2),
        integers("minus", -1),
        integers("first", 0),
        integers("one", 1),
        integers("rows", -1, 2),
        integers("pair", 2, 1),
        integers("least", -(2**63) + 1),
        numpy_helper.from_array(np.array(0, np.int64), "scalar"),
    ]
    model = graph(nodes, sizes, *constants)
    proto = ir.to_proto(model)
    assert isinstance(proto, onnx.ModelProto)
    del proto.graph.output[:]
    proto.graph.output.extend(helper.make_empty_tensor_value_info(node.output[0]) for node in nodes)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(proto.SerializeToString(), options, ["CPUExecutionProvider"])
        results = session.run(None, {"x": np.zeros(sizes, np.float32)})
    except Exception:  # not a valid program
        return
    named = graph(nodes, [f"s{axis}" for axis in range(len(sizes))], *constants)
    for exactly, partly, result in zip(arrays_of(model), arrays_of(named), results, strict=True):
        assert exactly is None or exactly.tolist() == result.tolist()
        if partly is not None:
            assert partly.shape == result.shape
            pairs = zip(partly.reshape(-1), result.reshape(-1).tolist(), strict=True)
            assert all(number == value for number, value in pairs if isinstance(number, int))


def test_pads_that_are_turned_around() -> None:
    """As PyTorch exports F.pad(x, (0, a, 0, b)): its pads from the last axis on, in rows of two."""
    nodes = [
        helper.make_node("Shape", ["x"], ["v"]),
        helper.make_node("Concat", ["first", "v", "first"], ["flat"], axis=0),
        helper.make_node("Reshape", ["flat", "rows"], ["pairs"]),
        helper.make_node("Slice", ["pairs", "minus", "least", "first", "minus"], ["turned"]),
        helper.make_node("Transpose", ["turned"], ["t"], perm=[1, 0]),
        helper.make_node("Reshape", ["t", "minus"], ["pads"]),
    ]
    constants = integers("first", 0), integers("rows", -1, 2), integers("minus", -1), integers("least", -99)
    assert values_of(graph(nodes, ["n", 5], *constants))["pads"] == (5, 0, 0, unknown("n"))


@pytest.mark.parametrize(
    ("a", "b", "equal"),
    [
        ("minus", "size", 0),  # no size is negative
        ("minus", "less", None),  # 2 - n may be -1
        ("size", "more", 0),
        ("size", "two", None),
        ("size", "size", 1),
    ],
)
def test_sizes_are_equal_always_never_or_sometimes(a: str, b: str, equal: int | None) -> None:
    nodes = [
        helper.make_node("Shape", ["x"], ["size"]),
        helper.make_node("Sub", ["two", "size"], ["less"]),
        helper.make_node("Add", ["two", "size"], ["more"]),
        helper.make_node("Equal", [a, b], ["equal"]),
    ]
    constants = integers("two", 2), integers("minus", -1)
    found = values_of(graph(nodes, ["n"], *constants))["equal"]
    assert found == (None if equal is None else (equal,))


def test_each_value_is_looked_at_once() -> None:
    """Through 3,000 sums of a vector with itself, after which there are 2**3000 paths."""
    nodes = [helper.make_node("Shape", ["x"], ["v0"])]
    nodes += [helper.make_node("Add", [f"v{i}", f"v{i}"], [f"v{i + 1}"]) for i in range(3000)]
    model = graph(nodes, ["n", 1])
    asked = []
    values = ShapeValues(lambda value: asked.append(value) or (unknown("n"), 1))  # type: ignore[func-returns-value]
    found = values.of(model.graph.node(3000).outputs[0])
    assert found is None  # 2**3000 is more than an int64 holds
    (first,) = (values.of(model.graph.node(10).outputs[0]),)
    assert first is not None and first.elements[1] == 2**10
    assert isinstance(first.elements[0], Unknown) and len(str(first.elements[0])) <= 200
    assert len(asked) == 1


def test_a_shape_learned_later_counts() -> None:
    nodes = [
        helper.make_node("Relu", ["x"], ["r"]),
        helper.make_node("Shape", ["r"], ["s"]),
        helper.make_node("Mul", ["s", "s"], ["m"]),
    ]
    model = graph(nodes, ["n", 3])
    facts = Facts(model)
    relu, _, multiply = model.graph
    before = facts.numbers(multiply.outputs[0])
    assert before is not None and isinstance(before[0], Unknown) and before[1] == 9
    facts.note_shape(relu.outputs[0], ir.DataType.FLOAT, (5, 3))
    assert facts.numbers(multiply.outputs[0]) == (25, 9)


def _filled(size: int) -> list[onnx.NodeProto]:
    return [helper.make_node("ConstantOfShape", ["size"], ["v"])]


def _ranged(size: int) -> list[onnx.NodeProto]:
    return [
        helper.make_node("Squeeze", ["size"], ["limit"]),
        helper.make_node("Range", ["zero", "limit", "step"], ["numbers"]),
        helper.make_node("Cast", ["numbers"], ["v"], to=TensorProto.FLOAT),
    ]


def _expanded(size: int) -> list[onnx.NodeProto]:
    return [helper.make_node("Expand", ["real", "size"], ["v"])]


@pytest.mark.parametrize("build", [None, _filled, _ranged, _expanded])
@pytest.mark.parametrize("size", [1000, 2**40])
def test_a_long_vector_costs_nothing(build: Callable[[int], list[onnx.NodeProto]] | None, size: int) -> None:
    """ONNX's data propagation would make an object for each of its elements."""
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "scale", "zero_point"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "scale", "zero_point"], ["y"]),
        *([] if build is None else build(size)),
        helper.make_node("Mul", ["v", "real"], ["w"]),
        helper.make_node("Add", ["w", "v"], ["z"]),
    ]
    constants = [
        numpy_helper.from_array(np.array(0.1, np.float32), "scale"),
        numpy_helper.from_array(np.array(3, np.uint8), "zero_point"),
        numpy_helper.from_array(np.array(2, np.float32), "real"),
        integers("size", size),
        numpy_helper.from_array(np.array(0, np.int64), "zero"),
        numpy_helper.from_array(np.array(1, np.int64), "step"),
    ]
    v = [helper.make_tensor_value_info("v", TensorProto.FLOAT, [size])] if build is None else []
    proto = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [4, 8]), *v],
        [helper.make_empty_tensor_value_info(name) for name in ("y", "z")],
        constants,
    )
    model = helper.make_model(proto, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    assert converter.convert(model).report is not None
    facts = Facts(ir.from_proto(model))
    for node in ir.from_proto(model).graph:
        facts.pass_on(node)
    shapes = [facts.shape(ir.Value(name=name)) for name in ("v", "w", "z")]
    assert shapes == [(size,)] * 3


def test_shapes_after_computed_numbers() -> None:
    """What ONNX's data propagation would tell, and what it would not: a part of the sizes."""
    nodes = [
        helper.make_node("Shape", ["x"], ["batch"], start=0, end=1),
        helper.make_node("Concat", ["two", "batch", "four"], ["sizes"], axis=0),
        helper.make_node("ConstantOfShape", ["sizes"], ["state"]),
        helper.make_node("Concat", ["batch", "rest"], ["target"], axis=0),
        helper.make_node("Reshape", ["x", "target"], ["image"]),
        helper.make_node("Conv", ["image", "w"], ["conv"], kernel_shape=[3, 3]),
        helper.make_node("GlobalAveragePool", ["conv"], ["y"]),
    ]
    w = numpy_helper.from_array(np.zeros((5, 3, 3, 3), np.float32), "w")
    model = graph(nodes, ["n", 192], integers("two", 2), integers("four", 4), integers("rest", 3, 8, -1), w)
    facts = Facts(model)
    for node in model.graph:
        facts.pass_on(node)
    n = unknown("n")
    shapes = [facts.shape(ir.Value(name=name)) for name in ("state", "image", "conv", "y")]
    assert shapes == [(2, n, 4), (n, 3, 8, 8), (n, 5, 6, 6), (n, 5, 1, 1)]
