"""How a session opens its model: converted, or as it is and why."""

import mmap
import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from qudnn.converter.domain import DOMAIN, has_ops
from qudnn.converter.errors import ConversionError
from qudnn.converter.io.proto import load_proto, parse_proto

if TYPE_CHECKING:
    import onnx

    from qudnn.converter import Report

Model = str | bytes | os.PathLike[str]

_ORT_FORMAT = slice(4, 8), b"ORTM"  # onnxruntime's own: the identifier of its flatbuffers


class Status(StrEnum):
    """What became of the model that a session was given."""

    CONVERTED = "converted"
    ALREADY_CONVERTED = "converted already"
    NOTHING_TO_CONVERT = "nothing to convert"
    NOT_CONVERTED = "not converted"


@dataclass(frozen=True)
class Opened:
    """status: for programs. reason: why it is NOT_CONVERTED, "" otherwise.

    report: the converter's, where it has looked at the model: CONVERTED and NOTHING_TO_CONVERT.
    """

    status: Status
    reason: str = ""
    report: "Report | None" = None

    @property
    def converted(self) -> dict[str, int]:
        """How many of each op the conversion has made; none where the model is opened as it is."""
        if self.status is not Status.CONVERTED or self.report is None:
            return {}
        return self.report.converted

    def __str__(self) -> str:
        if self.report is not None:
            return str(self.report)
        return f"{self.status}: {self.reason}" if self.reason else str(self.status)


def converted(model: Model, folder: str | None) -> tuple[Opened, "onnx.ModelProto | None"]:
    """What becomes of the model, and the converted one, None where it is to be opened as it is.

    folder: where the weights of a model in bytes lie, if in other files; None for the current folder. Raises
    nothing: what is wrong with the model is the reason, and onnxruntime says best what it is.
    """
    try:
        if _is_ort_format(model):
            raise ConversionError(
                "it is in onnxruntime's own format: give the ONNX model that it was made of"
            )
        proto = parse_proto(model) if isinstance(model, bytes) else load_proto(model)
        if has_ops(proto):
            return Opened(Status.ALREADY_CONVERTED), None
        from qudnn.converter import convert  # takes a second, which a converted model need not wait for
        from qudnn.converter.io import weights

        folders = [Path(folder or ".")] if isinstance(model, bytes) else weights.folders_of(model)
        weights.load(proto, folders)
        conversion = convert(proto)
    except ConversionError as error:
        return Opened(Status.NOT_CONVERTED, str(error)), None
    except Exception as error:  # of another type than a model's, not a path, ...
        return Opened(Status.NOT_CONVERTED, f"{type(error).__name__}: {error}"), None
    if not conversion.report.converted:
        return Opened(Status.NOTHING_TO_CONVERT, report=conversion.report), None
    return Opened(Status.CONVERTED, report=conversion.report), conversion.model


def is_converted(model: Model) -> bool:
    """Whether the model can be read and has qudnn's ops."""
    try:
        if not _names_domain(model):
            return False
        return has_ops(parse_proto(model) if isinstance(model, bytes) else load_proto(model))
    except Exception:  # it will not open, and onnxruntime says why
        return False


def _names_domain(model: Model) -> bool:
    """Whether the domain's name is in the model at all: without it a large one need not be parsed."""
    name = DOMAIN.encode()
    if isinstance(model, bytes):
        return name in model
    with Path(model).open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(name) >= 0


def _is_ort_format(model: Model) -> bool:
    place, identifier = _ORT_FORMAT
    if isinstance(model, bytes):
        return model[place] == identifier
    with Path(model).open("rb") as file:
        return file.read(place.stop)[place] == identifier
