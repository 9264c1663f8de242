"""Which kernels a session ran, and where: read from onnxruntime's profile."""

import json
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import onnxruntime

# What computes shapes. onnxruntime keeps such arithmetic, on a few integers, on the CPU, where it has them.
ON_SHAPES = frozenset({"Cast", "Concat", "Gather", "Shape", "Slice", "Squeeze", "Unsqueeze"})


class Kernel(NamedTuple):
    provider: str
    op_type: str


def kernels(session: onnxruntime.InferenceSession) -> Counter[Kernel]:
    """How many times each kernel ran; ends the profile of a session made with `enable_profiling`."""
    path = Path(session.end_profiling())
    events = json.loads(path.read_text())
    path.unlink()
    return Counter(
        Kernel(event["args"]["provider"], event["args"]["op_name"])
        for event in events
        if event.get("cat") == "Node" and event["name"].endswith("_kernel_time")
    )
