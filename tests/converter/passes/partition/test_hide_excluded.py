"""What the user excludes is not fused either, and nothing of it shows in the converted model."""

import numpy as np
import onnx
import pytest
from dynamic_networks import DynamicNetwork

from check import assert_equivalent
from qudnn import converter


def network() -> onnx.ModelProto:
    """LayerNormalization that the entry of a dynamically quantized matmul takes in."""
    net = DynamicNetwork()
    norm = net.node(
        "LayerNormalization",
        [net.x(["n", 7, 16]), net.numbers("scale", 16, mean=1), net.numbers("b", 16)],
        "ln",
    )
    net.end(norm, 16)
    return net.model()


@pytest.mark.parametrize(("include", "exclude"), [([], ["LayerNormalization"]), (["MatMulInteger"], [])])
def test_it_stays_and_is_not_fused(include: list[str], exclude: list[str]) -> None:
    model = network()
    fused = converter.convert(model).report
    assert "DynamicLayerNormalizationToIsland" in fused.converted
    conversion = converter.convert(model, include=include, exclude=exclude)
    assert conversion.report.converted == {"DynamicQuantizeToIsland": 1, "DynamicQMatMul": 1}
    (left,) = conversion.report.left
    assert (left.op_type, left.name) == ("LayerNormalization", "ln_node")
    (node,) = [n for n in conversion.model.graph.node if n.op_type == "LayerNormalization"]
    assert node.domain == ""
    x = np.random.default_rng(0).standard_normal((2, 7, 16), dtype=np.float32)
    assert_equivalent(model, conversion.model, [{"x": x}])


def test_a_string_is_no_list() -> None:
    with pytest.raises(
        converter.ConversionError, match=r"exclude is 'Conv'; it has to be a list: \['Conv'\]"
    ):
        converter.convert(network(), exclude="Conv")
