"""The valid models that mutants are made of: each kind that the other tests have."""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache, partial
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from cases import (
    add,
    attention,
    border,
    conv,
    dynamic,
    dynamic_graph,
    graph,
    lstm,
    matmul,
    pool,
    qdq_matmul,
    qlinear_matmul,
)
from cases.builder import Case
from cases.random_graph import KINDS, RandomModel, grown
from cases.random_qdq import QDQ_KINDS, RandomQDQ
from cases.random_qoperator import RandomQOperator

Seed = Callable[[], onnx.ModelProto]

_LARGEST = 400_000  # bytes
_EACH = 12  # cases of a kind
_GROWN = 60  # random graphs of a format
_OPSETS = (13, 13, 17, 17, 19, 21)


def seeds() -> list[Seed]:
    """Those of the project's tests and, of a folder that QUDNN_FUZZ_MODELS names, the models in it."""
    folder = os.environ.get("QUDNN_FUZZ_MODELS")
    given = sorted(Path(folder).glob("*.onnx")) if folder else []
    return [*_own(), *(partial(_read, path) for path in given if path.stat().st_size <= _LARGEST)]


@cache
def built(number: int) -> onnx.ModelProto:
    """The model of a number, counted around."""
    all_seeds = seeds()
    return all_seeds[number % len(all_seeds)]()


def _read(path: Path) -> onnx.ModelProto:
    return onnx.load_model(path, load_external_data=False)


def _own() -> list[Seed]:
    kinds: list[Sequence[Case]] = [
        add.CASES,
        attention.CASES,
        attention.GEMMS,
        border.CASES,
        conv.CASES,
        dynamic.CONVS,
        dynamic.MATMULS,
        dynamic.STATIC,
        dynamic_graph.CONVS,
        dynamic_graph.MATMULS,
        graph.CASES,
        [case for case in lstm.EXACT if case.hidden < 64],
        matmul.GEMMS,
        matmul.MATMULS,
        pool.CASES,
        qlinear_matmul.CONVERTED,
        [case for case, *_ in qdq_matmul.EXACT],
    ]
    found: list[Seed] = []
    for cases in kinds:
        some = cases[:: max(1, len(cases) // _EACH)]
        found += [partial(_of_case, case, _OPSETS[i % len(_OPSETS)]) for i, case in enumerate(some)]
    found += [partial(_grown, "QDQ", number) for number in range(_GROWN)]
    found += [partial(_grown, "QOperator", number) for number in range(_GROWN)]
    found += [partial(build, dtype) for build in (_branches, _shapes) for dtype in ("uint8", "int8")]
    return found


def _of_case(case: Case, wanted: int) -> onnx.ModelProto:
    """Over this opset, or another where the case does not exist over it."""
    for opset in (wanted, 17, 21):
        with suppress(AssertionError, onnx.checker.ValidationError):
            return case.model(opset)
    raise AssertionError(case.id)


def _grown(form: str, seed: int) -> onnx.ModelProto:
    rng = np.random.default_rng(seed)
    dtype = "int8" if seed % 3 == 0 else "uint8"
    model: RandomModel | None = None
    while model is None:
        number = int(rng.integers(2**32))
        if form == "QDQ":
            kinds = [QDQ_KINDS[i] for i in rng.integers(0, len(QDQ_KINDS), rng.integers(1, 8))]
            random = RandomQDQ(dtype, number, "com.microsoft" if seed % 5 == 0 else "", seed % 2 == 0)
            model = grown(random, kinds, "float32", 17)
        else:
            kinds = [KINDS[i] for i in rng.integers(0, len(KINDS), rng.integers(1, 8))]
            model = grown(RandomQOperator(dtype, number), kinds, dtype, _OPSETS[seed % 4])
    return model.model


def _pair(x: str, y: str) -> list[onnx.NodeProto]:
    return [
        helper.make_node("QuantizeLinear", [x, "scale", "zero_point"], [f"{y}_8"], f"{y}_quantize"),
        helper.make_node("DequantizeLinear", [f"{y}_8", "scale", "zero_point"], [y], f"{y}_dequantize"),
    ]


def _parameters(dtype: str) -> list[onnx.TensorProto]:
    w = np.random.default_rng(0).integers(-99, 99, (4, 3, 3, 3)).astype(np.int8)
    return [
        numpy_helper.from_array(np.array(0.05, np.float32), "scale"),
        numpy_helper.from_array(np.array(7, dtype), "zero_point"),
        numpy_helper.from_array(w, "w_8"),
        numpy_helper.from_array(np.array(0, np.int8), "w_zero_point"),
    ]


def _convolved(x: str, y: str) -> list[onnx.NodeProto]:
    """x -> pair -> Conv -> Relu -> pair -> y"""
    return [
        *_pair(x, f"{y}_x"),
        helper.make_node("DequantizeLinear", ["w_8", "scale", "w_zero_point"], [f"{y}_w"], f"{y}_weights"),
        helper.make_node("Conv", [f"{y}_x", f"{y}_w"], [f"{y}_conv"], f"{y}_convolve", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", [f"{y}_conv"], [f"{y}_relu"], f"{y}_activate"),
        *_pair(f"{y}_relu", y),
    ]


def _model(
    nodes: Sequence[onnx.NodeProto], constants: Sequence[onnx.TensorProto], rank: int
) -> onnx.ModelProto:
    x = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["n", 3, 6, 6])
    y = helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [f"y{axis}" for axis in range(rank)])
    graph = helper.make_graph(nodes, "test", [x], [y], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _branches(dtype: str) -> onnx.ModelProto:
    """A convolution before an If, and one in each branch."""
    bodies = []
    for name in ("then", "else"):
        out = helper.make_empty_tensor_value_info(name)
        nodes = [helper.make_node("Slice", ["first", "from", "to", "axis"], [f"{name}_part"])]
        bodies.append(helper.make_graph([*nodes, *_convolved(f"{name}_part", name)], name, [], [out]))
    nodes = [
        *_convolved("x", "first"),
        helper.make_node("ReduceSum", ["first"], ["sum"], keepdims=0),
        helper.make_node("Less", ["sum", "scale"], ["less"]),
        helper.make_node("If", ["less"], ["y"], "choose", then_branch=bodies[0], else_branch=bodies[1]),
    ]
    numbers = [
        numpy_helper.from_array(np.array([number], np.int64), name)
        for name, number in {"from": 0, "to": 3, "axis": 1}.items()
    ]
    return _model(nodes, [*_parameters(dtype), *numbers], 4)


def _shapes(dtype: str) -> onnx.ModelProto:
    """Reshapes to sizes that are computed, before and after a Transpose."""
    nodes = [
        *_convolved("x", "c"),
        helper.make_node("Shape", ["c"], ["sizes"], "sizes_of_c"),
        helper.make_node("Gather", ["sizes", "zero"], ["batch"], "batch_of_c"),
        helper.make_node("Unsqueeze", ["batch", "first"], ["batches"], "as_vector"),
        helper.make_node("Concat", ["batches", "rest"], ["target"], "join", axis=0),
        helper.make_node("Reshape", ["c", "target"], ["r"], "flatten"),
        helper.make_node("Transpose", ["r"], ["t"], "turn", perm=[0, 2, 1]),
        *_pair("t", "p"),
        helper.make_node("Softmax", ["p"], ["s"], "choose", axis=-1),
        *_pair("s", "y"),
    ]
    numbers = {"zero": 0, "first": [0], "rest": [4, -1]}
    constants = [
        numpy_helper.from_array(np.array(number, np.int64), name) for name, number in numbers.items()
    ]
    return _model(nodes, [*_parameters(dtype), *constants], 3)
