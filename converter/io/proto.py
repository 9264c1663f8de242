"""Reading models, without the weights that lie in other files."""

import os
import sys
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError

from qudnn.converter.errors import ConversionError
from qudnn.converter.io import output

StrPath = str | os.PathLike[str]

_LARGEST = 2**31 - 1  # bytes of a protobuf message


def read_once(path: StrPath) -> bytes | None:
    """The bytes of what can be read once only: a pipe, a device or, for "-", standard input; None for a file.

    Raises ConversionError where they cannot be read.
    """
    if output.is_file(path) or Path(path).is_dir():
        return None
    name = output.name(path, "input")
    try:
        if os.fspath(path) == output.STANDARD:
            content = sys.stdin.buffer.read(_LARGEST + 1)
        else:
            with Path(path).open("rb") as stream:
                content = stream.read(_LARGEST + 1)
    except (OSError, MemoryError) as error:
        reason = getattr(error, "strerror", None) or "it does not fit into memory"
        raise ConversionError(f"cannot read {name}: {reason}") from error
    if len(content) > _LARGEST:
        raise ConversionError(f"{name} is not an ONNX model: it has more than 2 GB")
    return content


def load_proto(path: StrPath, content: bytes | None = None) -> onnx.ModelProto:
    """The model in a file. Raises ConversionError where it cannot be read or is none.

    content: what read_once has given for the path already.
    """
    name = output.name(path, "input")
    if content is None:
        content = read_once(path)
    if content is not None:
        return parse_proto(content, name)
    try:
        proto = onnx.load_model(path, load_external_data=False)
    except OSError as error:
        raise ConversionError(f"cannot read {name}: {error.strerror or error}") from error
    except MemoryError as error:
        raise ConversionError(f"cannot read {name}: it does not fit into memory") from error
    except Exception as error:  # each of onnx's formats has its own
        raise ConversionError(f"{name} is not an ONNX model, or only a part of one") from error
    return _checked(proto, name)


def parse_proto(serialized: bytes, name: str = "") -> onnx.ModelProto:
    """The model in bytes, which are called so in messages. Raises ConversionError where they are none."""
    try:
        proto = onnx.ModelProto.FromString(serialized)
    except DecodeError as error:
        raise ConversionError(
            f"{name or 'this sequence of bytes'} is not an ONNX model, or only a part of one"
        ) from error
    return _checked(proto, name or "what these bytes hold")


def _checked(proto: onnx.ModelProto, what: str) -> onnx.ModelProto:
    if not proto.ir_version or not proto.opset_import or not proto.HasField("graph"):
        raise ConversionError(f"{what} is not an ONNX model: it has no graph or no opset")
    return proto
