"""Sparse initializers: onnxruntime makes dense ones of them, and so does the converter."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from same_bits import Graph

from check import assert_equivalent
from qudnn import converter
from session import open_session


def sparse(name: str, values: Any, indices: Any, shape: list[int]) -> onnx.SparseTensorProto:
    return helper.make_sparse_tensor(
        numpy_helper.from_array(np.asarray(values), name),
        numpy_helper.from_array(np.asarray(indices), f"{name}_indices"),
        shape,
    )


def matmul(weights: onnx.SparseTensorProto, in_branch: bool = False) -> tuple[onnx.ModelProto, Graph]:
    """A quantized matmul with these weights "w" of shape [4, 3], or with a matmul with them in a branch."""
    g = Graph()
    x = g.pair(g.x("x", "float32", [5, 4], ["n", 4]), "x_pair", g.number(0.0371), g.number(3, "int8"))
    w = g.random("int8", [4, 3]) if in_branch else "w"
    w = g.dequantize(w, "w_float", g.number(0.01), g.number(0, "int8"))
    y = g.pair(g.node("MatMul", [x, w], "matmul"), "y", g.number(0.1), g.number(5, "int8"))
    if in_branch:
        result = helper.make_tensor_value_info("z", onnx.TensorProto.FLOAT, ["n", 3])
        matmul = helper.make_node("MatMul", ["x", "w_inside"], ["z"])
        cast = helper.make_node("Cast", ["w"], ["w_inside"], to=onnx.TensorProto.FLOAT)
        body = helper.make_graph([cast, matmul], "body", [], [result], sparse_initializer=[weights])
        g.feeds["which"] = np.array(True)
        which = g.input("which", "bool", [])
        other = helper.make_graph([helper.make_node("Identity", [y], ["z_2"])], "other", [], [result])
        other.output[0].name = "z_2"
        g.y(g.node("If", [which], "chosen", then_branch=body, else_branch=other))
    g.y(y)
    model = helper.make_model(
        helper.make_graph(g.nodes, "test", g.inputs, g.outputs, g.constants),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    if not in_branch:
        model.graph.sparse_initializer.append(weights)
    return model, g


VALUES = np.array([3, -128, 127, 5], np.int8)
INDICES = {
    "flat": [0, 4, 7, 11],
    "unsorted": [7, 0, 11, 4],
    "one twice": [7, 7, 4, 4],
    "short": np.array([0, 4, 7, 11], np.int8),
    "by axis": [[0, 0], [1, 1], [2, 1], [3, 2]],
}


@pytest.mark.parametrize(
    ("indices", "in_branch"),
    [*((kind, False) for kind in INDICES), ("flat", True), ("by axis", True)],  # branches are checked by ONNX
)
def test_bits(indices: str, in_branch: bool) -> None:
    model, g = matmul(sparse("w", VALUES, INDICES[indices], [4, 3]), in_branch)
    before = model.SerializeToString(deterministic=True)
    conversion = converter.convert(model)
    assert model.SerializeToString(deterministic=True) == before
    assert conversion.report.converted["QMatMul"] == 1
    assert_equivalent(model, conversion.model, [g.feeds])


def test_one_of_the_name_of_a_dense_one() -> None:
    """onnxruntime takes the sparse one."""
    model, g = matmul(sparse("w", VALUES, INDICES["flat"], [4, 3]))
    model.graph.initializer.append(numpy_helper.from_array(np.ones((4, 3), np.int8), "w"))
    conversion = converter.convert(model)
    assert conversion.report.converted["QMatMul"] == 1
    assert_equivalent(model, conversion.model, [g.feeds])


def test_file(tmp_path: Path) -> None:
    model, g = matmul(sparse("w", VALUES, INDICES["flat"], [4, 3]))
    source, target = tmp_path / "a.onnx", tmp_path / "b.onnx"
    onnx.save(model, source)
    assert converter.convert_file(source, target).converted["QMatMul"] == 1
    assert_equivalent(model, onnx.load(target), [g.feeds])


@pytest.mark.parametrize(
    ("indices", "shape", "why"),
    [
        ([0, 1, 2, 12], [4, 3], "an index is outside"),
        ([0, 1, 2, -1], [4, 3], "an index is outside"),
        ([[0, 0], [0, 1], [0, 2], [0, 3]], [4, 3], "an index is outside"),
        ([0, 1, 2], [4, 3], r"values \[4\] at int64 indices \[3\]"),
        (np.array([0, 1, 2, 3], np.uint8), [4, 3], "at uint8 indices"),
        ([0, 1, 2, 3], [4, -3], "its shape is"),
        ([0, 1, 2, 3], [2**62, 2**62], "bytes as dense ones"),
        ([0, 1, 2, 3], [2_000_000_001], "bytes as dense ones"),
    ],
)
def test_what_cannot_be_dense_is_refused(indices: Any, shape: list[int], why: str) -> None:
    weights = sparse("w", VALUES, indices, [4, 3])
    weights.dims[:] = shape
    model, _ = matmul(weights)
    with pytest.raises(converter.ConversionError, match=f"sparse initializer.*{why}"):
        converter.convert(model)


@pytest.mark.parametrize("indices", [[0, 1, 2, 12], [[0, 0], [0, 1], [0, 2], [0, 3]], [0, 1, 2]])
def test_onnxruntime_opens_none_of_these(indices: Any) -> None:
    model, _ = matmul(sparse("w", VALUES, indices, [4, 3]))
    with pytest.raises(Exception, match="FAIL"):
        open_session(model)


def test_one_listed_twice_is_refused() -> None:
    weights = sparse("w", VALUES, INDICES["flat"], [4, 3])
    model, _ = matmul(weights)
    model.graph.sparse_initializer.append(weights)
    with pytest.raises(converter.ConversionError, match=r"w.*the name of another"):
        converter.convert(model)
