"""Whatever goes wrong in a pass is a ConversionError that names the pass and the node."""

import onnx
import onnx_ir as ir
import pytest

from qudnn import converter
from qudnn.converter import pipeline
from qudnn.converter.errors import Refusal
from qudnn.converter.passes.base import Pass

TEXT = """
<ir_version: 8, opset_import: ["": 17]>
small (float[N] x) => (float[N] y) {
    h = Relu(x)
    y = Neg(h)
}
"""


class Failing(Pass):
    """Raises what it is told to where it meets a Neg."""

    error: BaseException

    def run(self, model: ir.Model) -> None:
        for node in model.graph:
            self._look(node)

    def _look(self, node: ir.Node) -> None:
        if node.op_type == "Neg":
            raise self.error


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (KeyError("perm"), "KeyError: 'perm'"),
        (Refusal("its input 1 is missing"), "Refusal: its input 1 is missing"),
        (RecursionError(), "RecursionError"),
        (ValueError("a line\nand  another"), "ValueError: a line and another"),
        (IndexError("x" * 900), f"IndexError: {'x' * 200}..."),
    ],
)
def test_the_pass_and_the_node_are_named(
    monkeypatch: pytest.MonkeyPatch, error: BaseException, text: str
) -> None:
    monkeypatch.setattr(pipeline, "CONVERTING", (pipeline.Phase("trial", (Failing,)),))
    monkeypatch.setattr(Failing, "error", error, raising=False)
    with pytest.raises(converter.ConversionError) as raised:
        converter.convert(onnx.parser.parse_model(TEXT))
    assert str(raised.value) == f"the pass Failing of phase trial failed at node y (Neg): {text}"
    assert raised.value.__cause__ is error


def test_a_conversion_error_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "CONVERTING", (pipeline.Phase("trial", (Failing,)),))
    monkeypatch.setattr(Failing, "error", converter.ConversionError("too large"), raising=False)
    with pytest.raises(converter.ConversionError, match=r"^too large$"):
        converter.convert(onnx.parser.parse_model(TEXT))


def test_what_is_no_error_of_the_model_passes_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "CONVERTING", (pipeline.Phase("trial", (Failing,)),))
    monkeypatch.setattr(Failing, "error", KeyboardInterrupt(), raising=False)
    with pytest.raises(KeyboardInterrupt):
        converter.convert(onnx.parser.parse_model(TEXT))
