"""Models as Brevitas quantizes PyTorch modules, layer by layer.

pip install brevitas onnx
python tests/quantizers/make/brevitas_torch.py FOLDER
"""

import sys
from pathlib import Path

import torch
from brevitas.export import export_onnx_qcdq
from brevitas.graph.calibrate import bias_correction_mode, calibration_mode
from brevitas.graph.quantize import layerwise_quantize, preprocess_for_quantize, quantize
from networks import NETWORKS, network, samples


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in NETWORKS:
        for title, make in (("layerwise", layerwise_quantize), ("default", _whole)):
            if (name, title) == ("encoder", "default"):
                continue  # its functions of tensors are not traced
            made = network(name)
            x = samples(made)
            quantized = make(made)
            with torch.no_grad(), calibration_mode(quantized):
                quantized(x)
            with torch.no_grad(), bias_correction_mode(quantized):
                quantized(x)
            export_onnx_qcdq(
                quantized.eval(),
                args=x[:1],
                export_path=str(folder / f"brevitas-{name}-ts-{title}.onnx"),
                opset_version=17,
                dynamo=False,
            )


def _whole(module: torch.nn.Module) -> torch.nn.Module:
    return quantize(preprocess_for_quantize(module))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
