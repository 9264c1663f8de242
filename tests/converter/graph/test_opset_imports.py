"""Models that import ONNX's own domain under its other name, several times, or not at all."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from qdq_networks import QdqNetwork, normal

from check import assert_equivalent
from qudnn import converter
from session import assert_same_bits, open_session, outputs

ALIAS = "ai.onnx"


def with_imports(*imports: tuple[str, int]) -> onnx.ModelProto:
    """A model with a Gelu, which is new in opset 20; without quantization before it, it stays."""
    net = QdqNetwork()
    x = net.node("Gelu", [net.input("x", "float32", ["n", 4, 9, 8])], "gelu")
    net.y(net.conv(net.pair(x, "gelu_q", 0.0471, 119)))
    model = net.model(20)
    del model.opset_import[:]
    model.opset_import.extend(helper.make_opsetid(*imported) for imported in imports)
    return model


def runs(opset: int) -> bool:
    """Whether this onnxruntime runs the Gelu alone, as the search for its steps does."""
    net = QdqNetwork()
    net.output(net.node("Gelu", [net.input("x", "float32", ["n"])], "y"), "float32", ["n"])
    try:
        open_session(net.model(opset))
    except Exception:  # onnxruntime has no common type of error
        return False
    return True


@pytest.mark.parametrize(
    ("imports", "opset"),
    [
        ([(ALIAS, 20)], 20),
        ([("", 13), (ALIAS, 20)], 20),
        ([(ALIAS, 13), ("", 21)], 21),
        ([("", 13), ("", 20)], 20),
        ([("", 20), (ALIAS, 13), ("", 22)], 22),
        ([("com.microsoft", 1)], 21),
    ],
)
def test_the_last_import_counts(imports: list[tuple[str, int]], opset: int) -> None:
    model = with_imports(*imports)
    conversion = converter.convert(model)
    assert conversion.report.converted == {"QConv": 1} | ({"StepsToIsland": 1} if runs(opset) else {})
    assert_equivalent(model, conversion.model, [{"x": normal(2, 4, 9, 8)}])
    assert [(o.domain, o.version) for o in conversion.model.opset_import if o.domain in ("", ALIAS)] == [
        ("", opset)
    ]


@pytest.mark.parametrize("domain", ["", ALIAS])
def test_an_old_opset_is_raised_under_either_name(domain: str) -> None:
    """Unsqueeze has had its axes as an input since opset 13."""
    net = QdqNetwork()
    c = net.y(net.conv(net.x(), axis=None))
    net.nodes.append(helper.make_node("Unsqueeze", [c], ["z"], axes=[1]))
    net.output("z", "float32", ["a", "b", "c", "d", "e"])
    graph = helper.make_graph(net.nodes, "g", net.inputs, net.outputs, net.constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid(domain, 12)], ir_version=8)
    conversion = converter.convert(model)
    assert conversion.report.converted == {"QConv": 1}
    assert_equivalent(model, conversion.model, [{"x": normal(2, 4, 9, 8)}])


def test_functions_under_the_other_name() -> None:
    """onnxruntime 1.31 refuses such a function as it was."""
    net = QdqNetwork()
    c = net.y(net.conv(net.x()))
    body = [helper.make_node("Relu", ["a"], ["b"])]
    function = helper.make_function("mine", "F", ["a"], ["b"], body, [helper.make_opsetid(ALIAS, 17)])
    net.node("F", [c], net.output("z", "float32", ["a", "b", "c", "d"]), domain="mine")
    graph = helper.make_graph(net.nodes, "g", net.inputs, net.outputs, net.constants)
    imports = [helper.make_opsetid("", 17), helper.make_opsetid("mine", 1)]
    model = helper.make_model(graph, opset_imports=imports, functions=[function], ir_version=8)
    conversion = converter.convert(model)
    assert conversion.report.converted == {"QConv": 1}
    found = outputs(open_session(conversion.model), {"x": normal(2, 4, 9, 8)})
    np.testing.assert_array_equal(found["z"], np.maximum(found[c], 0))


def test_unused_imports_go() -> None:
    """As onnxruntime's quantizer adds them; one that only the branch of an If or a function uses stays."""
    net = QdqNetwork()
    c = net.y(net.conv(net.x()))
    z = helper.make_tensor_value_info("z", TensorProto.FLOAT, None)
    scaler = helper.make_node("Scaler", [c], ["z"], domain="ai.onnx.ml", scale=[2.0], offset=[0.0])
    branch = helper.make_graph([scaler], "branch", [], [z])
    true = net.constant("true", np.array(True))
    net.nodes.append(helper.make_node("If", [true], ["z"], then_branch=branch, else_branch=branch))
    net.output("z", "float32", ["a", "b", "c", "d"])
    body = [helper.make_node("Gelu", ["a"], ["b"], domain="com.microsoft")]
    imports = [
        helper.make_opsetid("", 17),
        helper.make_opsetid("com.microsoft", 1),
        helper.make_opsetid("x", 1),
    ]
    function = helper.make_function("mine", "F", ["a"], ["b"], body, imports)
    net.node("F", [c], net.output("f", "float32", ["a", "b", "c", "d"]), domain="mine")
    graph = helper.make_graph(net.nodes, "g", net.inputs, net.outputs, net.constants)
    domains = ("ai.onnx.ml", "ai.onnx.training", "com.microsoft", "com.microsoft.nchwc", "mine", "x")
    imports = [helper.make_opsetid("", 17), *(helper.make_opsetid(domain, 1) for domain in domains)]
    model = helper.make_model(graph, opset_imports=imports, functions=[function], ir_version=8)
    conversion = converter.convert(model)
    assert conversion.report.converted == {"QConv": 1}
    found = {opset.domain: opset.version for opset in conversion.model.opset_import}
    assert found == {"": 17, "ai.onnx.ml": 1, "com.microsoft": 1, "mine": 1, "qudnn": 1}
    (kept,) = (function for function in conversion.model.functions if function.domain == "mine")
    assert {opset.domain for opset in kept.opset_import} == {"", "com.microsoft"}
    assert_same_bits(
        *(outputs(open_session(m), {"x": normal(2, 4, 9, 8)}) for m in (conversion.model, model))
    )


@pytest.mark.parametrize("ir_version", range(3, 14))
def test_the_version_of_the_format_is_that_of_the_original(ir_version: int) -> None:
    """Functions need 8, nothing that conversion does needs a newer one."""
    net = QdqNetwork()
    net.y(net.conv(net.x()))
    model = net.model(13)
    model.ir_version = ir_version
    if ir_version < 4:  # initializers are inputs then
        model.graph.input.extend(
            helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
            for tensor in model.graph.initializer
        )
    conversion = converter.convert(model)
    assert conversion.report.converted == {"QConv": 1}
    assert conversion.model.ir_version == max(ir_version, 8)
    assert_same_bits(
        *(outputs(open_session(m), {"x": normal(2, 4, 9, 8)}) for m in (conversion.model, model))
    )
