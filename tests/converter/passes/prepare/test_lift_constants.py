"""Constants that are nodes, wherever they stand: torch's TorchScript exporter writes one before each use."""

from collections.abc import Callable

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from onnx import helper
from qdq_networks import QdqNetwork, normal

import check
from qudnn import converter
from qudnn.converter.passes.onnxruntime.drop_pairs import DropPairs
from session import open_session, outputs

Move = Callable[[QdqNetwork, str], str]
MOVES: dict[str, Move] = {
    "transpose": lambda net, x: net.node("Transpose", [x], "moved", perm=[0, 2, 3, 1]),
    "reshape": lambda net, x: net.node("Reshape", [x, net.constant("to", [0, 6, -1], "int64")], "moved"),
    "both": lambda net, x: net.node(
        "Transpose",
        [net.node("Reshape", [x, net.constant("to", [0, 6, -1], "int64")], "reshaped")],
        "moved",
        perm=[0, 2, 1],
    ),
    "maxpool": lambda net, x: net.node("MaxPool", [x], "moved", kernel_shape=[2, 2]),
}
PRODUCERS: dict[str, Callable[[QdqNetwork], str]] = {
    "conv": lambda net: net.conv(net.x()),
    "softmax": lambda net: net.node("Softmax", [net.pair(net.conv(net.x()), "c_q", 0.07, 128)], "s"),
    "relu": lambda net: net.node("Relu", [net.conv(net.x())], "r"),
    "tanh": lambda net: net.node("Tanh", [net.pair(net.conv(net.x()), "c_q", 0.07, 128)], "t"),
}


def constants_before_use(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with Constant nodes in the places of initializers, each right before the first to read it."""
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    nodes = []
    for node in model.graph.node:
        for name in node.input:
            if name in constants:
                nodes.append(helper.make_node("Constant", [], [name], value=constants.pop(name)))
        nodes.append(node)
    del model.graph.node[:]
    del model.graph.initializer[:]
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model)
    return model


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
@pytest.mark.parametrize("move", MOVES)
@pytest.mark.parametrize("producer", PRODUCERS)
def test_quantize_after_a_move(producer: str, move: str, dtype: str) -> None:
    net = QdqNetwork(dtype)
    x = PRODUCERS[producer](net)
    rank = 4 if move in ("transpose", "maxpool") else 3
    net.y(MOVES[move](net, x), rank=rank)
    model = constants_before_use(net.model())
    conversion = converter.convert(model)
    fused = "QConvTable" if producer == "tanh" else "QConv"
    assert conversion.report.converted[fused] == 1
    check.assert_equivalent(model, conversion.model, [{"x": normal(2, 4, 9, 8)}])


def test_outputs_and_bodies_keep_their_constants() -> None:
    """A Constant that is an output of the graph, one of strings, and one that a branch reads."""
    net = QdqNetwork()
    x = net.y(net.conv(net.x()))
    two = onnx.numpy_helper.from_array(np.full([1, 1, 1, 1], 2, np.float32), "two")
    net.nodes += [
        helper.make_node("Constant", [], ["two"], value=two),
        helper.make_node("Constant", [], ["given"], value_floats=[1.0, 2.0]),
        helper.make_node("Constant", [], ["words"], value_strings=["a", "b"]),
    ]
    net.output("given", "float32", [2])
    net.outputs.append(helper.make_tensor_value_info("words", onnx.TensorProto.STRING, [2]))
    info = [helper.make_tensor_value_info("t", onnx.TensorProto.FLOAT, None)]
    branch = helper.make_graph([helper.make_node("Mul", [x, "two"], ["t"])], "branch", [], info)
    net.input("choice", "bool", [])
    net.output("z", "float32", ["a", "b", "c", "d"])
    net.node("If", ["choice"], "z", then_branch=branch, else_branch=branch)
    model = net.model()
    conversion = converter.convert(model)
    assert conversion.report.converted == {"QConv": 1}
    session = open_session(conversion.model)
    found = outputs(session, {"x": normal(2, 4, 9, 8), "choice": np.array(True)})
    assert found["given"].tolist() == [1.0, 2.0]
    assert found["words"].tolist() == ["a", "b"]
    np.testing.assert_array_equal(found["z"], found[x] * 2)


def test_the_order_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    """The check that ends each pass in these tests finds a node before its producer."""
    run = DropPairs.run

    def careless(self: DropPairs, model: ir.Model) -> None:
        run(self, model)
        last = list(model.graph)[-1]
        model.graph.remove(last)
        model.graph.insert_before(model.graph[0], last)

    monkeypatch.setattr(DropPairs, "run", careless)
    net = QdqNetwork()
    net.y(net.conv(net.x()))
    with pytest.raises(pytest.fail.Exception, match=r"after DropPairs: .* reads .*, which is not there yet"):
        converter.convert(net.model())
