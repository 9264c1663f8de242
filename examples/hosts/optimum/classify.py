"""A converted model in Optimum: its classes take session options that have qudnn's operators.

    python classify.py FOLDER pixels.npy logits.npy

FOLDER is one as Optimum writes it, with config.json, and the converted model in it, model.qudnn.onnx: export
and quantize with Optimum, then `qudnn convert FOLDER/model_quantized.onnx -o FOLDER/model.qudnn.onnx`. On a
machine without a GPU the model runs through its function bodies.
"""

import sys
import warnings
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from optimum.onnxruntime import ORTModelForImageClassification

import qudnn

CUDA = ["CUDAExecutionProvider", "CPUExecutionProvider"]


def load(folder: Path, file_name: str = "model.qudnn.onnx") -> ORTModelForImageClassification:
    options = onnxruntime.SessionOptions()
    with warnings.catch_warnings():  # what it warns of is printed below
        warnings.simplefilter("ignore", RuntimeWarning)
        registration = qudnn.register(options, CUDA)
    if not registration:
        print(f"on the CPU: {registration.reason}", file=sys.stderr)
    return ORTModelForImageClassification.from_pretrained(
        folder, file_name=file_name, provider=CUDA[0 if registration else 1], session_options=options
    )


def main() -> None:
    folder, pixels, logits = map(Path, sys.argv[1:])
    results = load(folder)(pixel_values=torch.from_numpy(np.load(pixels))).logits
    np.save(logits, results.cpu().numpy())


if __name__ == "__main__":
    main()
