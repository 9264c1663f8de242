"""Hybrid networks and segmenters whose batch, or all sizes, are unknown: what converts, and the bits.

    python -m benchmarks.models.hybrids --make-models DIR   once, with torch, torchvision, timm, onnxscript
                                                            and onnxruntime's quantizer
    python -m benchmarks.models.hybrids --models DIR        prints the table of docs/models.md

PyTorch's TorchScript exporter writes shapes as arithmetic in the model. Weights are random. Bits are compared
with those of the unconverted model on the CPU provider, at two batch sizes, and where height and width are
unknown at other sizes, too.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime

from qudnn import converter
from qudnn.custom_ops.exact import session_options

Array = npt.NDArray[np.float32]

SIZES = {
    "swin_t": 224,
    "levit_128": 224,
    "levit_128s": 224,
    "efficientformer_l1": 224,
    "fastvit_t8": 256,
    "deeplabv3_resnet50": 128,
    "fcn_resnet50": 128,
}
SEGMENTERS = {"deeplabv3_resnet50", "fcn_resnet50"}
ANY_SIZE = (*SEGMENTERS, "swin_t")
TIMM = {"levit_128", "levit_128s", "efficientformer_l1", "fastvit_t8"}
FORMS = ("QDQ", "QOperator")
SHAPES = {"batch": ((1, 0, 0), (2, 0, 0)), "sizes": ((1, 0, 0), (2, 0, 0), (2, 7, -5), (1, -31, 76))}
HEADER = """\
| network | unknown | form | islands | entries, exits | quantized nodes left | other | differing |
| --- | --- | --- | ---: | ---: | ---: | ---: | ---: |"""


def make_models(folder: Path) -> None:
    """Write every network in each form, with what is unknown in its name: `swin_t-batch.QDQ.onnx`."""
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    folder.mkdir(parents=True, exist_ok=True)
    for name in SIZES:
        for unknown in ("batch", "sizes") if name in ANY_SIZE else ("batch",):
            path = folder / f"{name}-{unknown}.onnx"
            _export(name, unknown == "sizes", path)
            quant_pre_process(path, path, skip_symbolic_shape=True)
            for form in FORMS:
                quantize_static(
                    path,
                    path.with_suffix(f".{form}.onnx"),
                    _Calibration(SIZES[name]),
                    quant_format=QuantFormat[form],
                    activation_type=QuantType.QUInt8,
                    weight_type=QuantType.QInt8,
                    per_channel=True,
                )
            path.unlink()


def _export(name: str, any_size: bool, path: Path) -> None:
    """A network with random weights and settled batch norms, from `x` to `y`."""
    import torch

    torch.manual_seed(0)
    network = _network(name)
    images = torch.randn(2, 3, SIZES[name], SIZES[name])
    network.train()
    with torch.no_grad():
        network(images)
    network.eval()
    axes = {"x": {0: "n"}, "y": {0: "n"}}
    if any_size:
        axes["x"] |= {2: "h", 3: "w"}
        axes["y"] |= {2: "h", 3: "w"} if name in SEGMENTERS else {}
    torch.onnx.export(
        network,
        (images,),
        path,
        opset_version=17,
        dynamo=False,
        input_names=["x"],
        output_names=["y"],
        dynamic_axes=axes,
    )


def _network(name: str) -> Any:
    import timm
    import torch
    import torchvision

    if name in TIMM:
        return timm.create_model(name, pretrained=False)
    if name not in SEGMENTERS:
        return getattr(torchvision.models, name)(weights=None)

    class Classes(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            make = getattr(torchvision.models.segmentation, name)
            self.network = make(weights=None, weights_backbone=None)

        def forward(self, x: Any) -> Any:
            return self.network(x)["out"]

    return Classes()


class _Calibration:
    """Two images, as onnxruntime's quantizer reads them."""

    def __init__(self, size: int) -> None:
        self._feeds: Iterator[dict[str, Array]] = ({"x": _images(1, size, size, seed)} for seed in range(2))

    def get_next(self) -> dict[str, Array] | None:
        return next(self._feeds, None)


def _images(batch: int, height: int, width: int, seed: int) -> Array:
    return np.random.default_rng(seed).standard_normal((batch, 3, height, width), dtype=np.float32)


def rows(folder: Path) -> Iterator[str]:
    """A line of the table for each model."""
    for path in sorted(folder.glob("*.Q*.onnx")):
        name, form = path.stem.split(".")
        network, unknown = name.split("-")
        conversion = converter.convert(path)
        report = conversion.report
        different, elements = 0, 0
        sessions = [_session(model) for model in (onnx.load(path), conversion.model)]
        for batch, taller, wider in SHAPES[unknown]:
            size = SIZES[network]
            images = {"x": _images(batch, size + taller, size + wider, seed=7)}
            want, got = (session.run(None, images)[0] for session in sessions)
            different += int((want != got).sum())
            elements += want.size
        others = len(report.left) - report.left_quantized
        approximate = f" ({len(report.approximate)} approximate)" if report.approximate else ""
        yield (
            f"| {network} | {unknown} | {form} | {report.islands} | {report.entries}, {report.exits} | "
            f"{report.left_quantized} of {report.quantized_nodes} | {others} | "
            f"{different} of {elements}{approximate} |"
        )


def _session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(
        model.SerializeToString(), session_options(model), providers=["CPUExecutionProvider"]
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--make-models", type=Path, metavar="DIR")
    parser.add_argument("--models", type=Path, metavar="DIR")
    arguments = parser.parse_args()
    if arguments.make_models:
        make_models(arguments.make_models)
    if arguments.models:
        print(HEADER)
        for row in rows(arguments.models):
            print(row, flush=True)


if __name__ == "__main__":
    main()
