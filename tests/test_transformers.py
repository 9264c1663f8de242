"""Whole transformers, quantized by onnxruntime: one island from the embeddings to the last matmul."""

from collections import Counter
from typing import Literal, NamedTuple

import numpy as np
import onnx
import onnxruntime
import pytest

import check
from cases.builder import Array
from qudnn import converter
from qudnn.converter import Report
from qudnn.converter.functions import DOMAIN
from qudnn.custom_ops.profile import ON_SHAPES
from session import CUDA, open_session, outputs, run
from zoo.architectures import SMALL_TRANSFORMERS

pytest.importorskip("onnxruntime.quantization", reason="this onnxruntime comes without its quantizer")

from zoo.quantize import masked_softmaxes, quantize, quantize_dynamically

Form = Literal["QOperator", "QDQ"]
FORMS = pytest.mark.parametrize("form", ["QOperator", "QDQ"])
LENGTH = 16

# What stays outside: shapes, the mask, and tables that embeddings are looked up in.
OUTSIDE = {
    "bert_like": {"Cast", "Concat", "Expand", "Gather", "Shape", "Slice", "Unsqueeze", "Where"},
    "vit_like": {"Concat", "Expand", "Gather", "Shape"},  # of the class token
}

# Of a layer: a matmul for queries, keys and values, one after attention, two of the perceptron; what is
# quantized is attention's result, a normalized sum twice, a Gelu. Pooler and classifier are two matmuls
# more, or patches and classifier.
_ENCODER = {
    "DynamicLayerNormalizationToIsland": 1,
    "DynamicAddLayerNormalizationToIsland": 2 * 4 - 1,
    "DynamicGeluToIsland": 4,
    "DynamicQuantizeToIsland": 4 + 2,
}
DYNAMIC = {
    "bert_like": {**_ENCODER, "MaskedAttention": 4, "DynamicQMatMul": 4 * 4 + 2},
    "vit_like": {**_ENCODER, "Attention": 4, "DynamicQMatMul": 4 * 4 + 1, "DynamicQConv": 1},
}
QUANTIZED_DYNAMICALLY = {"ConvInteger", "DynamicQuantizeLinear", "MatMulInteger"}


class Recipe(NamedTuple):
    """How a model is quantized.

    op_types: the operators that are, all by default. in_float: attention's softmax is not. masks: tokens are
    ignored.
    """

    name: str
    op_types: tuple[str, ...] | None = None
    in_float: bool = False
    masks: bool = False


ALL = Recipe("all")
MASKED = Recipe("masked", in_float=True, masks=True)
MATMULS = Recipe("matmuls", ("MatMul", "Gemm"), masks=True)


def samples(name: str, recipe: Recipe, batch: int, length: int = LENGTH) -> dict[str, Array]:
    rng = np.random.default_rng(batch * length)
    if name == "vit_like":
        return {"x": rng.standard_normal((batch, 3, 32, 32)).astype(np.float32)}
    lengths = rng.integers(1, length, (batch, 1), endpoint=True) if recipe.masks else length
    mask = np.broadcast_to(np.arange(length) < lengths, (batch, length)).astype(np.int64)
    return {"input_ids": rng.integers(0, 100, (batch, length)), "attention_mask": mask}


def feeds(name: str, recipe: Recipe) -> list[dict[str, Array]]:
    """At two batch sizes, and where it can vary at two lengths."""
    return [samples(name, recipe, 3), samples(name, recipe, 1, 9)]


def quantized(
    name: str,
    recipe: Recipe,
    form: Form,
    activations: Literal["uint8", "int8"] = "uint8",
    per_channel: bool = True,
) -> onnx.ModelProto:
    model = SMALL_TRANSFORMERS[name]()
    return quantize(
        model,
        samples(name, recipe, 4),
        form=form,
        activations=activations,
        per_channel=per_channel,
        op_types=recipe.op_types,
        in_float=masked_softmaxes(model) if recipe.in_float else (),
    )


def assert_one_island(report: Report, name: str) -> None:
    assert {left.op_type for left in report.left} <= OUTSIDE[name], str(report)
    assert (report.islands, report.exits) == (1, 1), str(report)


def assert_alive(model: onnx.ModelProto, feed: dict[str, Array]) -> None:
    """The values have not died on their way."""
    (y,) = outputs(open_session(model), feed).values()
    assert len(np.unique(y)) > y.size // 3


@FORMS
@pytest.mark.parametrize("per_channel", [True, False], ids=["per_channel", "per_tensor"])
@pytest.mark.parametrize(
    ("name", "recipe", "entries"),
    [("bert_like", ALL, 1), ("bert_like", MASKED, 0), ("vit_like", ALL, 2)],
    ids=["bert_like", "bert_like_masked", "vit_like"],
)
def test_one_island(name: str, recipe: Recipe, entries: int, per_channel: bool, form: Form) -> None:
    """Embeddings are looked up in tables of the island; so only a mask, pixels and a class token enter."""
    original = quantized(name, recipe, form, per_channel=per_channel)
    conversion = converter.convert(original)
    report = conversion.report
    assert_one_island(report, name)
    assert report.entries == entries
    assert {entry.op_type for entry in report.approximate} == ({"Softmax"} if recipe.in_float else set())
    check.assert_equivalent(original, conversion.model, feeds(name, recipe))
    assert_alive(conversion.model, feeds(name, recipe)[0])


def test_one_pass_over_memory_for_each_step() -> None:
    """Of an encoder layer: four matmuls with biases, its attention, two sums, a table of projections."""
    report = converter.convert(quantized("bert_like", MASKED, "QDQ")).report
    layers = 4
    assert report.converted["QLayerNormalization"] == 1
    assert report.converted["QAddLayerNormalization"] == 2 * layers
    assert report.converted["QMaskedAttention"] == layers
    assert report.converted["QProjections"] == layers
    assert report.converted["QTable"] == layers
    assert report.converted["QMatMulAdd"] == 2 * layers
    assert report.converted["QMatMulAddTable"] == layers
    assert (report.converted["QMatMul"], report.converted["QMatMulTable"]) == (1, 1)  # the pooler's table
    assert "Transpose" not in report.converted


@FORMS
@pytest.mark.parametrize("name", SMALL_TRANSFORMERS)
def test_int8(name: str, form: Form) -> None:
    """onnxruntime computes int8 tensors of several consumers in float32: a few quanta in the result."""
    original = quantized(name, ALL, form, "int8")
    conversion = converter.convert(original)
    if form == "QOperator":
        check.assert_equivalent(original, conversion.model, feeds(name, ALL))
        return
    assert_one_island(conversion.report, name)
    # Not with x64quantprecision, with which onnxruntime fails on weights that share a zero point.
    sessions = [
        open_session(model, options=onnxruntime.SessionOptions()) for model in (conversion.model, original)
    ]
    for feed in feeds(name, ALL):
        (y,), (want,) = (outputs(session, feed).values() for session in sessions)
        assert np.abs(y - want).max() <= 4 * np.diff(np.unique(want)).min()


@FORMS
@pytest.mark.parametrize("name", SMALL_TRANSFORMERS)
def test_matmuls_alone(name: str, form: Form) -> None:
    """All else is in float: normalizations are entries that add; the last one ends the first island.

    Not where it adds two quantized tensors, as between Q/DQ: then it is inside, and there is one island.
    """
    original = quantized(name, MATMULS, form)
    conversion = converter.convert(original)
    report = conversion.report
    assert "MatMul" not in {left.op_type for left in report.left}, str(report)
    assert "QLinearMatMul" not in {left.op_type for left in report.left}, str(report)
    assert report.islands == (1 if (name, form) == ("bert_like", "QDQ") else 2)
    check.assert_equivalent(original, conversion.model, feeds(name, MATMULS))


@pytest.mark.parametrize("per_channel", [True, False], ids=["per_channel", "per_tensor"])
@pytest.mark.parametrize("weights", ["int8", "uint8"])
@pytest.mark.parametrize("name", SMALL_TRANSFORMERS)
def test_dynamic(name: str, weights: Literal["uint8", "int8"], per_channel: bool) -> None:
    """Every matmul with a constant, the convolution, all between; what several read is quantized once."""
    original = quantize_dynamically(SMALL_TRANSFORMERS[name](), weights=weights, per_channel=per_channel)
    conversion = converter.convert(original)
    found = Counter(node.op_type for node in conversion.model.graph.node if node.domain == DOMAIN)
    # Weights beyond int8 become several for one channel: each matmul reads other channels twice, for itself.
    apart = 2 * 4 if weights == "uint8" else 0
    assert found == Counter(DYNAMIC[name]) + Counter(DynamicQMatMul=apart)
    assert not {left.op_type for left in conversion.report.left} & QUANTIZED_DYNAMICALLY
    for recipe in (ALL, MASKED):
        check.assert_equivalent(original, conversion.model, feeds(name, recipe))
    assert_alive(conversion.model, feeds(name, ALL)[0])


@pytest.mark.gpu
@FORMS
@pytest.mark.parametrize(
    ("name", "recipe"),
    [("bert_like", ALL), ("bert_like", MASKED), ("vit_like", ALL), ("bert_like", MATMULS)],
)
def test_on_gpu(name: str, recipe: Recipe, form: Form) -> None:
    """Where a softmax is computed in float32, results differ by some of the last quanta."""
    model = converter.convert(quantized(name, recipe, form)).model
    for feed in feeds(name, recipe):
        y, want = on_gpu_and_cpu(model, feed)
        if recipe is ALL:
            np.testing.assert_array_equal(y, want)
        else:
            assert_near(y, want, 0.1)


@pytest.mark.gpu
@pytest.mark.parametrize(("name", "recipe"), [("bert_like", ALL), ("bert_like", MASKED), ("vit_like", ALL)])
def test_dynamic_on_gpu(name: str, recipe: Recipe) -> None:
    """Attention is in float32, and the CUDA provider rounds what it multiplies to TF32.

    Rounding so much on the CPU changes results by up to 0.11 standard deviations.
    """
    model = converter.convert(quantize_dynamically(SMALL_TRANSFORMERS[name]())).model
    for feed in feeds(name, recipe):
        assert_near(*on_gpu_and_cpu(model, feed), bound=0.25)


def on_gpu_and_cpu(model: onnx.ModelProto, feed: dict[str, Array]) -> tuple[Array, Array]:
    """The results. On the GPU all ops run, and of ONNX's operators all but those that compute shapes."""
    used = {node.op_type for node in model.graph.node if node.domain == DOMAIN}
    expected = run(model, feed)
    actual = run(model, feed, CUDA)
    assert used
    for op_type in used:
        assert set(actual.providers(op_type)) == {CUDA}, op_type
    names = {kernel.op_type for kernel in actual.executed if kernel.provider != CUDA}
    assert names <= ON_SHAPES, names
    assert not any("Memcpy" in kernel.op_type for kernel in actual.executed), actual.executed
    (y,), (want,) = actual.outputs.values(), expected.outputs.values()
    return y, want


def assert_near(y: Array, want: Array, bound: float) -> None:
    """bound: in standard deviations of what is wanted."""
    difference = np.abs(y - want).max() / want.std()
    measured = f"results differ by up to {difference:.4f} standard deviations, of {bound} allowed"
    print(measured)  # pytest -rP shows it where the test passes
    assert difference <= bound, measured
