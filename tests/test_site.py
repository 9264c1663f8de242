"""The site: its navigation has all pages, links lead somewhere, and what its pages say is so."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path
from pkgutil import resolve_name
from types import ModuleType
from typing import Any

import numpy as np
import onnx
import pytest

import qudnn
from qudnn import custom_ops
from qudnn.converter.functions import FUNCTIONS
from qudnn.custom_ops import session
from zoo.graph import Graph

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
WRITTEN = {path.name: path.read_text() for path in DOCS.glob("*.md")}


def load_pages() -> ModuleType:
    spec = importlib.util.spec_from_file_location("pages", DOCS / "pages.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    pages: dict[str, str] = load_pages().pages()
    return pages


def test_navigation_has_all_pages(made: dict[str, str]) -> None:
    nav = (ROOT / "mkdocs.yml").read_text().split("\nnav:\n")[1]
    named = re.findall(r": ([\w-]+\.md)$", nav, re.MULTILINE)
    assert len(named) == len(set(named))
    assert {*named} == {*WRITTEN, *made}, "add the page to nav in mkdocs.yml"


def test_links_lead_somewhere(made: dict[str, str]) -> None:
    pages = {**WRITTEN, **made}
    count = 0
    for name, text in pages.items():
        for target, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)]*))?\)", text):
            count += 1
            assert target in pages or not target or (DOCS / target).is_file(), (name, target)
            if anchor:
                headings = re.findall(r"^#+ (.*)$", pages[target or name], re.MULTILINE)
                assert anchor in {_anchor(heading) for heading in headings}, (name, target, anchor)
    assert count > 50


def _anchor(heading: str) -> str:
    return re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", heading.lower()).strip())


def test_operators_are_all_there(made: dict[str, str]) -> None:
    sections = re.split(r"^## ", made["operators.md"], flags=re.MULTILINE)[1:]
    assert [section.partition("\n")[0] for section in sections] == sorted(FUNCTIONS)
    for section in sections:
        function = FUNCTIONS[section.partition("\n")[0]]
        named = set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE))
        assert named == {*function.attribute, *(each.name for each in function.attribute_proto)}
        assert all(f"`{name}`" in section for name in (*function.input, *function.output))
        assert function.doc_string.split("\n")[0].strip() in section
        assert all(node.op_type in section for node in function.node)
    assert "| `y_pads` | `[0, 0, 0, 0, 0, 0, 0, 0]` |" in made["operators.md"]


def test_the_api_is_all_there() -> None:
    named = re.findall(r"^::: ([\w.]+)$", WRITTEN["api.md"], re.MULTILINE)
    found = {path.rpartition(".")[2]: resolve_name(path) for path in named}
    others = {"__version__", "converter", "custom_ops"}
    assert found.keys() == {*qudnn.__all__} - others
    for name, value in found.items():
        assert getattr(qudnn, name) is value


def test_the_programs_of_the_quickstart_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with a GPU, on which alone sessions convert; the converted model runs through function bodies."""
    quantizer = pytest.importorskip("zoo.quantize")
    graph = Graph("small", (3, 8, 8))
    images = np.random.default_rng(0).standard_normal((2, 3, 8, 8), dtype=np.float32)
    model = quantizer.quantize(graph.finish(graph.conv(graph.x, 16, 3), [16, 8, 8]), images)
    onnx.save(model, tmp_path / "model.onnx")
    qudnn.convert_file(tmp_path / "model.onnx", tmp_path / "model.qudnn.onnx")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(session, "register_quietly", lambda *_, **__: custom_ops.Registration())
    variables: dict[str, Any] = {"inputs": {"x": images}}
    programs = re.findall(r"^```python\n(.*?)^```$", WRITTEN["quickstart.md"], re.MULTILINE | re.DOTALL)
    assert len(programs) == 2
    for program in programs:
        exec(program.replace('"CUDAExecutionProvider", ', ""), variables)
        results = variables["session"].run(None, variables["inputs"])
        np.testing.assert_array_equal(results[0], variables["results"][0])


def results(name: str) -> Any:
    return json.loads((ROOT / "benchmarks" / "results" / f"{name}-h200.json").read_text())


def test_the_comparison_is_the_results() -> None:
    text = WRITTEN["comparison.md"]
    rows = dict(re.findall(r"^\| ([^|]+) \| ([\d.]+ \| [\d.]+) \|", text, re.MULTILINE))
    resnet = results("resnet50")["gpu"]
    expected = {
        f"ResNet-50, batch {batch}": (
            resnet[batch]["fp16 NHWC, CUDA graph"]["median"],
            resnet[batch]["qudnn int8, CUDA graph"]["median"],
        )
        for batch in ("1", "64", "256")
    }
    vision = {
        "mobilenet_v2": "MobileNetV2",
        "efficientnet_b0": "EfficientNet-B0",
        "resnext50_32x4d": "ResNeXt-50",
        "convnext_tiny": "ConvNeXt-tiny",
        "densenet121": "DenseNet-121",
    }
    for model, name in vision.items():
        for batch, ms in results("vision")["models"][model]["batches"].items():
            expected[f"{name}, batch {batch}"] = (
                ms["fp16 NHWC, CUDA graph"]["median"],
                ms["qudnn int8, CUDA graph"]["median"],
            )
    for model, label, form, sizes in (
        ("bert-base-unmasked", "BERT-base, {} tokens", "all, QDQ", ("1 x 128", "32 x 384")),
        ("vit-b16", "ViT-B/16, batch {}", "all, QDQ", ("1", "32")),
        ("vit-b16", "ViT-B/16, batch {}, dynamic quantization", "all, dynamic", ("32",)),
    ):
        found = results(f"transformer-{model}")["models"][model]
        for size in sizes:
            converted = found["quantized"][form]["ms"][size]
            expected[label.format(size)] = (
                found["float"][size]["fp16, CUDA graph"]["median"],
                converted["qudnn, CUDA graph"]["median"],
            )
    assert rows == {name: f"{a:.2f} | {b:.2f}" for name, (a, b) in expected.items()}
    for model in ("mobilenet_v2", "efficientnet_b0", "densenet121"):
        alone = results("vision")["models"][model]["batches"]["1"]["qudnn int8"]["median"]
        assert re.search(rf"{vision[model]}[^.]*? {alone:.2f} ms", text), model
    dense = results("vision")["models"]["densenet121"]
    assert f"{dense['by op']['QTable']} of {dense['ops']} ops are QTable" in text
    cpu = results("resnet50")["cpu"]["1"]
    for number in (
        resnet["64"]["int8 QOperator"], resnet["64"]["int8 QDQ"], cpu["int8 QOperator"], cpu["converted"],
    ):  # fmt: skip
        assert f"{number['median']:.2f} ms" in text


def test_it_builds(tmp_path: Path) -> None:
    """As `make docs` does it."""
    pytest.importorskip("mkdocs")
    pytest.importorskip("mkdocstrings")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    text = (tmp_path / "site" / "operators" / "index.html").read_text()
    assert 'id="qconv"' in text and "fonts.googleapis" not in text
