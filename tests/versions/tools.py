"""Runs tools that change models over converted ones, and says which of these still open and have their bits.

    PYTHONPATH=.:tests:examples python tests/versions/tools.py [--write]

--write: into docs/convert-last.md, too. Tools that are not installed are left out.
"""

import argparse
import re
import tempfile
from collections.abc import Callable, Iterator
from importlib import import_module, metadata
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import onnxruntime

from qudnn import converter
from qudnn.converter.domain import DOMAIN
from session import session_options
from zoo.bert_like import bert_like
from zoo.quantize import quantize
from zoo.resnet import resnet50

PAGE = Path(__file__).parents[2] / "docs" / "convert-last.md"
BEGIN, END = "<!-- tools -->", "<!-- end of tools -->"

Model = onnx.ModelProto
Inputs = dict[str, Any]


class Tool(NamedTuple):
    """package: whose version is told."""

    name: str
    package: str
    apply: Callable[[Model], Model]


def _optimized(level: str) -> Callable[[Model], Model]:
    def apply(model: Model) -> Model:
        with tempfile.TemporaryDirectory() as folder:
            options = session_options(model)
            options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
            options.optimized_model_filepath = str(Path(folder, "optimized.onnx"))
            onnxruntime.InferenceSession(
                model.SerializeToString(), options, providers=["CPUExecutionProvider"]
            )
            return onnx.load(options.optimized_model_filepath)

    return apply


def _simplified(model: Model) -> Model:
    simplified, _ = import_module("onnxsim").simplify(model)
    return simplified  # type: ignore[no-any-return]


TOOLS = (
    Tool("onnx.shape_inference", "onnx", lambda m: onnx.shape_inference.infer_shapes(m)),
    Tool(
        "onnx.version_converter, two opsets on",
        "onnx",
        lambda m: onnx.version_converter.convert_version(m, m.opset_import[0].version + 2),
    ),
    Tool("onnx.inliner", "onnx", lambda m: import_module("onnx.inliner").inline_local_functions(m)),
    Tool("qudnn inline", "qudnn", converter.inline),
    Tool("onnxruntime, saved at ORT_ENABLE_BASIC", "onnxruntime-gpu", _optimized("ORT_ENABLE_BASIC")),
    Tool("onnxruntime, saved at ORT_ENABLE_EXTENDED", "onnxruntime-gpu", _optimized("ORT_ENABLE_EXTENDED")),
    Tool("onnxscript.optimizer", "onnxscript", lambda m: import_module("onnxscript.optimizer").optimize(m)),
    Tool("onnxslim", "onnxslim", lambda m: import_module("onnxslim").slim(m)),
    Tool("onnxsim", "onnxsim", _simplified),
    Tool(
        "onnxconverter-common's float16",
        "onnxconverter-common",
        lambda m: import_module("onnxconverter_common.float16").convert_float_to_float16(
            m, keep_io_types=True
        ),
    ),
    Tool(
        "onnxruntime.transformers.float16",
        "onnxruntime-gpu",
        lambda m: import_module("onnxruntime.transformers.float16").convert_float_to_float16(
            m, keep_io_types=True
        ),
    ),
)


def models() -> Iterator[tuple[str, Model, Inputs]]:
    """A CNN, which is one island, and an encoder with floating point between islands."""
    rng = np.random.default_rng(0)
    images = rng.standard_normal((2, 3, 64, 64), dtype=np.float32)
    yield "CNN", quantize(resnet50(size=64, width=0.125, classes=10), images, form="QDQ"), {"x": images}
    ids = {"input_ids": rng.integers(0, 50, (2, 16))}
    encoder = bert_like(width=32, heads=2, hidden=64, layers=2, vocabulary=50, positions=16, masked=False)
    yield "encoder", quantize(encoder, ids, form="QDQ", op_types=["MatMul", "Gemm"]), ids


def judged(tool: Tool, original: Model, inputs: Inputs) -> str:
    """What became of a converted model, in a few words."""
    copy = Model()
    copy.CopyFrom(original)
    try:
        changed = tool.apply(copy)
        onnx.checker.check_model(changed)
    except Exception as error:  # each tool has its own
        return f"the tool fails: {_short(error)}"
    before, now = (sum(node.domain == DOMAIN for node in model.graph.node) for model in (original, changed))
    try:
        want, got = (_outputs(model, inputs, original) for model in (original, changed))
    except Exception as error:
        return f"does not open: {_short(error)}"
    same = all(np.array_equal(a, b) for a, b in zip(want, got, strict=True))
    ops = (
        "its ops are there"
        if now == before
        else f"{now} of {before} ops are there"
        if now
        else "no ops any more"
    )
    return f"{'same bits' if same else 'other results'}, {ops}"


def _outputs(model: Model, inputs: Inputs, converted: Model) -> list[Any]:
    """With the options of the converted model, whatever it is now."""
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), session_options(converted), providers=["CPUExecutionProvider"]
    )
    results: list[Any] = session.run(None, inputs)
    return results


def _short(error: Exception) -> str:
    text = re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ", "", " ".join(str(error).split()))
    return (text if len(text) <= 90 else f"{text[:90]}...").replace("|", "/") or type(error).__name__


def table() -> str:
    converted = [(name, converter.convert(model).model, inputs) for name, model, inputs in models()]
    names = [name for name, *_ in converted]
    lines = [f"| tool | version | {' | '.join(names)} |", f"| --- | --- |{' --- |' * len(names)}"]
    for tool in TOOLS:
        try:
            version = "" if tool.package == "qudnn" else metadata.version(tool.package)
        except metadata.PackageNotFoundError:
            continue
        cells = [judged(tool, model, inputs) for _, model, inputs in converted]
        lines.append(f"| {tool.name} | {version} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    made = table()
    print(made)
    if parser.parse_args().write:
        before, _, rest = PAGE.read_text().partition(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n{made}\n{END}{rest.partition(END)[2]}")


if __name__ == "__main__":
    main()
