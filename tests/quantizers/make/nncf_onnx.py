"""Models as NNCF quantizes ONNX, by each of its presets and kinds of models.

pip install nncf onnxruntime torch
python tests/quantizers/make/nncf_onnx.py FOLDER
"""

import sys
from pathlib import Path

import nncf
import onnx
from networks import sources

SETTINGS = {
    "default": {},
    "mixed": {"preset": nncf.QuantizationPreset.MIXED},
    "transformer": {"model_type": nncf.ModelType.TRANSFORMER},
}


def main(folder: Path) -> None:
    for name, source, x in sources(folder):
        for title, options in SETTINGS.items():
            data = nncf.Dataset([{"x": x[i : i + 1].numpy()} for i in range(len(x))])
            quantized = nncf.quantize(onnx.load(source), data, subset_size=len(x), **options)
            onnx.save(quantized, folder / f"nncf-{name}-{title}.onnx")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
