"""Weights that lie in files beside the model's: where they are, whether they may be read, and reading them.

As onnxruntime does it (ValidateExternalDataPath in tensorprotoutils.cc, 1.31): a file may be a link, as all
are in the cache of the Hugging Face hub, as long as it leads into the model's folder: the one of its path, or
the one that the path leads to where it is a link itself.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from math import prod
from pathlib import Path
from stat import S_ISREG
from typing import NamedTuple

import onnx
import onnx_ir as ir
from onnx.external_data_helper import ExternalDataInfo

from qudnn.converter.errors import ConversionError
from qudnn.converter.io import output

StrPath = str | os.PathLike[str]


def folders_of(path: StrPath) -> list[Path]:
    """The folders in which weights of the model at path are looked for, one after the other.

    What is no file, such as standard input or a pipe, is taken to lie in the current folder.
    """
    if not output.is_file(path):
        return [Path.cwd()]
    return list(dict.fromkeys((Path(path).absolute().parent, Path(path).resolve().parent)))


def are_apart(proto: onnx.ModelProto) -> bool:
    """Whether any weights of the model lie in other files."""
    return any(True for _ in _external(proto))


def load(proto: onnx.ModelProto, folders: Sequence[Path]) -> None:
    """Read all weights in other files into proto. Raises ConversionError."""
    for tensor, _ in _external(proto):
        _load(tensor, _stretch(tensor, folders))


def locate(proto: onnx.ModelProto, folders: Sequence[Path]) -> set[Path]:
    """Let the initializers of proto that lie in other files say where these are, with their full paths.

    Tensors in attributes are read: only initializers can stay in files. Returns the files. Raises
    ConversionError.
    """
    files = set()
    for tensor, is_initializer in _external(proto):
        stretch = _stretch(tensor, folders)
        files.add(stretch.path)
        if not is_initializer:
            _load(tensor, stretch)
            continue
        del tensor.external_data[:]
        for key, value in zip(("location", "offset", "length"), stretch, strict=True):
            tensor.external_data.add(key=key, value=str(value))
    return files


class _Stretch(NamedTuple):
    """Bytes of a file."""

    path: Path
    offset: int
    length: int


def _load(tensor: onnx.TensorProto, stretch: _Stretch) -> None:
    try:
        with stretch.path.open("rb") as file:
            file.seek(stretch.offset)
            data = file.read(stretch.length)
    except OSError as error:
        raise _unreadable(stretch.path, error.strerror or str(error)) from error
    if len(data) < stretch.length:
        raise _unreadable(stretch.path, "it became shorter while it was read")
    del tensor.external_data[:]
    tensor.ClearField("data_location")
    tensor.raw_data = data


def _stretch(tensor: onnx.TensorProto, folders: Sequence[Path]) -> _Stretch:
    """Where the tensor lies; checked, so that it can be read."""
    try:
        info = ExternalDataInfo(tensor)
        bits = ir.DataType(tensor.data_type).bitwidth
        if any(size < 0 for size in tensor.dims):
            raise ValueError(f"its shape is {list(tensor.dims)}")
    except (TypeError, ValueError) as error:
        raise ConversionError(f"the model is not valid: tensor {tensor.name!r}: {error}") from error
    length = -(-prod(tensor.dims) * bits // 8)
    if info.length not in (None, length):
        raise ConversionError(
            f"the model is not valid: tensor {tensor.name!r} has {length} bytes, "
            f"and {info.length} bytes of {info.location!r} are said to hold it"
        )
    path = _find(info.location, tensor.name, folders)
    stretch = _Stretch(path, info.offset or 0, length)
    try:
        status = path.stat()
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error
    if not S_ISREG(status.st_mode):
        raise _unreadable(path, "it is not a regular file")
    if status.st_size < stretch.offset + length:
        raise ConversionError(
            f"{path} is too short: {status.st_size} bytes, the model needs {stretch.offset + length}"
        )
    return stretch


def _find(location: str, name: str, folders: Sequence[Path]) -> Path:
    """The file itself, which lies in one of the folders wherever links lead."""
    if not location or "\0" in location or Path(location).is_absolute():
        raise ConversionError(
            f"the model is not valid: the weights of tensor {name!r} lie in {location!r}, "
            "which is no path relative to the model's folder"
        )
    try:
        allowed = [folder.resolve() for folder in folders]
        found = [path for path in (folder / location for folder in folders) if path.exists()]
        path = (found or [folders[0] / location])[0].resolve()
    except (OSError, RuntimeError) as error:  # a name that is too long, links in a circle
        raise _unreadable(folders[0] / location, getattr(error, "strerror", None) or str(error)) from error
    if not any(path.is_relative_to(folder) for folder in allowed):
        raise ConversionError(
            f"the weights of tensor {name!r} lie in {location!r}, that is in {path}, which is outside of the "
            "model's folder: put them beside the model"
        )
    return path


def _unreadable(path: Path, why: str) -> ConversionError:
    return ConversionError(f"cannot read the weights in {path}: {why}")


def _external(proto: onnx.ModelProto) -> Iterator[tuple[onnx.TensorProto, bool]]:
    """The tensors of the model that lie in other files, and whether each is an initializer."""
    for tensor, is_initializer in _tensors(proto):
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            yield tensor, is_initializer


def _tensors(proto: onnx.ModelProto) -> Iterator[tuple[onnx.TensorProto, bool]]:
    waiting: list[onnx.GraphProto | onnx.FunctionProto] = [proto.graph, *proto.functions]
    while waiting:
        body = waiting.pop()
        attributes = [attribute for node in body.node for attribute in node.attribute]
        if isinstance(body, onnx.GraphProto):
            yield from ((tensor, True) for tensor in body.initializer)
            yield from _parts(body.sparse_initializer)
        else:
            attributes += body.attribute_proto  # defaults
        for attribute in attributes:
            if attribute.HasField("t"):
                yield attribute.t, False
            yield from ((tensor, False) for tensor in attribute.tensors)
            if attribute.HasField("sparse_tensor"):
                yield from _parts([attribute.sparse_tensor])
            yield from _parts(attribute.sparse_tensors)
            waiting += [attribute.g] if attribute.HasField("g") else []
            waiting += attribute.graphs


def _parts(sparse: Iterable[onnx.SparseTensorProto]) -> Iterator[tuple[onnx.TensorProto, bool]]:
    """The tensors that sparse ones consist of."""
    for tensor in sparse:
        yield tensor.values, False
        yield tensor.indices, False
