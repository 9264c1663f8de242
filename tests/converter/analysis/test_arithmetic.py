"""How onnxruntime computes an operator whose tensors are int8: in integers or in float32; its bits follow."""

from collections import Counter
from itertools import product
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from qdq_networks import QdqNetwork, assert_converts

import check
from qudnn import converter
from qudnn.converter.analysis.arithmetic import Arithmetic, common
from session import session_options

INTEGERS = {"Add": "QLinearAdd", "Mul": "QLinearMul"}
TYPES = pytest.mark.parametrize("stay", list(product([False, True], repeat=3)), ids=str)
PAIRS = pytest.mark.parametrize("op", ["Add", "Mul"])


def optimized(model: onnx.ModelProto, folder: Path) -> Counter[str]:
    """What operators onnxruntime's CPU provider makes of the model."""
    options = session_options(model)
    options.optimized_model_filepath = str(folder / "optimized.onnx")
    onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return Counter(node.op_type for node in onnx.load(options.optimized_model_filepath).graph.node)


def read_twice(net: QdqNetwork, x: str) -> None:
    """Another consumer, for which onnxruntime leaves the tensor in int8."""
    net.y(net.node("Neg", [x], f"{x}_again"), zero_point=120)


def pair(
    op: str, stay: tuple[bool, bool, bool], shapes: tuple[tuple[int, ...], ...] = ((), ())
) -> QdqNetwork:
    """An operator of two tensors; which of a, b and the result have several consumers."""
    net = QdqNetwork("int8")
    a, b = (net.x(("n", *(shape or (4, 9, 8))), name) for name, shape in zip("ab", shapes, strict=True))
    y = net.pair(net.node(op, [a, b], "c"), "c_q", 0.11 if op == "Add" else 0.31, 97)
    net.y(net.node("Abs", [y], "d"), zero_point=0)
    for tensor, stays in zip((a, b, y), stay, strict=True):
        if stays:
            read_twice(net, tensor)
    return net


@PAIRS
@TYPES
def test_of_two_tensors(op: str, stay: tuple[bool, bool, bool], tmp_path: Path) -> None:
    """In integers where all three are of one type, bit for bit; their zero points are int8's or uint8's."""
    model = pair(op, stay).model()
    in_integers = len(set(stay)) == 1
    found = optimized(model, tmp_path)
    assert (found[INTEGERS[op]], found[op]) == ((1, 0) if in_integers else (0, 1))
    ops = {f"Q{op}" if in_integers else f"QFloat{op}": 1, "QTable": 1 + sum(stay)}
    assert_converts(model, ops)
    (node,) = (n for n in converter.convert(model).model.graph.node if n.op_type in ops and op in n.op_type)
    dtypes = [attribute.i for attribute in node.attribute if attribute.name == "dtype"]
    int8 = onnx.TensorProto.INT8 if all(stay) else onnx.TensorProto.UINT8
    assert dtypes == ([int8] if in_integers else [])


@PAIRS
@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize("shape", [(1, 4, 1, 1), (9, 8), (8,)], ids=str)
@pytest.mark.parametrize("stay", [False, True])
def test_of_a_constant(op: str, dtype: str, shape: tuple[int, ...], stay: bool, tmp_path: Path) -> None:
    """onnxruntime leaves constants of the type that they have: an int8 one is added to uint8 in float32."""
    net = QdqNetwork("int8")
    x = net.x()
    y = net.pair(net.node(op, [x, net.weights("b", shape, dtype=dtype, zero_point=3)], "c"), "c_q", 0.093, 97)
    net.y(net.node("Abs", [y], "d"), zero_point=0)
    if stay:
        read_twice(net, x)
        read_twice(net, y)
    in_integers = stay == (dtype == "int8")
    found = optimized(net.model(), tmp_path)
    assert (found[INTEGERS[op]], found[op]) == ((1, 0) if in_integers else (0, 1))
    report = converter.convert(net.model()).report
    assert set(report.converted) - {"QTable"} <= {f"Q{op}" if in_integers else f"QFloat{op}"}
    assert_converts(net.model(), report.converted)


@PAIRS
@pytest.mark.parametrize(
    "shapes",
    [((), (4, 1, 1)), ((4, 1, 1), ()), ((), (1, 9, 8)), ((1, 1, 1), ()), ((4, 9, 1), (1, 1, 8))],
    ids=str,
)
def test_broadcast(op: str, shapes: tuple[tuple[int, ...], ...]) -> None:
    net = pair(op, (True, False, False), shapes)
    original = net.model()
    feeds = {
        name: np.random.default_rng(7).normal(0, 3, (2, *(shape or (4, 9, 8)))).astype(np.float32)
        for name, shape in zip("ab", shapes, strict=True)
    }
    conversion = converter.convert(original)
    assert f"QFloat{op}" in conversion.report.converted
    assert not conversion.report.approximate
    check.assert_equivalent(original, conversion.model, [feeds])


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize("activation", ["Relu", "Clip", "Clip_redundant"])
@PAIRS
def test_activation(op: str, activation: str, dtype: str, tmp_path: Path) -> None:
    """One that cuts off more than the quantization after it does makes onnxruntime compute in float32."""
    net = QdqNetwork(dtype)
    a, b = net.x(name="a"), net.x(name="b")
    y = net.node(op, [a, b], "c")
    bounds = {"Relu": (), "Clip": (-1.03, 2.9), "Clip_redundant": (-99.0, 99.0)}[activation]
    names = [net.constant(f"bound_{i}", np.float32(bound)) for i, bound in enumerate(bounds)]
    y = net.node(activation.split("_")[0], [y, *names], "d")
    net.y(y, 0.11 if op == "Add" else 0.31, 97)
    in_integers = activation == "Clip_redundant"
    found = optimized(net.model(), tmp_path)
    assert (found[INTEGERS[op]], found[op]) == ((1, 0) if in_integers else (0, 1))
    assert_converts(net.model(), {f"Q{op}" if in_integers else f"QFloat{op}": 1})


def test_one_rule() -> None:
    assert common([True, True]) is Arithmetic.INT8
    assert common([False, False]) is Arithmetic.UINT8
    assert common([True, False]) is Arithmetic.FLOAT32


@PAIRS
def test_what_stays_outside(op: str, tmp_path: Path) -> None:
    """Where no op takes the operator in, it keeps its arithmetic, though all its tensors became uint8."""
    net = QdqNetwork("int8")
    x = net.pair(net.node("Abs", [net.x()], "k"), "k_q", 0.11, 97)
    read_twice(net, x)
    z = net.pair(net.input("z", "float32", ["n", "c", "h", "w"]), "z_q", 0.0471, 119)
    net.y(net.node(op, [x, z], "c"), 0.21, 97)
    original = net.model()
    assert optimized(original, tmp_path)[op] == 1
    conversion = converter.convert(original)
    report = conversion.report
    assert "QTable" in report.converted
    assert op in {left.op_type for left in report.left}
    assert "Sum" in {node.op_type for node in conversion.model.graph.node}
    assert "Sum" not in {left.op_type for left in report.left}
    assert not report.approximate
    assert not optimized(conversion.model, tmp_path)[INTEGERS[op]]
    rng = np.random.default_rng(7)
    feed = {name: rng.normal(0, 3, (2, 4, 9, 8)).astype(np.float32) for name in "xz"}
    check.assert_equivalent(original, conversion.model, [feed])
