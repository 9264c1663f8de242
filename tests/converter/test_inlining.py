"""Standard ONNX of converted models: no function is left, and onnxruntime gives the same bits."""

from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from command import Run

pytest.importorskip("onnxruntime.quantization", reason="this onnxruntime comes without its quantizer")

from cases import float_binary_op, graph, op, table_binary_op, vision_op
from cases.builder import Case, by_id
from cases.dynamic_graph import CONVS, MATMULS
from cases.op import OpCase
from qudnn import converter
from qudnn.converter.domain import DOMAIN
from qudnn.converter.passes.finish.add_functions import write_defaults_out
from session import assert_same_bits, open_session, outputs, session_options
from zoo.architectures import SMALL
from zoo.quantize import quantize

OPS = [*op.CASES, *vision_op.CASES, *float_binary_op.CASES, *table_binary_op.CASES][::3]


def assert_standard(
    model: onnx.ModelProto, inputs: dict[str, np.ndarray], domains: set[str]
) -> onnx.ModelProto:
    """Nothing of qudnn is left in it, and what it computes is what it did."""
    before = model.SerializeToString(deterministic=True)
    inlined = converter.inline(model)
    assert model.SerializeToString(deterministic=True) == before
    assert DOMAIN in {node.domain for node in model.graph.node}
    onnx.checker.check_model(inlined, full_check=True)
    assert not inlined.functions
    assert {node.domain for node in inlined.graph.node} <= domains
    assert {opset.domain for opset in inlined.opset_import} <= domains
    assert (inlined.graph.input, inlined.graph.output) == (model.graph.input, model.graph.output)
    options = session_options(model)  # x64quantprecision suits neither
    got, want = (outputs(open_session(each, options=options), inputs) for each in (inlined, model))
    assert_same_bits(got, want)
    return inlined


@pytest.mark.parametrize("case", OPS, ids=by_id)
def test_ops(case: OpCase) -> None:
    model = ir.from_proto(case.model(17))
    write_defaults_out(model)  # as the converter does it
    assert_standard(ir.to_proto(model), case.inputs(), {""})


@pytest.mark.parametrize("case", [*graph.CASES, MATMULS[0], CONVS[0]], ids=by_id)
def test_networks(case: Case) -> None:
    conversion = converter.convert(case.model())
    left = {node.domain for node in case.model().graph.node} if conversion.report.left else set()
    assert_standard(conversion.model, case.inputs(), {"", *left})


@pytest.mark.parametrize("name", SMALL)
def test_vision_models(name: str) -> None:
    """Zero points, scales and biases are constants, and weights lie as QLinearConv has them."""
    network = SMALL[name]()
    _, *shape = (size.dim_value for size in network.graph.input[0].type.tensor_type.shape.dim)
    x = np.random.default_rng(0).standard_normal((2, *shape)).astype(np.float32)
    converted = converter.convert(quantize(network, x, form="QDQ")).model
    inlined = assert_standard(converted, {"x": x}, {""})
    initializers = {tensor.name for tensor in inlined.graph.initializer}
    initializers |= {node.output[0] for node in inlined.graph.node if node.op_type == "Constant"}
    convs = [node for node in inlined.graph.node if node.op_type == "QLinearConv"]
    assert convs
    for node in convs:
        assert set(node.input[1:]) <= initializers


def test_the_verb(run: Run, tmp_path: Path) -> None:
    case = graph.CASES[0]
    source, target = tmp_path / "converted.onnx", tmp_path / "standard.onnx"
    onnx.save(case.model(), tmp_path / "original.onnx")
    assert run.fails("inline", tmp_path / "original.onnx", "-o", target) == (
        f"{tmp_path}/original.onnx has no ops of qudnn: it is not converted, there is nothing to inline"
    )
    assert not target.exists()
    model = converter.convert(case.model()).model
    onnx.save(model, source, save_as_external_data=True, location="weights", size_threshold=0)
    status, out, _ = run("inline", source, "-o", target)
    assert (status, out) == (0, f"{target} is {source} in standard operators, without functions\n")
    assert (tmp_path / "standard.onnx.data").exists()  # its weights lie beside it as those of the source do
    got, want = (outputs(open_session(onnx.load(path)), case.inputs()) for path in (target, source))
    assert_same_bits(got, want)
    assert run.json("inspect", target)["models"][0]["converted_by"] == ""
