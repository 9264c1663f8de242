"""Run where onnxruntime is old, with nothing but it and numpy: `python probe.py FOLDER [NAME...]`.

Opens and runs NAME.original.onnx and NAME.converted.onnx of the folder with the inputs in NAME.npz. Prints a
line of JSON for each: {"name": .., "original": error, "converted": error, "different": .., "of": elements}
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime


def results(path: Path, inputs: dict[str, Any]) -> list[Any]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    if path.with_suffix(".exact").exists():  # the model computes exactly on any processor with this
        options.add_session_config_entry("session.x64quantprecision", "1")
    providers = ["CPUExecutionProvider"]
    return list(onnxruntime.InferenceSession(str(path), options, providers=providers).run(None, inputs))


def different(actual: Any, expected: Any) -> int:
    """In how many elements; all of them where they are of another type or shape."""
    if actual.dtype != expected.dtype or actual.shape != expected.shape:
        return int(expected.size)
    bits = f"u{expected.dtype.itemsize}"
    return int(np.count_nonzero(actual.view(bits) != expected.view(bits)))


def probe(folder: Path, name: str) -> dict[str, Any]:
    inputs = dict(np.load(folder / f"{name}.npz"))
    found: dict[str, Any] = {"name": name, "original": "", "converted": "", "different": 0, "of": 0}
    outputs = {}
    for which in ("original", "converted"):
        try:
            outputs[which] = results(folder / f"{name}.{which}.onnx", inputs)
        except Exception as error:  # whatever onnxruntime says
            found[which] = str(error)
    if len(outputs) == 2:
        pairs = list(zip(outputs["converted"], outputs["original"], strict=True))
        found["different"] = sum(different(actual, expected) for actual, expected in pairs)
        found["of"] = sum(expected.size for _, expected in pairs)
    return found


if __name__ == "__main__":
    root = Path(sys.argv[1])
    for each in sys.argv[2:] or sorted(path.stem for path in root.glob("*.npz")):
        print(json.dumps(probe(root, each)), flush=True)
