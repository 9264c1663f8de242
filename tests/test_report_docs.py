"""What docs/report.md shows and says is so."""

import re
from pathlib import Path

import onnx

from qudnn import converter, custom_ops
from qudnn.converter.analysis import quantized
from qudnn.converter.version import qudnn_version

TEXT = (Path(__file__).parents[1] / "docs" / "report.md").read_text()

MODEL = """
<ir_version: 8, opset_import: ["": 17]>
example (float[N,4,16,16] x) => (float[N,8] y)
<float s = {0.05}, uint8 z = {128}, int8 w_z = {0}, float m_s = {0.0125}>
{
    x_q = QuantizeLinear(x, s, z)
    x_d = DequantizeLinear(x_q, s, z)
    v_d = DequantizeLinear(v, s, w_z)
    a = Conv(x_d, v_d)
    a_q = QuantizeLinear(a, s, z)
    a_d = DequantizeLinear(a_q, s, z)
    w_d = DequantizeLinear(w, s, w_z)
    b = Conv(a_d, w_d)
    b_q = QuantizeLinear(b, s, z)
    b_d = DequantizeLinear(b_q, s, z)
    pool = GlobalAveragePool(b_d)
    pool_q = QuantizeLinear(pool, s, z)
    pool_d = DequantizeLinear(pool_q, s, z)
    flat = Flatten(pool_d)
    sum = CumSum(flat, axis)
    y_q = QuantizeLinear(sum, s, z)
    y = DequantizeLinear(y_q, s, z)
}
"""


def model() -> onnx.ModelProto:
    parsed = onnx.parser.parse_model(MODEL)
    for name, channels in (("v", 4), ("w", 8)):
        data = [(7 * number) % 255 - 127 for number in range(8 * channels)]
        tensor = onnx.helper.make_tensor(name, onnx.TensorProto.INT8, [8, channels, 1, 1], data)
        parsed.graph.initializer.append(tensor)
    parsed.graph.initializer.append(onnx.helper.make_tensor("axis", onnx.TensorProto.INT64, [], [1]))
    for node in parsed.graph.node:
        node.name = node.output[0]
    return parsed


def test_the_sample_is_a_report() -> None:
    (sample,) = re.findall(r"^```\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    report = str(converter.convert(model()).report)
    assert sample == report.replace(f"qudnn {qudnn_version()}:", "qudnn:") + "\n"


def test_the_definition_is_the_module_s() -> None:
    """Word for word."""
    _, text = TEXT.split("## Quantized nodes\n")
    definition = " ".join(text.split("Float nodes")[0].split())
    assert quantized.__doc__ is not None
    assert " ".join(quantized.__doc__.split()).endswith(definition)
    assert definition.startswith("A node is quantized if it is")


def test_states_are_all_listed() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE)
    assert rows == list(custom_ops.Status.__members__)
