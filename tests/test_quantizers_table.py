"""The table of what becomes of the models in a folder."""

import re
from pathlib import Path

import onnx
import pytest

from cases.builder import GraphBuilder
from quantizers.outcome import Outcome
from quantizers.table import BEFORE, PAGE, Found, about, left, limited, models, tools, write


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model that converts, one with a MatMul of two 16-bit tensors, and a file that is no model."""
    for name, dtype in ("a-good", "uint8"), ("b-wide", "uint16"):
        graph = GraphBuilder()
        graph.input("x", "float32", ["n", 32])
        pair = [graph.constant("scale", 0.05, "float32"), graph.constant("zero", 3, dtype)]
        weights = graph.constant("w", [[1, -2] * 16] * 32, "int8"), graph.constant("s", 0.01, "float32")
        q = graph.node("QuantizeLinear", ["x", *pair], "q")
        w = graph.node("DequantizeLinear", weights, "dw")
        y = graph.node("MatMul", [graph.node("DequantizeLinear", [q, *pair], "d"), w], "y")
        graph.output(graph.node("QuantizeLinear", [y, *pair], "z"), dtype, ["n", 32])
        onnx.save(graph.model(21), tmp_path / f"{name}.onnx")
    (tmp_path / "a-broken.onnx").write_text("not a model")
    return tmp_path


def test_each_model_has_a_row(folder: Path) -> None:
    found = [limited(path) for path in sorted(folder.glob("*.onnx"))]
    broken, good, wide = found
    assert broken.failed and "a-broken" in broken.failed
    assert (good.converted, good.quantized, good.islands, good.crossings) == (1, 1, 1, 2)
    assert (good.failed, good.different, good.elements, good.left) == ("", 0, 64, {})
    assert (wide.converted, wide.quantized, wide.different, wide.elements) == (0, 1, 0, 64)
    ((reason, number),) = wide.left.items()
    assert reason.startswith("MatMul: ") and number == 1
    rows = models(found).splitlines()[2:]
    assert rows[0].startswith("| a-broken |") and broken.failed in rows[0]
    assert rows[1].startswith("| a-good | 1 of 1 | 1 | 2 | 0 of 64 |") and reason in rows[2]


def test_an_original_that_onnxruntime_does_not_run(tmp_path: Path) -> None:
    graph = GraphBuilder()
    graph.input("x", "float32", ["n", 32])
    graph.output(
        graph.node("Reshape", ["x", graph.constant("to", [7, -1], "int64")], "y"), "float32", [7, "m"]
    )
    onnx.save(graph.model(17), tmp_path / "a-fails.onnx")
    found = limited(tmp_path / "a-fails.onnx")
    assert not found.failed and "Reshape" in found.not_compared
    (row,) = tools([found], []).splitlines()[2:]
    assert row == "| a | 1 | 1 | 0 of 0 | 0 | 0 | 0 | 0 |"


def test_what_was_before_stands_next_to_it() -> None:
    before = [Outcome("a-1", quantized=3, converted=1), Outcome("a-2", quantized=2, converted=2, different=1)]
    now = [Outcome("a-1", quantized=3, converted=3), Outcome("a-2", quantized=2, converted=2, different=1)]
    (row,) = tools(now, before).splitlines()[2:]
    assert row == "| a | 2 | 1 -> 2 | 3 of 5 -> 5 of 5 | 0 | 0 | 1 | 1 |"


def test_what_was_before_is_kept_in_a_file(tmp_path: Path) -> None:
    now = Found("now", "1.31.1", [Outcome("a-1", quantized=3, left={"Conv: no": 3}), Outcome("a-2", "bad")])
    now.write(tmp_path / "found.json")
    assert Found.read(tmp_path / "found.json") == now
    before = Found.read(BEFORE)
    assert len(before.outcomes) == 186 == len({each.model for each in before.outcomes})
    assert before.commit in about(now, before) and "2 models at now" in about(now, before)


def test_reasons_that_differ_in_sizes_are_one() -> None:
    found = [
        Outcome("a-1", left={"Conv: its bias is int32 [3], not int32 [4]": 1, "Add: no": 1}),
        Outcome("b-1", left={"Conv: its bias is int32 [5], not int32 [6]": 2}),
    ]
    assert left(found).splitlines()[2:] == [
        "| 3 | Conv: its bias is int32 [..], not int32 [..] | a, b |",
        "| 1 | Add: no | a |",
    ]


def test_the_page_has_its_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE.read_text())
    write("new", page)
    before, between, _ = re.split("<!-- .*quantizers -->", page.read_text())
    assert between == "\nnew\n" and before and page.read_text().count("new\n<!-- end") == 1


def test_a_model_that_takes_too_long_ends(folder: Path) -> None:
    assert limited(folder / "a-good.onnx", 0.0).failed == "still at work after 0.0 s"
