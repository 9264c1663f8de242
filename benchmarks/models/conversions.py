"""Whole vision models: what converts, what is left and why, and whether the bits are right.

    python -m benchmarks.models.conversions --make-models DIR   once, with onnxruntime's quantizer, and
                                                                torchvision for its architectures
    python -m benchmarks.models.conversions --models DIR        writes benchmarks/results/conversions-*.json

Every model is converted in each form that onnxruntime's quantizer writes. Their larger weights are drawn and
left out of the files (see seeded.py): the folder is small enough to go to another machine. Bits are compared
with those of the unconverted model on the CPU provider, at two batch sizes; `off the GPU` counts the nodes of
a run that the CPU provider took and the copies between the two. Without a GPU the converted model runs on the
CPU provider. How long runs take is vision.py's part.
"""

import argparse
import importlib.util
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime

from benchmarks.models import seeded
from benchmarks.report import outcome
from qudnn import converter, custom_ops
from qudnn.custom_ops import cuda
from qudnn.custom_ops.profile import kernels
from zoo.measure import CPU, CUDA

ROOT = Path(__file__).resolve().parents[2]
Array = npt.NDArray[np.float32]
Tune = Literal["full", "heuristic"]

TORCHVISION = {
    "resnet50": 224,
    "mobilenet_v2": 224,
    "mobilenet_v3_large": 224,
    "efficientnet_b0": 224,
    "inception_v3": 299,
    "densenet121": 224,
    "shufflenet_v2_x1_0": 224,
}
# Channel shuffles read their tensor's shape; PyTorch's older exporter writes that as arithmetic in the model.
NEWER_EXPORTER = {"shufflenet_v2_x1_0"}
FORMS: tuple[Literal["QOperator", "QDQ"], ...] = ("QOperator", "QDQ")
BATCHES = (1, 8)
_DRAWN = 2048  # weights of fewer elements are stored


def make_models(folder: Path) -> None:
    """Write every architecture quantized in each form, without the weights that can be drawn again."""
    from qudnn.converter.quantization.preparation import prepare
    from zoo.quantize import quantize

    folder.mkdir(parents=True, exist_ok=True)
    for name, model in architectures():
        with tempfile.TemporaryDirectory(prefix="conversions-") as scratch:
            model = onnx.load(prepare(model, Path(scratch)))  # which folds batch norms into weights
        recipes = seeded.redraw(model, _DRAWN)
        for form in FORMS:
            try:
                quantized = quantize(model, images(model, 4, seed=1), form=form)
            except Exception as error:
                print(f"{name} cannot be quantized as {form}: {error}", file=sys.stderr)
                continue
            seeded.leave_out(quantized, recipes)
            onnx.save(quantized, folder / f"{name}.{form}.onnx")
        print(f"made {name}", flush=True)


def architectures() -> Iterator[tuple[str, onnx.ModelProto]]:
    """Names and float models: the zoo's at full size, and torchvision's."""
    from zoo.architectures import FULL_SIZE

    for name, build in FULL_SIZE.items():
        yield f"zoo-{name}", build()
    if importlib.util.find_spec("torchvision") is None:
        return
    for name, size in TORCHVISION.items():
        yield f"torchvision-{name}", export(name, size)


def export(name: str, size: int) -> onnx.ModelProto:
    """torchvision's model with seeded weights and settled batch norms, as PyTorch exports it."""
    import io

    import torch
    import torchvision

    torch.manual_seed(0)
    options = {"aux_logits": False, "init_weights": True} if name == "inception_v3" else {}
    model = getattr(torchvision.models, name)(weights=None, **options)
    model.train()
    with torch.no_grad():
        for layer in model.modules():  # equal weights would be shared, as those of a trained model are not
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.weight.uniform_(0.8, 1.2)
            if getattr(layer, "bias", None) is not None:
                layer.bias.normal_(0.0, 0.1)
        for _ in range(4):  # settles the batch norms' statistics
            model(torch.randn(8, 3, size, size))
    model.eval()
    image = torch.randn(2, 3, size, size)
    names = {"input_names": ["x"], "output_names": ["y"]}
    if name in NEWER_EXPORTER:
        dynamic = ({0: torch.export.Dim("N")},)
        program = torch.onnx.export(model, (image,), dynamo=True, dynamic_shapes=dynamic, **names)
        exported: onnx.ModelProto = program.model_proto
        return exported
    buffer = io.BytesIO()
    axes = {"x": {0: "N"}, "y": {0: "N"}}
    torch.onnx.export(model, (image,), buffer, dynamic_axes=axes, opset_version=17, dynamo=False, **names)
    return onnx.load_from_string(buffer.getvalue())


def images(model: onnx.ModelProto, count: int, *, seed: int = 0) -> Array:
    """Random images of the size that the model's input has."""
    dims = [dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim[1:]]
    return np.random.default_rng(seed).standard_normal((count, *dims), dtype=np.float32)


def measure(path: Path, providers: list[str], tune: Tune) -> dict[str, Any]:
    """One quantized model: its conversion, its bits and its nodes on the GPU."""
    original = seeded.fill(onnx.load(path))
    conversion = converter.convert(original)
    row = outcome.conversion(conversion.report)
    converted = conversion.model.SerializeToString()
    profiled = onnxruntime.SessionOptions()
    profiled.enable_profiling = True
    profiled.profile_file_prefix = str(path.with_suffix(".profile"))
    session = custom_ops.InferenceSession(converted, profiled, providers=providers, tune=tune)
    reference = onnxruntime.InferenceSession(original.SerializeToString(), providers=CPU)
    expected, results = [], []
    for batch in BATCHES:
        feed = {original.graph.input[0].name: images(original, batch, seed=batch)}
        expected += reference.run(None, feed)
        results += session.run(None, feed)
    row |= outcome.differences(expected, results)
    ran = kernels(session)
    if providers == CUDA:
        row["off the GPU"] = outcome.off_the_gpu(ran)
    return row


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--make-models", type=Path, metavar="DIR", help="write the models and stop")
    parser.add_argument("--models", type=Path, metavar="DIR", default=ROOT / "build" / "conversions")
    parser.add_argument(
        "--tune", choices=("full", "heuristic"), default="heuristic", help="how plans are made"
    )
    parser.add_argument("--out", type=Path, help="the result's file")
    parser.add_argument("--commit", help="the commit that is measured, where git cannot tell")
    arguments = parser.parse_args()
    if arguments.make_models:
        make_models(arguments.make_models)
        return 0
    paths = sorted(path for form in FORMS for path in arguments.models.glob(f"*.{form}.onnx"))
    if not paths:
        parser.error(f"no models in {arguments.models}: make them with --make-models {arguments.models}")
    cuda.load_libraries()
    providers = CUDA if cuda.driver_present() else CPU
    rows: dict[str, Any] = {}
    for path in paths:
        name = path.name.removesuffix(".onnx")
        try:
            rows[name] = measure(path, providers, arguments.tune)
        except Exception as error:
            rows[name] = {"failed": str(error)}
        row = {key: value for key, value in rows[name].items() if key != "left"}
        print(f"{name:40} {json.dumps(row)}", flush=True)
    result = {"batches": BATCHES, "tune": arguments.tune, "models": rows}
    print(outcome.write("conversions", result, arguments.out, arguments.commit))
    # The CUDA provider computes what is left in float in its own way.
    exact = [row for row in rows.values() if not ("failed" in row or row["approximate"] or row["left"])]
    wrong = any(row["different"] for row in exact) or any("failed" in row for row in rows.values())
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
