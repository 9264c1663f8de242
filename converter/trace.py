"""What each pass made of a model: the graph after each pass that changed it, and the times of all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import onnx
import onnx_ir as ir

from qudnn.converter.errors import ConversionError

_LARGE = 4096  # bytes of a constant; larger ones are left out, so that a trace stays small


class Trace:
    """An observer of the pipeline that writes into a folder.

    `00-read.onnx`, then `07-prepare-DropIdentities.onnx` and so on: the model after the seventh pass. Large
    constants keep their shape and type, but not their values. `times.txt` has a line for each pass.

    Raises ConversionError where the folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._number = 0
        self._last = b""
        self._lines: list[str] = []

    def before(self, model: ir.Model) -> None:
        """Write the model as it was read."""
        self._write("00-read", model)

    def after(self, phase: str, step: str, model: ir.Model, seconds: float) -> None:
        """Write the model if the pass changed it, and how long the pass took."""
        self._number += 1
        changed = self._write(f"{self._number:02}-{phase}-{step}", model)
        self._lines.append(f"{seconds:9.4f} s  {phase:12} {step}{'' if changed else '  (no change)'}\n")
        with _writing(self._folder):
            (self._folder / "times.txt").write_text("".join(self._lines))

    def _write(self, name: str, model: ir.Model) -> bool:
        """Whether the model is another one than that written last."""
        text = _without_large_constants(ir.to_proto(model)).SerializeToString(deterministic=True)
        if text == self._last:
            return False
        self._last = text
        with _writing(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / f"{name}.onnx").write_bytes(text)
        return True


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConversionError(f"cannot write the trace into {folder}: {error.strerror}") from error


def _without_large_constants(model: onnx.ModelProto) -> onnx.ModelProto:
    for tensor in model.graph.initializer:
        if len(tensor.raw_data) > _LARGE:
            tensor.ClearField("raw_data")
    return model
