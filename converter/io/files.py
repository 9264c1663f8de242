"""Reading models from files and writing them whole or not at all."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import onnx
import onnx_ir as ir
from google.protobuf.message import EncodeError

from qudnn.converter.errors import ConversionError
from qudnn.converter.failures import text_of
from qudnn.converter.graph.opset_imports import settle_imports
from qudnn.converter.io import output
from qudnn.converter.io.sparse import with_dense_initializers
from qudnn.converter.io.tensor_names import give_tensors_names
from qudnn.converter.io.validity import check

LARGEST_IN_ONE_FILE = 2_000_000_000  # bytes of weights; a protobuf message ends at 2 GB

_DATA = ".data"
_LONGEST_NAME = 245  # bytes; file systems take 255, and onnx_ir writes to a name of ten more first

StrPath = str | os.PathLike[str]


def to_ir(proto: onnx.ModelProto) -> ir.Model:
    """proto as an onnx_ir model, which shares its tensors but changes nothing of it. All are dense.

    Weights that weights.locate found in other files are read on demand. Raises ConversionError where the
    model is not valid.
    """
    if proto.training_info:
        raise ConversionError("the model has training information, which qudnn cannot carry over")
    proto = with_dense_initializers(proto)
    check(proto)
    try:
        model = ir.from_proto(proto)
        settle_imports(model, proto)
        _keep_types(model, proto)
    except Exception as error:  # whatever else onnx_ir finds wrong with it
        raise ConversionError(f"onnx_ir cannot read the model: {text_of(error)}") from error
    give_tensors_names(model)
    return model


def _keep_types(model: ir.Model, proto: onnx.ModelProto) -> None:
    """What is listed several times, as an input and outputs, has the type that comes first."""
    listed: dict[str, list[onnx.ValueInfoProto]] = {}
    for info in (*proto.graph.input, *proto.graph.output):
        listed.setdefault(info.name, []).append(info)
    for value in (*model.graph.inputs, *model.graph.outputs):
        infos = listed[value.name or ""]
        first = next((info for info in infos if info.HasField("type")), None)
        if len(infos) > 1 and first is not None:
            ir.serde.deserialize_value_info_proto(first, value)


def check_target(source: StrPath, target: StrPath) -> None:
    """Refuse a target that cannot be written, or that is the source."""
    if problem := output.problem(target):
        raise ConversionError(f"cannot write {output.name(target, 'output')}: {problem}")
    if output.is_file(source) and output.is_file(target) and output.real(source) == output.real(target):
        raise ConversionError(f"{target} is the model to convert: write to another file")


def save(model: ir.Model, target: StrPath, source_weights: set[Path]) -> None:
    """Write the model; its weights go to a file beside it if the source had such, or they are too large.

    That file is called `target`.data, after what target leads to where it is a link. What takes a single
    stream, as a pipe does, gets the weights, too.

    source_weights: the source's files of weights, none of which may be overwritten.
    """
    weights = [value.const_value for graph in model.graphs() for value in graph.initializers.values()]
    too_large = sum(w.nbytes for w in weights if w is not None) > LARGEST_IN_ONE_FILE
    with _failures(target):
        if not output.is_file(target):
            name = output.name(target, "output")
            if too_large:
                raise ConversionError(
                    f"cannot write {name}: the weights are too large for a single stream, write to a file"
                )
            ir.external_data.load_to_model(model)
            output.write(target, ir.to_proto(model).SerializeToString())
            return
        path = output.real(target)
        data = _data_of(path) if source_weights or too_large else None
        if data is not None:
            _check_data(data, source_weights)
        with output.aside(path, [data.name, path.name] if data else [path.name]) as folder:
            ir.save(model, folder / path.name, external_data=data.name if data else None)


def copy(source: StrPath, target: StrPath, content: bytes | None) -> None:
    """Copy a file, or write the content of a source that can be read once only."""
    with _failures(target):
        if content is not None or not output.is_file(target):
            output.write(target, Path(source).read_bytes() if content is None else content)
            return
        path = output.real(target)
        with output.aside(path, [path.name]) as folder:
            shutil.copyfile(source, folder / path.name)


def _data_of(path: Path) -> Path:
    """The file for the weights of a model at path, whose name is cut where with ".data" it is too long."""
    stem, most = os.fsencode(path.name), _LONGEST_NAME - len(_DATA)
    return path.with_name(stem[:most].decode(errors="ignore") + _DATA)


def _check_data(data: Path, source_weights: set[Path]) -> None:
    if data.is_symlink() or not output.is_file(data):
        raise ConversionError(f"cannot write {data}: it is a link, or no file; move it away")
    if data.exists() and any(data.samefile(path) for path in source_weights if path.exists()):
        raise ConversionError(f"cannot write {data}: it holds the weights of the model to convert")


@contextmanager
def _failures(target: StrPath) -> Iterator[None]:
    """What fails while target is written is a ConversionError."""
    name = output.name(target, "output")
    try:
        yield
    except OSError as error:
        raise ConversionError(f"cannot write {name}: {error.strerror or error}") from error
    except (ValueError, EncodeError) as error:
        raise ConversionError(f"cannot write {name}: {error}") from error
