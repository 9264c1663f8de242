"""Quantized nodes in the bodies of If, Loop and Scan convert, each body as a model of its own."""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import onnx
import pytest
from conversions import convert, floats, reasons
from networks import Network
from onnx import helper
from qdq_networks import QdqNetwork

import check
from cases.builder import Array, GraphBuilder, value_info
from qudnn import converter
from qudnn.converter.api import inspect
from qudnn.converter.domain import DOMAIN, graphs_within
from session import CUDA, assert_same_bits, open_session, outputs, run


def unshaped(name: str, dtype: str = "float32") -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), None)


def body(net: GraphBuilder, results: Sequence[onnx.ValueInfoProto]) -> onnx.GraphProto:
    return helper.make_graph(net.nodes, "body", net.inputs, results, net.constants)


def ops(model: onnx.ModelProto) -> Counter[str]:
    """The ops of qudnn in all bodies, apart from the graph's own."""
    graphs = list(graphs_within(model.graph))[1:]
    return Counter(node.op_type for graph in graphs for node in graph.node if node.domain == DOMAIN)


def assert_names_differ(model: onnx.ModelProto) -> None:
    """No value or constant has a name twice in scopes that see each other, nor a node at all."""

    def look(graph: onnx.GraphProto, outer: frozenset[str]) -> Iterator[str]:
        own = [x.name for x in graph.input] + [x.name for x in graph.initializer]
        own += [name for node in graph.node for name in node.output if name]
        assert len(own) == len(set(own))
        assert not outer.intersection(own)
        for node in graph.node:
            yield node.name
            for attribute in node.attribute:
                if attribute.HasField("g"):
                    yield from look(attribute.g, outer.union(own))

    names = [name for name in look(model.graph, frozenset()) if name]
    assert len(names) == len(set(names))


def assert_inlines(conversion: converter.Conversion, inputs: dict[str, Array]) -> None:
    inlined = converter.inline(conversion.model)
    onnx.checker.check_model(inlined, full_check=True)
    assert not inlined.functions
    assert not ops(inlined)
    got, want = (outputs(open_session(model), inputs) for model in (inlined, conversion.model))
    assert_same_bits(got, want)


def merged_decoder() -> onnx.ModelProto:
    """Both branches multiply what is quantized outside by one weight; one adds a tensor of floats."""
    net = QdqNetwork()
    net.x(("n", 24))
    quantization = ["x_q_scale", "x_q_zero_point"]
    net.constant("w", np.random.default_rng(3).integers(-99, 99, (24, 64)), "int8")
    branches = []
    for name in "then", "else":
        inner = QdqNetwork()
        parameters = inner.parameters(f"{name}_w", 0.0113, 0, "int8")
        w = inner.dequantize("w", parameters, f"{name}_dw")
        x = inner.dequantize("x_q/quantized", quantization, f"{name}_x")
        y = inner.pair(inner.node("MatMul", [x, w], f"{name}_m"), f"{name}_q", 0.089, 131)
        if name == "else":
            past = inner.pair("past", "past_q", 0.05, 128)
            y = inner.pair(inner.node("Add", [y, past], "else_a"), "else_s", 0.11, 120)
        branches.append(body(inner, [value_info(y, "float32", ["n", 64])]))
    net.input("past", "float32", ["n", 64])
    net.input("first", "bool", [])
    net.node("If", ["first"], "y", then_branch=branches[0], else_branch=branches[1])
    net.output("y", "float32", ["n", 64])
    return net.model(17)


@pytest.mark.parametrize("first", [True, False])
def test_branches_of_an_if(first: bool) -> None:
    model = merged_decoder()
    inputs = {"x": floats(5, 24), "past": floats(5, 64), "first": np.array(first)}
    conversion = convert(model, **inputs)
    found = ops(conversion.model)
    assert (found["QMatMul"], found["QAdd"]) == (2, 1)
    report = conversion.report
    assert (report.quantized_nodes, report.converted_nodes) == (3, 3)
    assert (report.converted["QMatMul"], report.islands) == (2, 2)
    assert {each.value for each in report.crossings} >= {
        "y_node/then_branch/x_q/quantized",
        "y_node/else_branch/past",
    }
    assert_names_differ(conversion.model)
    assert_inlines(conversion, inputs)


def test_equal_weights_of_branches_are_there_once() -> None:
    """Packed, in the outer graph; the weights that they were packed of are gone."""
    model = converter.convert(merged_decoder()).model
    large = [t for graph in graphs_within(model.graph) for t in graph.initializer if len(t.raw_data) > 1024]
    assert len(large) == 1
    assert large[0] in list(model.graph.initializer)
    assert "w" not in {tensor.name for tensor in model.graph.initializer}


def loop(
    dtype: str = "uint8", grows: bool = False, declared: bool = True, opset: int = 17
) -> onnx.ModelProto:
    """A state that goes through a convolution in each iteration, and one that may get longer."""
    net = Network(dtype)
    net.eight_bit_input(["n", 6, 8, 8])
    net.constant("start", np.zeros((0 if grows else 3, 2)), "float32")
    net.constant("more", np.ones((1, 2)), "float32")
    net.constant("go", True, "bool")
    inner = Network(dtype)
    inner.input("i", "int64", [])
    inner.input("go_in", "bool", [])
    if declared:
        inner.eight_bit_input(["n", 6, 8, 8], "s")
    else:
        inner.inputs.append(unshaped("s", dtype))
    inner.inputs.append(unshaped("t"))
    y = inner.add(inner.conv("s", "c", 6, 6, 3, pads=[1, 1, 1, 1]), "x", "a")
    inner.node("Identity", ["go_in"], "go_out")
    t = inner.node("Concat", ["t", "more"], "u", axis=0) if grows else inner.node("Neg", ["t"], "u")
    inner.dequantize(y, "d")
    inner.constants = [c for c in inner.constants if c.name not in ("scale", "zero_point")]
    end = value_info(y, dtype, ["n", 6, 8, 8]) if declared else unshaped(y, dtype)
    results = [value_info("go_out", "bool", []), end, unshaped(t)]
    results += [value_info("d", "float32", ["n", 6, 8, 8])]
    net.input("times", "int64", [])
    node = helper.make_node(
        "Loop", ["times", "go", "x", "start"], ["last", "long", "all"], name="loop", body=body(inner, results)
    )
    net.nodes.append(node)
    net.unshaped_output("last", dtype)
    net.unshaped_output("long", "float32", 2)
    net.unshaped_output("all", "float32", 5)
    return net.model(opset)


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
@pytest.mark.parametrize("grows", [False, True])
@pytest.mark.parametrize("declared", [False, True])
@pytest.mark.parametrize("opset", [11, 17])
def test_the_body_of_a_loop(dtype: str, grows: bool, declared: bool, opset: int) -> None:
    inputs = {"x": Network(dtype).random((2, 6, 8, 8)), "times": np.array(4)}
    conversion = convert(loop(dtype, grows, declared, opset), **inputs)
    assert conversion.report.converted == {"QConvAdd" if declared else "QConv": 1}
    assert set(conversion.report.converted) < set(ops(conversion.model))
    assert_names_differ(conversion.model)
    assert_inlines(conversion, inputs)


def test_a_state_may_change_a_size() -> None:
    """What the first iteration has would mislead: rows are added to what it starts with."""
    net = QdqNetwork()
    net.input("x", "float32", [2, 16])
    net.constant("go", True, "bool")
    net.constant("times", 3, "int64")
    inner = QdqNetwork()
    inner.input("i", "int64", [])
    inner.input("go_in", "bool", [])
    inner.inputs.append(unshaped("s"))
    s = inner.pair("s", "s_q", 0.05, 120)
    y = inner.pair(inner.node("MatMul", [s, inner.weights("w", (16, 16))], "m"), "m_q", 0.09, 131)
    inner.node("Concat", [y, "x"], "longer", axis=0)
    inner.node("Identity", ["go_in"], "go_out")
    results = [value_info("go_out", "bool", []), unshaped("longer")]
    net.node("Loop", ["times", "go", "x"], "y", body=body(inner, results))
    net.output("y", "float32", ["rows", 16])
    conversion = convert(net.model(17), x=floats(2, 16))
    assert ops(conversion.model)["QMatMul"] == 1


def scan() -> onnx.ModelProto:
    """A state and a sequence along its second axis, which have their shapes from outside."""
    net = QdqNetwork()
    net.input("h", "float32", ["n", 32])
    net.input("xs", "float32", ["n", "t", 32])
    inner = QdqNetwork()
    for name in "state", "x":
        inner.inputs.append(unshaped(name))
    a = inner.pair("state", "state_q", 0.03, 126)
    a = inner.pair(inner.node("MatMul", [a, inner.weights("u", (32, 32))], "hu"), "hu_q", 0.09, 131)
    b = inner.pair("x", "x_q", 0.04, 121)
    b = inner.pair(inner.node("MatMul", [b, inner.weights("w", (32, 32))], "xw"), "xw_q", 0.08, 120)
    y = inner.pair(inner.node("Add", [a, b], "sum"), "sum_q", 0.1, 120)
    y = inner.pair(inner.node("Tanh", [y], "th"), "th_q", 1 / 128, 128)
    inner.node("Identity", [y], "out")
    results = [unshaped(name) for name in (y, "out")]
    net.nodes.append(
        helper.make_node(
            "Scan",
            ["h", "xs"],
            ["last", "ys"],
            name="scan",
            body=body(inner, results),
            num_scan_inputs=1,
            scan_input_axes=[1],
            scan_output_axes=[1],
        )
    )
    net.output("last", "float32", ["n", 32])
    net.output("ys", "float32", ["n", "t", 32])
    return net.model(17)


def test_the_body_of_a_scan() -> None:
    inputs = {"h": floats(3, 32), "xs": floats(3, 7, 32)}
    conversion = convert(scan(), **inputs)
    found = ops(conversion.model)
    assert (found["QMatMul"], found["QAdd"], found["QTable"]) == (2, 1, 1)
    assert not [entry for entry in conversion.report.left if entry.quantized]
    assert_inlines(conversion, inputs)


def nested() -> onnx.ModelProto:
    """A convolution in a Loop in an If reads what the outermost graph has; so does the graph itself."""
    net = Network()
    x = net.eight_bit_input(["n", 6, 8, 8])
    net.conv(x, net.unshaped_output("e", "uint8"), 6, 6)
    inner = Network()
    inner.input("i", "int64", [])
    inner.input("go_in", "bool", [])
    inner.eight_bit_input(["n", 6, 8, 8], "s")
    inner.add(inner.conv("s", "c", 6, 6), x, "a")
    inner.node("Identity", ["go_in"], "go_out")
    inner.constants = [c for c in inner.constants if c.name not in ("scale", "zero_point")]
    results = [value_info("go_out", "bool", []), value_info("a", "uint8", ["n", 6, 8, 8])]
    middle = GraphBuilder()
    middle.constant("go", True, "bool")
    middle.constant("times", 3, "int64")
    middle.node("Loop", ["times", "go", x], "l", body=body(inner, results))
    other = GraphBuilder()
    other.node("Identity", [x], "o")
    net.input("choice", "bool", [])
    net.node(
        "If",
        ["choice"],
        net.unshaped_output("y", "uint8"),
        then_branch=body(middle, [value_info("l", "uint8", ["n", 6, 8, 8])]),
        else_branch=body(other, [value_info("o", "uint8", ["n", 6, 8, 8])]),
    )
    return net.model(13)


@pytest.mark.parametrize("choice", [True, False])
def test_bodies_in_bodies(choice: bool) -> None:
    inputs = {"x": Network().random((2, 6, 8, 8)), "choice": np.array(choice)}
    conversion = convert(nested(), **inputs)
    assert ops(conversion.model)["QConvAdd"] == 1
    assert conversion.report.converted == {"QConv": 1, "QConvAdd": 1}
    assert (conversion.report.quantized_nodes, conversion.report.converted_nodes) == (3, 3)
    crossings = {each.value: each.reason for each in conversion.report.crossings}
    assert crossings["y_node/then_branch/l_node/body/s"] == "an input of the body"
    assert_names_differ(conversion.model)
    assert_inlines(conversion, inputs)


def read_outside(dtype: str, moved: bool) -> onnx.ModelProto:
    """Both branches read the result of a convolution; so does the graph."""
    net = Network(dtype)
    x = net.conv(net.eight_bit_input(["n", 3, 8, 8]), "c", 3, 16)
    if moved:
        x = net.node("Identity", [x], "moved")
    branches = {}
    for name in ("then_branch", "else_branch"):
        inner = Network(dtype)
        inner.average(x, name)
        inner.constants = [c for c in inner.constants if c.name not in ("scale", "zero_point")]
        branches[name] = body(inner, [value_info(name, dtype, ["n", 16, 1, 1])])
    net.input("choice", "bool", [])
    net.node("If", ["choice"], net.unshaped_output("y", dtype), **branches)
    return net.model(21)


@pytest.mark.parametrize("moved", [False, True])
@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_bodies_read_a_copy_of_what_is_converted_outside(dtype: str, moved: bool) -> None:
    """onnxruntime calls it a cycle without one, of int8: functions' values have the same names in bodies."""
    inputs = {"x": Network(dtype).random((2, 3, 8, 8)), "choice": np.array(True)}
    conversion = convert(read_outside(dtype, moved), **inputs)
    assert conversion.report.converted == {"QConv": 1, "QGlobalAveragePool": 2}
    assert [entry.op_type for entry in conversion.report.left] == ["If"]
    (copy,) = (node for node in conversion.model.graph.node if node.op_type == "Concat")
    (choice,) = (node for node in conversion.model.graph.node if node.op_type == "If")
    read = {node.input[0] for a in choice.attribute for node in a.g.node if node.op_type == "ConvertToIsland"}
    assert read == {*copy.output}
    assert_names_differ(conversion.model)
    assert_inlines(conversion, inputs)


def test_without_a_copy_onnxruntime_finds_a_cycle() -> None:
    """Once this opens, the copies may go."""
    model = converter.convert(read_outside("int8", moved=False)).model
    (copy,) = (node for node in model.graph.node if node.op_type == "Concat")
    for node in model.graph.node:
        for attribute in node.attribute:
            for inner in attribute.g.node:
                inner.input[:] = [copy.input[0] if x == copy.output[0] else x for x in inner.input]
    with pytest.raises(Exception, match="not acyclic"):
        open_session(model)


@pytest.mark.parametrize("choice", [True, False])
def test_bodies_in_bodies_read_what_is_converted_outside(choice: bool) -> None:
    """The body in between has no op of its own."""
    net = QdqNetwork()
    w = net.weights("w", (16, 24), 1)
    x = net.pair(net.node("MatMul", [net.x(("n", 16)), w], "m"), "m_q", 0.09, 131)
    branches = {}
    for name in ("then_branch", "else_branch"):
        inner = QdqNetwork()
        y = inner.pair(x, f"{name}_x", 0.08, 120)
        y = inner.node("MatMul", [y, inner.weights(f"{name}_w", (24, 16), 1)], f"{name}_m")
        y = inner.pair(y, f"{name}_q", 0.11, 120)
        branches[name] = body(inner, [value_info(y, "float32", ["n", 16])])
    middle, other = GraphBuilder(), GraphBuilder()
    middle.node("If", ["choice"], "chosen", **branches)
    other.node("ReduceSum", [x], "sum")
    net.input("choice", "bool", [])
    net.node(
        "If",
        ["choice"],
        "y",
        then_branch=body(middle, [value_info("chosen", "float32", ["n", 16])]),
        else_branch=body(other, [value_info("sum", "float32", [1, 1])]),
    )
    net.output("y", "float32", ["a", "b"])
    inputs = {"x": floats(3, 16), "choice": np.array(choice)}
    conversion = convert(net.model(17), **inputs)
    assert conversion.report.converted == {"QMatMul": 3}
    assert [node.op_type for node in conversion.model.graph.node].count("Concat") == 1
    assert_names_differ(conversion.model)
    assert_inlines(conversion, inputs)


def test_bodies_that_read_a_number_that_is_converted_outside_stay() -> None:
    """It has no axis along which it could be copied."""
    net = QdqNetwork()
    y = net.pair(net.node("MatMul", [net.x((1, 16)), net.weights("w", (16, 1))], "m"), "m_q", 0.09, 131)
    number = net.node("ReduceSum", [y], "number", keepdims=0)
    branches = {}
    for name in ("then_branch", "else_branch"):
        inner = QdqNetwork()
        v = inner.pair("v", f"{name}_v", 0.05, 120)
        v = inner.pair(inner.node("Tanh", [v], f"{name}_t"), f"{name}_q", 0.01, 120)
        inner.node("Add", [v, number], f"{name}_y")
        branches[name] = body(inner, [value_info(f"{name}_y", "float32", [1, 16])])
    net.input("v", "float32", [1, 16])
    net.input("choice", "bool", [])
    net.node("If", ["choice"], "y", **branches)
    net.output("y", "float32", [1, 16])
    conversion = convert(net.model(17), x=floats(1, 16), v=floats(1, 16), choice=np.array(True))
    assert conversion.report.converted == {"QMatMul": 1}
    outside = "it is in a body of If that reads number, which is converted outside"
    reason = f"{outside}: it is not known to have dimensions"
    assert reasons(conversion)["y_node/then_branch/then_branch_t_node"] == reason


def test_reports_call_nodes_in_bodies_by_their_paths() -> None:
    """What is left, and what passes declined; and what a converted model says of itself."""
    model = nested()
    left = converter.convert(model, exclude=["a_node"], explain=True)
    path = "y_node/then_branch/l_node/body/a_node"
    assert reasons(left)[path] == "it is excluded by 'a_node'"
    assert not left.report.remarks
    around = converter.convert(model, exclude=["Loop"])
    assert reasons(around)[path] == "the Loop around is excluded"
    assert around.report.converted == {"QConv": 1}
    conversion = converter.convert(model)
    again = converter.convert(conversion.model).report
    assert again.already
    assert (again.converted, again.islands) == (conversion.report.converted, conversion.report.islands)
    assert (again.entries, again.exits) == (conversion.report.entries, conversion.report.exits)
    assert inspect(model, "").converted == conversion.report.converted


def test_bodies_of_other_operators_stay() -> None:
    net = QdqNetwork()
    inner = QdqNetwork()
    inner.input("e", "float32", ["n", 16])
    x = inner.pair("e", "e_q", 0.05, 120)
    inner.pair(inner.node("MatMul", [x, inner.weights("w", (16, 16))], "m"), "m_q", 0.09, 131)
    net.node("SequenceConstruct", [net.input("x", "float32", ["n", 16])], "s")
    net.node("SequenceMap", ["s"], "t", body=body(inner, [value_info("m_q", "float32", ["n", 16])]))
    net.constant("zero", 0, "int64")
    net.node("SequenceAt", ["t", "zero"], "y")
    net.output("y", "float32", ["n", 16])
    conversion = convert(net.model(17), x=floats(3, 16))
    assert not conversion.report.converted
    reason = "it is in the body of SequenceMap, and only those of If, Loop and Scan are converted"
    assert reasons(conversion)["t_node/body/m_node"] == reason


def test_dynamically_quantized_bodies() -> None:
    inner = GraphBuilder()
    dynamic = ["q", "s", "z"]
    inner.nodes.append(helper.make_node("DynamicQuantizeLinear", ["x"], dynamic, name="dynamic"))
    inner.constant("w", np.random.default_rng(0).integers(-99, 99, (16, 32)), "int8")
    inner.constant("ws", 0.01, "float32")
    inner.constant("wz", 0, "int8")
    inner.node("MatMulInteger", ["q", "w", "z", "wz"], "m")
    inner.node("Mul", ["s", "ws"], "scale")
    inner.node("Cast", ["m"], "f", to=onnx.TensorProto.FLOAT)
    inner.node("Mul", ["f", "scale"], "then")
    other = GraphBuilder()
    other.constant("none", np.zeros((1, 32)), "float32")
    other.node("Identity", ["none"], "else")
    net = GraphBuilder()
    net.input("x", "float32", ["n", 16])
    net.input("choice", "bool", [])
    branches = [body(inner, [value_info("then", "float32", ["n", 32])])]
    branches += [body(other, [value_info("else", "float32", [1, 32])])]
    net.node("If", ["choice"], "y", then_branch=branches[0], else_branch=branches[1])
    net.output("y", "float32", ["rows", 32])
    inputs = {"x": floats(5, 16), "choice": np.array(True)}
    conversion = convert(net.model(17), **inputs)
    assert ops(conversion.model)["DynamicQMatMul"] == 1
    assert_inlines(conversion, inputs)


def test_a_body_of_which_nothing_converts_stays_as_it_was() -> None:
    """Passes that prepare it do so with a copy."""
    net = Network()
    net.conv(net.eight_bit_input(["n", 3, 8, 8]), net.unshaped_output("y", "uint8"), 3, 5)
    inner = Network()
    inner.dequantize("x", "d")
    branch = body(inner, [value_info("d", "float32", ["n", 3, 8, 8])])
    net.input("choice", "bool", [])
    net.node("If", ["choice"], net.unshaped_output("z", "float32"), then_branch=branch, else_branch=branch)
    model = net.model(13)
    conversion = convert(model, x=net.random((2, 3, 8, 8)), choice=np.array(True))
    assert conversion.report.converted == {"QConv": 1}
    before, after = (list(graphs_within(m.graph))[1:] for m in (model, conversion.model))
    for one, other in zip(before, after, strict=True):
        assert [node.op_type for node in one.node] == [node.op_type for node in other.node]
        assert [list(node.input) for node in one.node] == [list(node.input) for node in other.node]
        assert list(one.initializer) == list(other.initializer)


@pytest.mark.gpu
@pytest.mark.parametrize("case", ["if", "loop", "scan", "nested"])
def test_ops_in_bodies_run_on_the_gpu(case: str) -> None:
    models = {"if": merged_decoder, "loop": loop, "scan": scan, "nested": nested}
    images = Network().random((2, 6, 8, 8))
    inputs = {
        "if": {"x": floats(5, 24), "past": floats(5, 64), "first": np.array(False)},
        "loop": {"x": images, "times": np.array(4)},
        "scan": {"h": floats(3, 32), "xs": floats(3, 7, 32)},
        "nested": {"x": images, "choice": np.array(True)},
    }[case]
    converted = converter.convert(models[case]()).model
    result = run(converted, inputs, CUDA)
    for op in ("QMatMul", "QAdd") if case in ("if", "scan") else ("QConvAdd",):
        assert set(result.providers(op)) == {CUDA}
    assert_same_bits(result.outputs, run(converted, inputs).outputs)


def test_the_model_has_what_its_bodies_use() -> None:
    """Where the graph itself has no op: the functions, the imports and the version."""
    model = converter.convert(scan()).model
    assert DOMAIN not in {node.domain for node in model.graph.node}
    assert {"QMatMul", "QAdd"} <= {function.name for function in model.functions}
    assert {opset.domain: opset.version for opset in model.opset_import}[DOMAIN] == 1
    assert converter.is_converted(model)
    check.assert_equivalent(scan(), model, [{"h": floats(1, 32), "xs": floats(1, 2, 32)}])
