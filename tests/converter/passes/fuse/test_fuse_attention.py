"""The four ops of an attention become one."""

from collections.abc import Callable

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from onnx import helper, numpy_helper
from qdq_networks import SCALE, QdqNetwork

from cases import attention_op
from cases.attention_op import AttentionOpCase
from cases.builder import Array, by_id
from qudnn import converter
from qudnn.converter.context import Context, Journal, Preparation
from qudnn.converter.passes.fuse.fuse_attention import FuseAttention
from session import assert_same_bits, run

CHAINS = [*attention_op.LINEAR, *attention_op.MASKED]
CASE = AttentionOpCase("fused", 21, 37, table="scale")


def chain(case: AttentionOpCase) -> tuple[onnx.ModelProto, dict[str, Array]]:
    """The ops apart, with a constant table, and inputs for them."""
    model, inputs = case.chain(), case.inputs()
    model.graph.initializer.append(numpy_helper.from_array(inputs.pop("table"), "table"))
    model.graph.input.remove(next(value for value in model.graph.input if value.name == "table"))
    return model, inputs


def fused(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model after the pass."""
    model_ir = ir.from_proto(model)
    preparation = Preparation.from_journal(Journal.of(model_ir), model_ir)
    FuseAttention(Context.from_preparation(preparation, model_ir))(model_ir)
    return ir.to_proto(model_ir)


def ops(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


@pytest.mark.parametrize("case", CHAINS, ids=by_id)
def test_fused(case: AttentionOpCase) -> None:
    apart, inputs = chain(case)
    one = fused(apart)
    assert ops(one) == [case.op]
    onnx.checker.check_model(one)
    functions = {function.name for function in one.functions}
    assert {"QBatchMatMul", "QTable", case.op} < functions
    assert_same_bits(run(one, inputs).outputs, run(apart, inputs).outputs)


def set_attribute(model: onnx.ModelProto, output: str, name: str, value: int | list[int]) -> None:
    attributes = next(node for node in model.graph.node if node.output[0] == output).attribute
    attributes.remove(next(attribute for attribute in attributes if attribute.name == name))
    attributes.append(helper.make_attribute(name, value))


def constant(model: onnx.ModelProto, name: str, value: Array) -> None:
    initializers = model.graph.initializer
    initializers.remove(next(tensor for tensor in initializers if tensor.name == name))
    initializers.append(numpy_helper.from_array(value, name))


@pytest.mark.parametrize("known", [True, False])
def test_padded_scores(known: bool) -> None:
    """Scores in rows of 48 for 37 keys: fused where it is known that all keys are taken, and no others."""
    apart, inputs = chain(CASE)
    set_attribute(apart, "scores", "pads", [0] * 7 + [11])
    set_attribute(apart, "weights", "channels", 37)
    set_attribute(apart, "y", "a_ends", [attention_op.ALL] * 3 + [37])
    if known:
        shape = [2, 3, 21, 48]
        apart.graph.value_info.append(helper.make_tensor_value_info("scores", onnx.TensorProto.INT8, shape))
    one = fused(apart)
    assert (ops(one) == ["QAttention"]) == known
    assert_same_bits(run(one, inputs).outputs, run(apart, inputs).outputs)


@pytest.mark.parametrize("per_key", [False, True], ids=["one", "per_key"])
def test_tables_of_keys(per_key: bool) -> None:
    """A table for each key is one for all if they are alike."""
    apart, inputs = chain(CASE)
    tables = np.tile(CASE.inputs()["table"], (37, 1))
    if per_key:
        tables[5] = 0
    constant(apart, "table", tables)
    value_info = helper.make_tensor_value_info("scores", onnx.TensorProto.INT8, [2, 3, 21, 37])
    apart.graph.value_info.append(value_info)
    one = fused(apart)
    assert (ops(one) == ["QAttention"]) == (not per_key)
    assert_same_bits(run(one, inputs).outputs, run(apart, inputs).outputs)


def output(name: str) -> Callable[[onnx.ModelProto], None]:
    def change(model: onnx.ModelProto) -> None:
        axes = [f"{name}{axis}" for axis in range(4)]
        model.graph.output.append(helper.make_tensor_value_info(name, onnx.TensorProto.INT8, axes))

    return change


REFUSED: dict[str, Callable[[onnx.ModelProto], None]] = {
    "scores_read": output("scores"),
    "looked_up_read": output("looked_up"),
    "weights_read": output("weights"),
    "bias": lambda model: constant(model, "scores_bias", np.array([7], np.int32)),
    "multipliers": lambda model: constant(model, "y_multiplier", np.full(64, 0.01, np.float32)),
    "bound": lambda model: set_attribute(model, "y", "y_min", -2),
    "some_keys": lambda model: set_attribute(model, "weights", "channels", 30),
    "some_weights": lambda model: set_attribute(model, "y", "a_starts", [0, 0, 2, 0]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_not_fused(name: str) -> None:
    apart, inputs = chain(CASE)
    REFUSED[name](apart)
    one = fused(apart)
    assert ops(one) == ops(apart)
    assert_same_bits(run(one, inputs).outputs, run(apart, inputs).outputs)


def network(scaled: bool = False, hidden: Array | None = None) -> onnx.ModelProto:
    """Heads first, of 16. hidden `[21]`: an 8-bit mask for each batch, as exporters make it."""
    net = QdqNetwork()
    q = net.x(("n", 4, 21, 16))
    k = net.node("Transpose", [q], "k", perm=[0, 1, 3, 2])
    y = net.pair(net.node("MatMul", [q, k], "scores"), "scores_q", SCALE * 4, 128)
    if scaled:
        scale = net.weights("scale", (), dtype=net.dtype)
        y = net.pair(net.node("Mul", [y, scale], "scaled"), "scaled_q", SCALE, 120)
    if hidden is not None:
        batch = net.node("Shape", ["x"], "sizes", end=1)
        shape = net.node("Concat", [batch, net.constant("rest", [1, 21, 21], "int64")], "shape", axis=0)
        seen = net.node("Expand", [net.constant("seen", ~hidden, "bool"), shape], "seen_by_all")
        numbers = [net.constant(f"number{n}", n, "float32") for n in (0, -5)]
        mask = net.pair(net.node("Where", [seen, *numbers], "mask"), "mask_q", SCALE, 128)
        y = net.pair(net.node("Add", [y, mask], "masked"), "masked_q", SCALE, 128)
    y = net.pair(net.node("Softmax", [y], "weights", axis=-1), "weights_q", 1 / 256, 0)
    net.y(net.node("MatMul", [y, q], "context"))
    return net.model(17)


def assert_converts(model: onnx.ModelProto, ops: set[str]) -> None:
    conversion = converter.convert(model)
    assert ops <= conversion.report.converted.keys(), str(conversion.report)
    rng = np.random.default_rng(0)
    inputs = {"x": rng.uniform(-128 * SCALE, 128 * SCALE, (2, 4, 21, 16)).astype(np.float32)}
    assert_same_bits(run(conversion.model, inputs).outputs, run(model, inputs).outputs)


@pytest.mark.parametrize("scaled", [True, False])
def test_of_a_model(scaled: bool) -> None:
    model = network(scaled)
    assert converter.convert(model).report.converted == {"QAttention": 1}
    assert_converts(model, {"QAttention"})


def test_mask_that_hides_nothing() -> None:
    model = network(hidden=np.zeros(21, bool))
    assert_converts(model, {"QAttention"})
    assert "Where" not in ops(converter.convert(model).model)


def test_mask_in_8_bits() -> None:
    assert_converts(network(hidden=np.arange(21) > 17), {"QAdd", "QSoftmax", "QBatchMatMul"})
