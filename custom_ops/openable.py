"""A model in memory, as onnxruntime takes it."""

from pathlib import Path

import onnx
from google.protobuf.message import EncodeError

from qudnn.converter.io import scratch

_IN_MEMORY = 2**31 - 2**24  # bytes of weights; a serialized model ends at 2 GB


def openable(model: onnx.ModelProto, owner: object) -> str | bytes:
    """The model as bytes or, where that is too large, the path of a file that lives as long as its owner."""
    if sum(len(tensor.raw_data) for tensor in model.graph.initializer) < _IN_MEMORY:
        try:
            serialized: bytes = model.SerializeToString()
            return serialized
        except (ValueError, EncodeError):  # too large after all, by what lies outside of raw_data
            pass
    path = str(Path(scratch.folder_of(owner), "model.onnx"))
    onnx.save_model(model, path, save_as_external_data=True, location="model.weights")
    return path
