"""Reading models, without the weights that lie in other files."""

import os

import onnx
from google.protobuf.message import DecodeError

from converter.errors import ConversionError

StrPath = str | os.PathLike[str]


def load_proto(path: StrPath) -> onnx.ModelProto:
    """The model in a file. Raises ConversionError where it cannot be read or is none."""
    name = os.fspath(path)
    try:
        proto = onnx.load_model(path, load_external_data=False)
    except OSError as error:
        raise ConversionError(f"cannot read {name}: {error.strerror or error}") from error
    except MemoryError as error:
        raise ConversionError(f"cannot read {name}: it does not fit into memory") from error
    except Exception as error:  # each of onnx's formats has its own
        raise ConversionError(f"{name} is not an ONNX model, or only a part of one") from error
    return _checked(proto, name)


def parse_proto(serialized: bytes) -> onnx.ModelProto:
    """The model in bytes. Raises ConversionError where they are none."""
    try:
        proto = onnx.ModelProto.FromString(serialized)
    except DecodeError as error:
        raise ConversionError("these bytes are not an ONNX model, or only a part of one") from error
    return _checked(proto, "what these bytes hold")


def _checked(proto: onnx.ModelProto, what: str) -> onnx.ModelProto:
    if not proto.ir_version or not proto.opset_import or not proto.HasField("graph"):
        raise ConversionError(f"{what} is not an ONNX model: it has no graph or no opset")
    return proto
