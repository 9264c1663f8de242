"""Models of every kind: with each op of qudnn, in each form of quantization, from opset 13 to the newest."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import onnx
from onnx import helper

from cases import (
    attention,
    conv,
    conv3d,
    dynamic,
    dynamic_graph,
    graph,
    matmul,
    pool,
    qdq_matmul,
    qlinear_matmul,
)
from cases.builder import MICROSOFT, Array, Case, GraphBuilder, integers, seed_of
from cases.random_graph import KINDS, RandomModel, grown
from cases.random_qdq import QDQ_KINDS, RandomQDQ
from cases.random_qoperator import RandomQOperator
from qudnn import converter
from session import takes_precision
from zoo.architectures import SMALL, SMALL_TRANSFORMERS
from zoo.quantize import masked_softmaxes, quantize, quantize_dynamically

Form: TypeAlias = Literal["QOperator", "QDQ"]
Dtype: TypeAlias = Literal["uint8", "int8"]
FORMS: tuple[Form, ...] = ("QOperator", "QDQ")
DTYPES: tuple[Dtype, ...] = ("uint8", "int8")

OPSETS = range(13, 27)  # 26 is the newest that onnxruntime 1.31 supports


class Model(NamedTuple):
    """A quantized model, and what to run it with."""

    original: onnx.ModelProto
    inputs: Mapping[str, Array]


Builder: TypeAlias = Callable[[], Model]


def catalogue() -> dict[str, Builder]:
    """All models by name; they are built when they are called."""
    found: dict[str, Builder] = {}
    for kind, cases in _CASES.items():
        found |= {f"{kind}-{case.id}": partial(_of_case, case) for case in cases}
    for kind, case in _IN_ALL_OPSETS.items():
        found |= {f"{kind}-opset{opset}": partial(_of_case, case, opset) for opset in OPSETS}
    for seed in range(4):
        found |= {f"random-QDQ-{dtype}-{seed}": partial(_random_qdq, dtype, seed) for dtype in DTYPES}
        found[f"random-QOperator-{seed}"] = partial(_random_qoperator, seed)
    found |= {"where": _where, "declared": _declared}
    for opset in OPSETS:
        found |= {
            f"{build.__name__[1:]}-opset{opset}": partial(build, opset)
            for build in (_float_results, _volumes)
        }
    for name in SMALL:
        for form in FORMS:
            for dtype in DTYPES:
                found[f"{name}-{form}-{dtype}"] = partial(_network, name, form, dtype)
    for name in SMALL_TRANSFORMERS:
        for form in FORMS:
            for recipe in ("all", "masked", "matmuls", "int8"):
                found[f"{name}-{form}-{recipe}"] = partial(_transformer, name, form, recipe)
        found |= {f"{name}-dynamic-{dtype}": partial(_dynamic_transformer, name, dtype) for dtype in DTYPES}
    return found


def write(model: Model, folder: Path, name: str) -> converter.Conversion:
    """Write the model, what it is converted, and the inputs, as probe.py reads them."""
    conversion = converter.convert(model.original)
    onnx.save(model.original, folder / f"{name}.original.onnx")
    onnx.save(conversion.model, folder / f"{name}.converted.onnx")
    np.savez(folder / f"{name}.npz", allow_pickle=False, **model.inputs)
    if takes_precision(model.original):
        (folder / f"{name}.original.exact").touch()
    return conversion


_CASES: Mapping[str, Sequence[Case]] = {
    "conv": conv.CASES[::9],
    "conv3d": [*conv3d.CASES[::9], *conv3d.NETWORKS],
    "matmul": [*matmul.MATMULS[::6], *matmul.GEMMS[::6]],
    "pool": pool.CASES[::12],
    "graph": graph.CASES,
    "qlinear_matmul": qlinear_matmul.CONVERTED[::9],
    "qdq": [case for case, _ in qdq_matmul.EXACT[::3]],
    "attention": attention.CASES[::3],
    "dynamic": [*dynamic.MATMULS[::7], *dynamic.STATIC[::5], *dynamic.CONVS],
    "dynamic_graph": [*dynamic_graph.MATMULS[::4], *dynamic_graph.CONVS[::3]],
}

_IN_ALL_OPSETS: Mapping[str, Case] = {
    "graph": graph.CASES[1],
    "matmul": matmul.MATMULS[1],
    "conv3d": conv3d.NETWORKS[0],
    "qdq": qdq_matmul.EXACT[0][0],
    "dynamic": dynamic.MATMULS[0],
    "dynamic_conv": next(case for case in dynamic_graph.CONVS if case.quantizer.weights == "uint8"),
}


def _of_case(case: Case, opset: int | None = None) -> Model:
    return Model(_in_oldest_ir(case.model(opset) if opset else case.model()), case.inputs())


def _random_qoperator(seed: int) -> Model:
    kinds = [kind for kind in KINDS if kind != "space_to_depth"]  # of 8 bits new in onnxruntime 1.28
    return _grown(grown(RandomQOperator("uint8", seed), kinds * 2, "uint8", opset=13))


def _random_qdq(dtype: Dtype, seed: int) -> Model:
    return _grown(grown(RandomQDQ(dtype, seed, "", False), [*QDQ_KINDS] * 2, "float32", opset=17))


def _where() -> Model:
    g = GraphBuilder()
    shape = ("N", 16, 5, 4)
    condition = g.input("condition", "bool", ("N", 1, 5, 4))
    a, b = (g.identity(g.input(f"{name}_in", "uint8", shape), name, "uint8", 16, 0.05, 121) for name in "ab")
    parameters = [[f"{name}_scale", f"{name}_zero_point"] for name in "ab"]
    inputs = [condition, a, *parameters[0], b, *parameters[1], *parameters[0]]
    y = g.node("QLinearWhere", inputs, "chosen", MICROSOFT)
    g.output(g.identity(y, "y", "uint8", 16, 0.05, 121), "uint8", shape)
    rng = np.random.default_rng(0)
    images = {name: integers(rng, "uint8", (2, 16, 5, 4)) for name in ("a_in", "b_in")}
    return Model(_in_oldest_ir(g.model(13)), {"condition": rng.random((2, 1, 5, 4)) < 0.5, **images})


def _declared() -> Model:
    """Each constant of a convolution is an output, too, and declared with another type and shape."""
    g = GraphBuilder()
    x = _dequantized(g, g.input("x", "float32", ("N", 16, 6, 5)), 0.02)
    g.output(_dequantized(g, _conv(g, x, "y", 2), 0.03), "float32", ("N", 16, 6, 5))
    for tensor in g.constants:
        wrong = "float32" if tensor.data_type == onnx.TensorProto.INT8 else "int8"
        g.output(tensor.name, wrong, (7,))
    return _of_normal(g.model(13), (2, 16, 6, 5))


def _float_results(opset: int) -> Model:
    """Q/DQ in front of operators only: convolutions with float32 results, a residual, a gate."""
    g = GraphBuilder()
    x = _dequantized(g, g.input("x", "float32", ("N", 16, 6, 5)), 0.02)
    first = _dequantized(g, _conv(g, x, "first", 2), 0.03)
    added = g.node("Relu", [g.node("Add", [_conv(g, first, "second", 2), x], "added")], "rectified")
    block = _dequantized(g, added, 0.04)
    gate = g.node("Sigmoid", [_dequantized(g, _conv(g, block, "third", 2), 0.03)], "gate")
    gated = _dequantized(g, g.node("Mul", [block, gate], "gated"), 0.02)
    g.output(g.node("GlobalAveragePool", [_conv(g, gated, "last", 2)], "y"), "float32", ("N", 16, 1, 1))
    return _of_normal(g.model(opset), (2, 16, 6, 5))


def _volumes(opset: int) -> Model:
    """Pools in three dimensions between convolutions."""
    g = GraphBuilder()
    x = _dequantized(g, g.input("x", "float32", ("N", 16, 6, 5, 7)), 0.02)
    before = _dequantized(g, _conv(g, x, "before", 3), 0.03)
    pads = [0, 1, 1, 1, 1, 1]
    largest = g.node("MaxPool", [before], "largest", kernel_shape=[2, 3, 3], pads=pads)
    mean = g.node("AveragePool", [_dequantized(g, largest, 0.03)], "mean", kernel_shape=[2, 3, 3], pads=pads)
    after = _dequantized(g, _conv(g, _dequantized(g, mean, 0.03), "after", 3), 0.03)
    g.output(after, "float32", ("N", 16, "D", "H", "W"))
    return _of_normal(g.model(opset), (2, 16, 6, 5, 7))


def _dequantized(g: GraphBuilder, x: str, scale: float) -> str:
    """What a QuantizeLinear and a DequantizeLinear make of x."""
    parameters = g.parameters(x, scale, 121, "uint8")
    return g.node(
        "DequantizeLinear", [g.node("QuantizeLinear", [x, *parameters], f"{x}_q"), *parameters], f"{x}_dq"
    )


def _conv(g: GraphBuilder, x: str, y: str, dimensions: int) -> str:
    """A convolution of 16 channels to 16 by windows of one element, with int8 weights."""
    values = integers(np.random.default_rng(seed_of(y)), "int8", (16, 16, *[1] * dimensions))
    weights = [g.constant(f"{y}_w", values, "int8"), *g.parameters(f"{y}_w", 0.002, 0, "int8")]
    return g.node("Conv", [x, g.node("DequantizeLinear", weights, f"{y}_w_dq")], y)


def _of_normal(model: onnx.ModelProto, shape: Sequence[int]) -> Model:
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    return Model(_in_oldest_ir(model), {"x": x})


def _grown(model: RandomModel | None) -> Model:
    assert model is not None
    return Model(_in_oldest_ir(model.model), model.inputs[0])


def _network(name: str, form: Form, activations: Dtype) -> Model:
    network = SMALL[name]()
    _, *shape = (size.dim_value for size in network.graph.input[0].type.tensor_type.shape.dim)
    x = np.random.default_rng(0).standard_normal((3, *shape)).astype(np.float32)
    return Model(quantize(network, x, form=form, activations=activations), {"x": x[:1]})


def _transformer(name: str, form: Form, recipe: str) -> Model:
    network = SMALL_TRANSFORMERS[name]()
    inputs = _samples(name)
    in_float = masked_softmaxes(network) if recipe == "masked" else []
    op_types = ("MatMul", "Gemm") if recipe == "matmuls" else None
    activations: Dtype = "int8" if recipe == "int8" else "uint8"
    original = quantize(
        network, inputs, form=form, activations=activations, op_types=op_types, in_float=in_float
    )
    return Model(original, inputs)


def _dynamic_transformer(name: str, weights: Dtype) -> Model:
    return Model(quantize_dynamically(SMALL_TRANSFORMERS[name](), weights=weights), _samples(name))


def _samples(name: str) -> dict[str, Array]:
    rng = np.random.default_rng(0)
    if name == "vit_like":
        return {"x": rng.standard_normal((3, 3, 32, 32)).astype(np.float32)}
    mask = (np.arange(16) < [[16], [9], [4]]).astype(np.int64)
    return {"input_ids": rng.integers(0, 100, mask.shape), "attention_mask": mask}


def _in_oldest_ir(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with the oldest version of the file format that its opset goes with."""
    model.ir_version = helper.find_min_ir_version_for(list(model.opset_import), ignore_unknown=True)
    return model
