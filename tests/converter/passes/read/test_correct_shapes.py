"""Shapes that a model declares and that are not true: what follows from its inputs comes first."""

import onnx
import onnx_ir as ir
import pytest
from onnx import helper
from qdq_networks import QdqNetwork, normal

from cases.attention import AttentionCase
from cases.builder import MICROSOFT, Shape, value_info
from check import assert_equivalent
from qudnn import converter
from qudnn.converter.analysis.inference import infer
from qudnn.converter.context import Journal
from qudnn.converter.passes.read.correct_shapes import CorrectShapes
from session import assert_same_bits, run

STALE = [[1, 4, 9, 8], ["n", 4, 5, 5], ["n", 4, 72], ["n", 5, 9, 8], ["m", 4, "h", "w"]]


def network(opset: int, domain: str = "") -> QdqNetwork:
    """A float operator, whose result's sizes the padding and the weights of what is converted depend on."""
    net = QdqNetwork()
    x = net.node("Gelu" if domain else "Softplus", [net.input("x", "float32", ["n", 4, 8, 9])], "f", domain)
    x = net.pair(net.node("Transpose", [x], "t", perm=[0, 1, 3, 2]), "t_q", 0.0471, 119)
    inputs = [x, net.weights("c_w", (6, 4, 3, 3))]
    x = net.pair(net.node("Conv", inputs, "c", auto_pad="SAME_UPPER", strides=[2, 2]), "c_q", 0.0893, 131)
    x = net.pair(net.node("Flatten", [x], "flat"), "flat_q", 0.0893, 131)
    net.y(net.node("MatMul", [x, net.weights("m_w", (6 * 5 * 4, 7))], "m"), rank=2)
    return net


@pytest.mark.parametrize("opset", [11, 17])
@pytest.mark.parametrize("domain", ["", MICROSOFT])
@pytest.mark.parametrize("name", ["f", "t", "t_q/quantized", "t_q"])
@pytest.mark.parametrize("shape", STALE, ids=str)
def test_what_follows_overrides_what_is_declared(name: str, shape: Shape, domain: str, opset: int) -> None:
    model = with_declared(network(opset, domain), opset, name, shape)
    conversion = converter.convert(model)
    assert conversion.report.converted == {"StepsToIsland": 1, "QConv": 1, "Reshape": 1, "QMatMul": 1}
    assert_equivalent(model, conversion.model, [{"x": normal(batch, 4, 8, 9)} for batch in (2, 1)])


@pytest.mark.parametrize("shape", [["n", 4, 7, 7], ["n", 36, 8], ["n", 4, 8, 9]], ids=str)
def test_what_follows_from_sizes_overrides_too(shape: Shape) -> None:
    """A Reshape to sizes that are taken of a Shape, which ONNX's inference does not follow."""
    net = QdqNetwork()
    x = net.node("Softplus", [net.input("x", "float32", ["n", 4, 72])], "f")
    batch = net.node("Slice", [net.node("Shape", [x], "size"), *_bounds(net)], "batch")
    sizes = net.node("Concat", [batch, net.constant("rest", [4, 9, 8], "int64")], "sizes", axis=0)
    x = net.pair(net.node("Reshape", [x, sizes], "r"), "r_q", 0.0471, 119)
    inputs = [x, net.weights("c_w", (6, 4, 3, 3))]
    net.y(net.node("Conv", inputs, "c", auto_pad="SAME_UPPER", strides=[2, 2]))
    model = with_declared(net, 17, "r", shape)
    conversion = converter.convert(model)
    assert conversion.report.converted == {"QConv": 1}
    assert_equivalent(model, conversion.model, [{"x": normal(count, 4, 72)} for count in (2, 1)])


def _bounds(net: QdqNetwork) -> list[str]:
    return [net.constant(name, [number], "int64") for name, number in (("start", 0), ("end", 1))]


def with_declared(net: QdqNetwork, opset: int, name: str, shape: Shape) -> onnx.ModelProto:
    graph = helper.make_graph(net.nodes, "g", net.inputs, net.outputs, net.constants)
    dtype = "uint8" if name.endswith("/quantized") else "float32"
    graph.value_info.append(value_info(name, dtype, shape))
    imports = [helper.make_opsetid("", opset), helper.make_opsetid(MICROSOFT, 1)]
    return helper.make_model(graph, opset_imports=imports, ir_version=8)


def test_what_is_declared_counts_where_nothing_follows() -> None:
    """The result of a function of the model's own, which is quantized as an image."""
    net = QdqNetwork()
    body = [helper.make_node("Reshape", ["a", "s"], ["b"])]
    function = helper.make_function("mine", "F", ["a", "s"], ["b"], body, [helper.make_opsetid("", 17)])
    sizes = net.input("sizes", "int64", [4])
    x = net.node("F", [net.input("x", "float32", ["n", 4, 72]), sizes], "f", domain="mine")
    inputs = [net.pair(x, "f_q", 0.0471, 119), net.weights("c_w", (6, 4, 3, 3))]
    net.y(net.node("Conv", inputs, "c", auto_pad="SAME_UPPER", strides=[2, 2]))
    graph = helper.make_graph(net.nodes, "g", net.inputs, net.outputs, net.constants)
    imports = [helper.make_opsetid("", 17), helper.make_opsetid("mine", 1)]
    model = helper.make_model(graph, opset_imports=imports, functions=[function], ir_version=8)
    assert converter.convert(model).model is model
    model.graph.value_info.append(value_info("f", "float32", ["n", 4, 9, 8]))
    conversion = converter.convert(model)
    assert conversion.report.converted == {"QConv": 1}
    feed = {
        "x": normal(2, 4, 72),
        "sizes": onnx.numpy_helper.to_array(helper.make_tensor("s", 7, [4], [2, 4, 9, 8])),
    }
    assert_equivalent(model, conversion.model, [feed])


@pytest.mark.parametrize("shape", STALE, ids=str)
def test_shapes_follow_where_a_domain_is_not_imported(shape: Shape) -> None:
    """onnxruntime takes the newest operators of its own domains then."""
    net = network(17)
    matmul = net.node("FusedMatMul", ["x", "x"], "beside", MICROSOFT, transB=1)
    net.y(net.node("Relu", [matmul], "beside_relu"))
    model = with_declared(net, 17, "f", shape)
    del model.opset_import[1:]
    assert [imported.domain for imported in model.opset_import] == [""]
    conversion = converter.convert(model)
    assert conversion.report.converted == {"StepsToIsland": 1, "QConv": 1, "Reshape": 1, "QMatMul": 1}
    assert_equivalent(model, conversion.model, [{"x": normal(batch, 4, 8, 9)} for batch in (2, 1)])
    shapes = {y.name: y.shape for node in infer(ir.from_proto(model), declared=False) for y in node.outputs}
    assert shapes["t"] == ["n", 4, 9, 8]


@pytest.mark.parametrize("name", ["scores", "scaled", "weights"])
@pytest.mark.parametrize("size", [1, 5, 2**40])
def test_the_number_of_keys_is_not_the_one_declared(name: str, size: int) -> None:
    """onnxruntime's softmax has other bits by what is declared of its input; those of the model remain."""
    case = AttentionCase("QDQ", "N", "S", biases=False)
    model = onnx.ModelProto()
    model.CopyFrom(case.model())
    declared = next(value for value in model.graph.value_info if value.name == name)
    declared.type.tensor_type.shape.dim[3].dim_value = size
    conversion = converter.convert(model)
    assert conversion.report.converted["QAttention"] == 1
    for keys in (21, 2, 1):
        inputs = case.inputs(2, keys)
        assert_same_bits(run(conversion.model, inputs).outputs, run(case.model(), inputs).outputs)


@pytest.mark.parametrize("name", ["q_heads", "query", "scores", "weights", "context", "merged", "joined"])
@pytest.mark.parametrize("size", [1, 2, "unk__0", 2**40])
def test_sizes_behind_computed_reshapes_are_those_computed(name: str, size: int | str) -> None:
    """ONNX's inference does not know them; what is computed of a Shape is not the size declared."""
    case = AttentionCase("QDQ", "N", "S", shapes="computed")
    true = case.model()
    model = onnx.ModelProto()
    model.CopyFrom(true)
    declared = next(value for value in model.graph.value_info if value.name == name)
    dim = declared.type.tensor_type.shape.dim[1 if name in ("q_heads", "merged", "joined") else 2]
    if isinstance(size, int):
        dim.dim_value = size
    else:
        dim.dim_param = size
    read = ir.from_proto(model)
    CorrectShapes(Journal.of(read))(read)
    shapes = {output.name: output.shape for node in read.graph for output in node.outputs}
    assert list(shapes["q_heads"] or ())[:2] == ["N", "S"]
    for known, shape in {
        "query": ["N", 4, "S", 16],
        "weights": ["N", 4, "S", "S"],
        "merged": ["N", "S", 4, 16],
        "joined": ["N", "S", 64],
    }.items():
        assert shapes[known] == shape, known
    conversion = converter.convert(model)
    assert conversion.report.converted == converter.convert(true).report.converted
    assert conversion.report.converted["QAttention"] == 1 and not conversion.report.left
    for length in (21, 2, 1):
        inputs = case.inputs(2, length)
        assert_same_bits(run(conversion.model, inputs).outputs, run(true, inputs).outputs)


def test_a_size_that_is_computed_of_others_is_not_declared() -> None:
    """It has no name of its own; the one declared would stand for another number."""
    net = QdqNetwork()
    x = net.input("x", "float32", ["n", 4, "h", "w"])
    net.y(net.node("Reshape", [x, net.constant("to", [0, 4, -1], "int64")], "pixels"), rank=3)
    model = ir.from_proto(with_declared(net, 17, "pixels", [7, 5, 7]))
    CorrectShapes(Journal.of(model))(model)
    (node,) = [node for node in model.graph if node.op_type == "Reshape"]
    assert node.outputs[0].shape == ["n", 4, None]


def test_one_contradiction_leaves_what_follows_of_others() -> None:
    """ONNX's inference of the model as a whole fails where an output has another type than is declared."""
    net = QdqNetwork()
    x = net.node("MaxPool", [net.input("x", "float32", ["n", 4, 8, 9])], "a", kernel_shape=[3, 2])
    net.node("Transpose", [x], "b", perm=[0, 2, 3, 1])
    net.output(net.node("Relu", ["b"], "c"), "float32", ["n", 6, 8, 4])
    net.output(net.constant("k", 1.0, "float32"), "uint8", [])
    graph = helper.make_graph(net.nodes, "g", net.inputs, net.outputs, net.constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    with pytest.raises(onnx.shape_inference.InferenceError):
        onnx.shape_inference.infer_shapes(model)
    shapes = {y.name: y.shape for node in infer(ir.from_proto(model)) for y in node.outputs}
    assert shapes == {"a": ["n", 4, 6, 8], "b": ["n", 6, 8, 4], "c": ["n", 6, 8, 4]}
