"""com.microsoft's fused operators between quantized tensors, as onnxruntime's optimizer writes them."""

import numpy as np
import pytest
from operators import DTYPES
from qdq_networks import RESULT_SCALE, QdqNetwork, assert_converts, normal, reasons

import check
from cases.builder import MICROSOFT
from qudnn import converter
from session import open_session, outputs

GELUS: dict[str, tuple[str, bool]] = {
    "BiasGelu": (MICROSOFT, True),
    "FastGelu": (MICROSOFT, True),
    "QuickGelu": (MICROSOFT, False),
    "Gelu": (MICROSOFT, False),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("transposed", [0, 1])
@pytest.mark.parametrize("alpha", [1.0, 0.125, 0.353])
def test_matmul_by_weights(alpha: float, transposed: int, dtype: str) -> None:
    net = QdqNetwork(dtype)
    shape, axis = ((16, 20), 0) if transposed else ((20, 16), 1)
    inputs = [net.x(("n", 7, 20)), net.weights("w", shape, axis)]
    y = net.node("FusedMatMul", inputs, "m", MICROSOFT, alpha=alpha, transB=transposed)
    net.y(net.node("Relu", [y], "r"), rank=3)
    assert_converts(net.model(), {"QMatMul": 1}, (7, 20), exact=False)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("trans_a", "trans_b"), [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_matmul_of_two_tensors(trans_a: int, trans_b: int, dtype: str) -> None:
    """Both of one shape: square matrices."""
    net = QdqNetwork(dtype)
    inputs = [net.x(("n", 3, 16, 16)), net.x(("n", 3, 16, 16), name="z")]
    y = net.node("FusedMatMul", inputs, "m", MICROSOFT, alpha=0.25, transA=trans_a, transB=trans_b)
    net.y(y, 0.4)
    original = net.model()
    conversion = converter.convert(original)
    assert not conversion.report.left
    assert conversion.report.converted["QBatchMatMul"] == 1
    feed = {"x": normal(2, 3, 16, 16), "z": normal(2, 3, 16, 16)[::-1].copy()}
    got, want = (outputs(open_session(model), feed)["m_out"] for model in (conversion.model, original))
    assert np.abs(got - want).max() <= 0.4001
    assert np.unique(want).size > 50


def test_matmul_with_a_float_result() -> None:
    net = QdqNetwork()
    y = net.node("FusedMatMul", [net.x(("n", 7, 20)), net.weights("w", (20, 16))], "m", MICROSOFT, alpha=0.3)
    net.output(y, "float32", ["a", "b", "c"])
    original = net.model()
    conversion = converter.convert(original)
    assert conversion.report.converted == {"QMatMulToFloat": 1}
    assert "last bits" in conversion.report.approximate[0].reason
    feed = {"x": normal(2, 7, 20)}
    got, want = (outputs(open_session(model), feed)["m"] for model in (conversion.model, original))
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)


def test_matmul_of_another_batch_stays() -> None:
    net = QdqNetwork()
    inputs = [net.x((3, 4, 8)), net.x((3, 8, 4), name="z")]
    net.y(net.node("FusedMatMul", inputs, "m", MICROSOFT, transBatchA=1, transBatchB=1), rank=3)
    conversion = converter.convert(net.model())
    assert {e.name: e.reason for e in conversion.report.left}["m_node"] == "it transposes its batch"


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op_type", GELUS)
def test_activations_with_a_bias(op_type: str, dtype: str) -> None:
    """Functions of each channel, the last axis, whatever comes before them; with onnxruntime's bits."""
    domain, has_bias = GELUS[op_type]
    bias: list[str] = []
    net = QdqNetwork(dtype)
    x = net.x(("n", 9, 20))
    if has_bias:
        bias = [net.constant("b", net.rng.normal(0, 1, 20), "float32")]
    net.y(net.node(op_type, [x, *bias], "g", domain), RESULT_SCALE, rank=3)
    assert_converts(net.model(), {"QTable": 1}, (9, 20))


@pytest.mark.parametrize(("shape", "bias"), [((9, 20), (20,)), ((9, 20), (9, 1)), ((6, 5, 20), (20,))])
def test_constants_tell_the_channels(shape: tuple[int, ...], bias: tuple[int, ...]) -> None:
    net = QdqNetwork()
    y = net.node("Add", [net.x(("n", *shape)), net.constant("b", net.rng.normal(0, 1, bias), "float32")], "a")
    net.y(net.node("Tanh", [y], "t"), 0.01, rank=len(shape) + 1)
    assert_converts(net.model(), {"QTable": 1}, shape)


def test_other_constants_stay() -> None:
    net = QdqNetwork()
    net.y(net.node("Add", [net.x(), net.constant("b", np.ones((9, 8)), "float32")], "a"))
    assert reasons(net.model())["a_node"].startswith("it has a constant that is not one element")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("channels", [64, 21])
@pytest.mark.parametrize("has_bias", [True, False])
def test_skip_layer_normalization(has_bias: bool, channels: int, dtype: str) -> None:
    net = QdqNetwork(dtype)
    inputs = [net.x(("n", 9, channels)), net.x(("n", 9, channels), name="z")]
    names = ["gamma", "beta", *(["bias"] if has_bias else [])]
    inputs += [net.constant(name, net.rng.normal(0.5, 0.5, channels), "float32") for name in names]
    net.y(net.node("SkipLayerNormalization", inputs, "s", MICROSOFT, epsilon=1e-5), 0.02, rank=3)
    assert_converts(net.model(), {"AddLayerNormalizationToIsland": 1}, (9, channels), False, 0.02)


def test_skip_layer_normalization_with_its_sum() -> None:
    """As in networks that normalize before each layer: the sum goes on as the next residual."""
    net = QdqNetwork()
    inputs = [net.x(("n", 9, 20)), net.x(("n", 9, 20), name="z")]
    inputs += [net.constant(name, net.rng.normal(0.5, 0.5, 20), "float32") for name in ("gamma", "beta")]
    net.y(net.node("SkipLayerNormalization", inputs, "s", MICROSOFT, epsilon=1e-5), 0.02, rank=3)
    node = next(n for n in net.nodes if n.op_type == "SkipLayerNormalization")
    node.output.extend(["", "", "total"])
    net.y("total", 0.1, rank=3)
    original = net.model()
    conversion = converter.convert(original)
    assert {entry.op_type for entry in conversion.report.left} == {"QuantizeLinear", "DequantizeLinear"}
    assert conversion.report.converted["AddLayerNormalizationToIsland"] == 1
    feed = {"x": normal(2, 9, 20), "z": normal(2, 9, 20)[::-1].copy()}
    got, want = (outputs(open_session(model), feed) for model in (conversion.model, original))
    np.testing.assert_array_equal(got["total_out"], want["total_out"])
    assert np.abs(got["s_out"] - want["s_out"]).max() <= 0.02001
    assert np.unique(want["s_out"]).size > 50


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(64,), (9, 64), (9, 21)], ids=str)
@pytest.mark.parametrize("has_bias", [True, False])
def test_skip_simplified_layer_normalization(has_bias: bool, shape: tuple[int, ...], dtype: str) -> None:
    """A residual and RMSNormalization, with onnxruntime's bits."""
    net = QdqNetwork(dtype)
    inputs = [net.x(("n", *shape)), net.x(("n", *shape), name="z")]
    names = ["gamma", *(["bias"] if has_bias else [])]
    inputs += [net.constant(name, net.rng.normal(0.5, 0.5, shape[-1]), "float32") for name in names]
    y = net.node("SkipSimplifiedLayerNormalization", inputs, "s", MICROSOFT, epsilon=1e-6)
    net.y(y, 0.02, rank=1 + len(shape))
    assert_converts(net.model(), {"AddRMSNormalizationToIsland": 1}, shape)


def skip_simplified(*outputs: str) -> QdqNetwork:
    """Of x and z, with these outputs besides s; nothing reads it or them yet."""
    net = QdqNetwork()
    inputs = [net.x(("n", 9, 20)), net.x(("n", 9, 20), name="z")]
    inputs.append(net.constant("gamma", net.rng.normal(0.5, 0.5, 20), "float32"))
    net.node("SkipSimplifiedLayerNormalization", inputs, "s", MICROSOFT, epsilon=1e-6)
    net.nodes[-1].output.extend(outputs)
    return net


def test_skip_simplified_layer_normalization_with_its_sum() -> None:
    net = skip_simplified("", "", "total")
    net.y("s", 0.02, rank=3)
    net.output("total", "float32", ["a", "b", "c"])
    original = net.model()
    conversion = converter.convert(original)
    assert not conversion.report.left and not conversion.report.approximate
    assert conversion.report.converted == {"AddRMSNormalizationToIsland": 1}
    feed = {"x": normal(2, 9, 20), "z": normal(2, 9, 20)[::-1].copy()}
    check.assert_equivalent(original, conversion.model, [feed])


def test_skip_simplified_layer_normalization_with_its_deviation_stays() -> None:
    net = skip_simplified("", "deviation")
    net.y("s", 0.02, rank=3)
    net.output("deviation", "float32", ["a", "b", "c"])
    report = converter.convert(net.model()).report
    reason = "its outputs for mean and deviation are used"
    assert {entry.name: entry.reason for entry in report.left}["s_node"] == reason


def test_an_operator_without_a_kernel_anywhere() -> None:
    """onnxruntime has its schema alone, and opens no model with it."""
    net = QdqNetwork()
    net.constant("scale", 0.03, "float32")
    net.constant("zero_point", 128, "uint8")
    net.y(net.node("MatMul", [net.x(("n", 7, 20)), net.weights("w", (20, 16), 1)], "m"), rank=3)
    given = [net.input("q", "uint8", ("n", 20, 4, 4)), *["scale", "zero_point"] * 2]
    net.output(
        net.node("QLinearReduceMean", given, "mean", MICROSOFT, axes=[2, 3], keepdims=0), "uint8", "nc"
    )
    conversion = converter.convert(net.model())
    assert conversion.report.converted == {"QMatMul": 1}
    (left,) = [entry for entry in conversion.report.left if entry.name == "mean_node"]
    assert left.reason == "onnxruntime has no kernel for it, either"
