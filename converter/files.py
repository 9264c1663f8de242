"""Reading models from files and writing them whole or not at all."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import onnx
import onnx_ir as ir
from google.protobuf.message import EncodeError

from converter.errors import ConversionError
from converter.failures import text_of
from converter.opset_imports import settle_imports
from converter.tensor_names import give_tensors_names
from converter.validity import check

LARGEST_IN_ONE_FILE = 2_000_000_000  # bytes of weights; a protobuf message ends at 2 GB

StrPath = str | os.PathLike[str]


def to_ir(proto: onnx.ModelProto) -> ir.Model:
    """proto as an onnx_ir model, which shares its tensors but changes nothing of it.

    Weights that weights.locate found in other files are read on demand. Raises ConversionError where the
    model is not valid.
    """
    if any(graph.sparse_initializer for graph in _graphs(proto.graph)) or proto.training_info:
        raise ConversionError(
            "the model has sparse initializers or training information, which qudnn cannot carry over"
        )
    check(proto)
    try:
        model = ir.from_proto(proto)
        settle_imports(model, proto)
    except Exception as error:  # whatever else onnx_ir finds wrong with it
        raise ConversionError(f"the model is not valid: {text_of(error)}") from error
    give_tensors_names(model)
    return model


def check_target(source: StrPath, target: StrPath) -> None:
    """Refuse a target that cannot be written, or that is the source."""
    target = Path(target)
    if target.exists() and Path(source).exists() and target.samefile(source):
        raise ConversionError(f"{target} is the model to convert: write to another file")
    if target.is_dir():
        raise ConversionError(f"cannot write {target}: it is a folder")
    if not target.parent.is_dir():
        raise ConversionError(f"cannot write {target}: there is no folder {target.parent}")


def save(model: ir.Model, target: StrPath, source_weights: set[Path]) -> None:
    """Write the model; its weights go to `target`.data if the source had such files, or they are too large.

    source_weights: these files, none of which may be overwritten.
    """
    target = Path(target)
    data = target.with_name(f"{target.name}.data")
    if data.exists() and any(data.samefile(path) for path in source_weights if path.exists()):
        raise ConversionError(f"cannot write {data}: it holds the weights of the model to convert")
    weights = [value.const_value for graph in model.graphs() for value in graph.initializers.values()]
    split = bool(source_weights) or sum(w.nbytes for w in weights if w is not None) > LARGEST_IN_ONE_FILE
    with _aside(target, [data.name, target.name]) as folder:
        ir.save(model, folder / target.name, external_data=data.name if split else None)


def copy(source: StrPath, target: StrPath) -> None:
    """Copy a file."""
    target = Path(target)
    with _aside(target, [target.name]) as folder:
        shutil.copyfile(source, folder / target.name)


@contextmanager
def _aside(target: Path, names: list[str]) -> Iterator[Path]:
    """A folder in which to write files of these names, as far as there are any; then they move beside target.

    They move when all are complete, in this order.
    """
    try:
        folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
        try:
            yield folder
            written = [folder / name for name in names if (folder / name).exists()]
            for path in written:
                _flush(path)
            for path in written:
                path.replace(target.parent / path.name)
            _flush(target.parent)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        raise ConversionError(f"cannot write {target}: {error.strerror or error}") from error
    except (ValueError, EncodeError) as error:
        raise ConversionError(f"cannot write {target}: {error}") from error


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for inner in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])):
                yield from _graphs(inner)
