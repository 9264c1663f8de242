"""Operators on real numbers whose producer is a DequantizeLinear of int8: their bodies open from opset 21 on.

onnxruntime moves such a DequantizeLinear over a Slice, Reshape or Transpose that begins a body, puts a
QuantizeLinear that names its type, changes the type of its zero point alone, and refuses the model
(QDQPropagationTransformer and QDQS8ToU8Transformer, 1.31).
"""

from typing import TypeAlias

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from cases import add_layer_normalization, dynamic_entry, float_attention_op
from cases.add_layer_normalization import NormalizationCase
from cases.builder import by_id, integers, seed_of
from cases.dynamic_entry import QuantizeCase
from cases.float_attention_op import FloatAttentionCase
from session import assert_same_bits, run

OpCase: TypeAlias = NormalizationCase | QuantizeCase | FloatAttentionCase
ALL: list[OpCase] = [
    *add_layer_normalization.CASES,
    *add_layer_normalization.DYNAMIC_EXACT[:6],
    *add_layer_normalization.DYNAMIC_SKIP[:2],
    *dynamic_entry.QUANTIZATIONS[:4],
    *float_attention_op.FAST[:3],
    *float_attention_op.PLAIN[:3],
]
CASES = [case for case in ALL if any(value.dtype == np.float32 for value in case.inputs().values())]
SCALE, ZERO_POINT = np.float32(0.03125), np.int8(-5)


def after_int8(model: onnx.ModelProto) -> tuple[onnx.ModelProto, list[str]]:
    """The model with a DequantizeLinear of int8 before each float32 input; those inputs' names."""
    given = onnx.ModelProto()
    given.CopyFrom(model)
    graph = given.graph
    graph.initializer.append(numpy_helper.from_array(np.array(SCALE), "int8_scale"))
    graph.initializer.append(numpy_helper.from_array(np.array(ZERO_POINT), "int8_zero_point"))
    names = []
    for value in graph.input:
        if value.type.tensor_type.elem_type == TensorProto.FLOAT:
            names.append(value.name)
            parameters = [f"{value.name}_int8", "int8_scale", "int8_zero_point"]
            graph.node.insert(0, helper.make_node("DequantizeLinear", parameters, [value.name]))
            value.name = parameters[0]
            value.type.tensor_type.elem_type = TensorProto.INT8
    onnx.checker.check_model(given)
    return given, names


@pytest.mark.parametrize("case", CASES, ids=by_id)
def test_opens(case: OpCase) -> None:
    model, names = after_int8(case.model(21))
    assert names
    rng = np.random.default_rng(seed_of(case.id))
    inputs = case.inputs()
    quantized = {name: integers(rng, "int8", inputs[name].shape) for name in names}
    real = {name: (q.astype(np.float32) - ZERO_POINT) * SCALE for name, q in quantized.items()}
    others = {name: value for name, value in inputs.items() if name not in names}
    given = others | {f"{name}_int8": q for name, q in quantized.items()}
    assert_same_bits(run(model, given).outputs, run(case.model(21), {**inputs, **real}).outputs)
