"""torchvision's networks of the vision benchmark, in float32, float16 and int8, without their weights.

Weights are drawn (see seeded.py) and batch norms settled on random images; onnxruntime's tools make the
other forms: its quantizer QDQ with uint8 activations and a scale for each channel of the weights.
"""

import io
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from benchmarks.models import seeded
from qudnn.converter.cli.benching import write_fp16

Array = npt.NDArray[np.float32]

# By name, the batch sizes to measure at.
NETWORKS: dict[str, tuple[int, ...]] = {
    "mobilenet_v2": (1, 32),
    "efficientnet_b0": (1, 32),
    "resnext50_32x4d": (32,),
    "convnext_tiny": (32,),
    "densenet121": (1,),
}
FORMS = ("fp32", "fp16", "int8")
_DRAWN = 2048  # parameters of fewer values are stored
_LAYER_SCALES = (0.05, 0.3)  # of ConvNeXt, which starts training with 1e-6


def make_models(folder: Path, names: Sequence[str], size: int = 224) -> None:
    """Write NAME.FORM.onnx for each name and form, images of the size `size`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        model, draws = export(name, size)
        write_forms(name, model, draws, folder)
        print(f"made {name}", flush=True)


def export(name: str, size: int) -> tuple[onnx.ModelProto, list[seeded.Draw]]:
    """torchvision's network as PyTorch's TorchScript exporter writes it, from `x` to `y`, and its draws."""
    import torch
    import torchvision

    torch.manual_seed(0)
    network = getattr(torchvision.models, name)(weights=None)
    draws: list[seeded.Draw] = []
    with torch.no_grad():
        for parameter, values in network.named_parameters():
            if parameter.endswith("layer_scale"):
                values.uniform_(*_LAYER_SCALES)
            elif values.ndim > 1 and values.numel() >= _DRAWN:
                draw = seeded.Draw(len(draws), tuple(values.shape))
                factor = float(values.std()) / seeded.SPREAD
                values.copy_(torch.from_numpy(draw.integers().astype(np.float32) * factor))
                draws.append(draw)
        _settle(network, torch.randn(8, 3, size, size))
    buffer = io.BytesIO()
    torch.onnx.export(
        network,
        (torch.randn(2, 3, size, size),),
        buffer,
        opset_version=17,
        dynamo=False,
        input_names=["x"],
        output_names=["y"],
        dynamic_axes={"x": {0: "N"}, "y": {0: "N"}},
    )
    return onnx.load_from_string(buffer.getvalue()), draws


def _settle(network: Any, batch: Any) -> None:
    """Give batch norms the statistics of a batch, and parameters that are all alike values of their own."""
    import torch

    network.eval()  # without dropout and stochastic depth
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.weight.uniform_(0.8, 1.2)
            layer.momentum = None  # means over all batches
            layer.train()
        if getattr(layer, "bias", None) is not None:
            layer.bias.normal_(0.0, 0.1)
    network(batch)
    network.eval()


def write_forms(name: str, model: onnx.ModelProto, draws: Sequence[seeded.Draw], folder: Path) -> None:
    """Write a float model in each form; what cannot be drawn again is stored with it."""
    from zoo.quantize import quantize

    recipes = seeded.draw_weights(model, draws)
    with tempfile.TemporaryDirectory(prefix="networks-") as scratch:
        source, target = (str(Path(scratch, file)) for file in ("fp32.onnx", "fp16.onnx"))
        onnx.save(model, source)
        write_fp16(source, target)
        forms = {"fp32": model, "fp16": onnx.load(target)}
    forms["int8"] = quantize(model, images(model, 4, seed=1), form="QDQ")
    for form, each in forms.items():
        seeded.leave_out(each, recipes)
        onnx.save(each, path(folder, name, form))


def path(folder: Path, name: str, form: str) -> Path:
    return folder / f"{name}.{form}.onnx"


def load(folder: Path, name: str, form: str) -> onnx.ModelProto:
    """The model with its weights."""
    return seeded.fill(onnx.load(path(folder, name, form)))


def images(model: onnx.ModelProto, count: int, *, seed: int = 0) -> Array:
    """Random images of the size that the model's input has."""
    dims = [dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim[1:]]
    return np.random.default_rng(seed).standard_normal((count, *dims), dtype=np.float32)
