"""What function bodies and converted models hold, for runtimes other than the newest onnxruntime."""

import numpy as np
import onnx
import onnx.inliner
import pytest
from onnx import TensorProto, helper, numpy_helper

pytest.importorskip("onnxruntime.quantization", reason="this onnxruntime comes without its quantizer")

from cases import graph
from cases.builder import Case
from cases.dynamic_graph import CONVS, MATMULS
from qudnn import converter
from qudnn.converter.functions import DOMAIN, FUNCTIONS, MIN_OPSET, function_proto
from session import assert_same_bits, open_session, outputs, session_options

OPSET = 17  # the newest that any body needs

CASES = [*graph.CASES[:2], MATMULS[0], CONVS[0]]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_numbers_have_types_and_dimensions(name: str) -> None:
    """Literal constants are tensors; after each list or float of an attribute stands a Cast to its type."""
    nodes = function_proto(name, OPSET).node
    consumers = {input_: node for node in nodes for input_ in node.input}
    for node in nodes:
        if node.op_type == "Constant":
            (attribute,) = node.attribute
            if attribute.name == "value":
                assert attribute.t.data_type in (TensorProto.FLOAT, TensorProto.INT64)
            else:
                assert attribute.ref_attr_name
            if attribute.name in ("value_float", "value_ints", "value_floats"):
                cast = consumers[node.output[0]]
                assert cast.op_type == "Cast"
                wanted = TensorProto.INT64 if attribute.name == "value_ints" else TensorProto.FLOAT
                assert [attribute.i for attribute in cast.attribute] == [wanted]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_inlined_by_onnx(case: Case) -> None:
    """onnx.inliner leaves nothing of qudnn, and the bits are the same."""
    converted = converter.convert(case.model()).model
    inlined = onnx.inliner.inline_local_functions(converted)
    assert not inlined.functions
    assert DOMAIN not in {node.domain for node in inlined.graph.node}
    assert_same_outputs(case, inlined, converted)


@pytest.mark.parametrize("case", graph.CASES[:2], ids=lambda case: case.id)
def test_floats_may_be_read_as_float64(case: Case) -> None:
    converted = converter.convert(case.model()).model
    inlined = onnx.inliner.inline_local_functions(converted)
    floats = [
        node.attribute[0]
        for node in inlined.graph.node
        if node.op_type == "Constant" and node.attribute[0].name == "value_float"
    ]
    assert floats
    for attribute in floats:
        attribute.CopyFrom(
            helper.make_attribute("value", numpy_helper.from_array(np.array(attribute.f, np.float64)))
        )
    assert_same_outputs(case, inlined, converted)


def assert_same_outputs(case: Case, inlined: onnx.ModelProto, converted: onnx.ModelProto) -> None:
    options = session_options(converted)  # x64quantprecision suits neither
    sessions = [open_session(model, options=options) for model in (inlined, converted)]
    assert_same_bits(*(outputs(session, case.inputs()) for session in sessions))


def test_ops_have_all_attributes() -> None:
    """Also the defaults of a function, in the graph and in bodies: onnx.inliner does not know these."""
    model = converter.convert(graph.CASES[0].model()).model
    functions = {function.name: function for function in model.functions}
    for nodes in (model.graph.node, *(function.node for function in model.functions)):
        for node in nodes:
            if node.domain == DOMAIN:
                function = functions[node.op_type]
                defaults = {attribute.name for attribute in function.attribute_proto}
                assert {attribute.name for attribute in node.attribute} >= {*function.attribute, *defaults}
    assert any(function.attribute_proto for function in model.functions)


def test_oldest_opset() -> None:
    for name in FUNCTIONS:
        try:
            function_proto(name, MIN_OPSET)
        except ValueError as error:
            assert "needs opset 17" in str(error)
