"""Running a model on the CPU as exactly as onnxruntime can, and on the GPU with qudnn's operators."""

import argparse
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from qudnn.converter.cli.random_inputs import check_types, random_inputs
from qudnn.converter.cli.shapes import Input, inputs_of, shape_sets
from qudnn.converter.cli.verb import UsageError

Array = NDArray[Any]
Arrays = Mapping[str, Array]


class Device(StrEnum):
    CPU = "CPU"
    GPU = "GPU"


class Side(NamedTuple):
    """A model that is run somewhere. name: for messages; what: the file, or what was made of it."""

    name: str
    model: onnx.ModelProto
    device: Device = Device.CPU

    @property
    def title(self) -> str:
        return f"{self.name} on the {self.device}"

    def of(self, model: onnx.ModelProto) -> "Side":
        """Another model, there."""
        return self._replace(model=model)

    def run(self, inputs: Arrays, wanted: Sequence[str] | None = None) -> dict[str, Array]:
        """The outputs by name, all of them or those that are wanted. Raises UsageError."""
        session = self._open()
        fed = {value.name for value in session.get_inputs()}
        names = [output.name for output in session.get_outputs()] if wanted is None else list(wanted)
        if not names:  # onnxruntime would give all
            return {}
        try:
            results = session.run(names, {name: value for name, value in inputs.items() if name in fed})
        except Exception as error:  # onnxruntime's have no type in common
            raise UsageError(f"{self.title} does not run on these inputs: {_first_line(error)}") from error
        return {name: np.asarray(value) for name, value in zip(names, results, strict=True)}

    def _open(self) -> onnxruntime.InferenceSession:
        from qudnn.custom_ops import register
        from qudnn.custom_ops.exact import session_options
        from qudnn.custom_ops.openable import openable

        options = session_options(self.model)
        providers = ["CPUExecutionProvider"]
        if self.device is Device.GPU:
            providers = ["CUDAExecutionProvider", *providers]
            register(options, providers)
        try:
            return onnxruntime.InferenceSession(openable(self.model, options), options, providers=providers)
        except Exception as error:
            raise UsageError(f"onnxruntime cannot open {self.title}: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def load_inputs(model: onnx.ModelProto, arguments: argparse.Namespace) -> list[dict[str, Array]]:
    """What to feed the model, once for each run: of --inputs, else random for each set of shapes.

    Raises UsageError.
    """
    expected = inputs_of(model)
    if arguments.inputs is not None:
        if arguments.shape:
            raise UsageError("--inputs has shapes of its own: leave --shape out")
        return [given_inputs(arguments.inputs, expected)]
    check_types(expected)
    rng = np.random.default_rng(arguments.seed)
    return [random_inputs(expected, shapes, rng) for shapes in shape_sets(expected, arguments.shape)]


def given_inputs(path: str, expected: Sequence[Input]) -> dict[str, Array]:
    """The arrays of an .npz file, one for each of the model's inputs. Raises UsageError."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (AttributeError, TypeError) as error:  # an .npy file holds one array, without a name
        raise UsageError(
            f"{path} holds no named arrays: write it with numpy.savez(file, NAME=array)"
        ) from error
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        reason = getattr(error, "strerror", None) or "it is no file that numpy.savez has written"
        raise UsageError(f"cannot read the inputs in {path}: {reason}") from error
    names = {value.name for value in expected}
    for what, wrong in (
        ("no array for the model's input", names - arrays.keys()),
        (
            "an array for an input that the model does not have",
            arrays.keys() - names,
        ),
    ):
        if wrong:
            listed = ", ".join(sorted(wrong))
            raise UsageError(f"{path} holds {what}: {listed}; the model's inputs: {', '.join(sorted(names))}")
    for value in expected:
        array = arrays[value.name]
        dtype = None if value.dtype is None else value.dtype.numpy()
        if dtype is not None and array.dtype != dtype:
            raise UsageError(f"{path}: {value.name} is {array.dtype}, the model's input is {dtype}")
        if value.dims is not None and not _fits(array.shape, value.dims):
            raise UsageError(
                f"{path}: {value.name} has the shape {list(array.shape)}, the model's input is {value}"
            )
    return arrays


def _fits(shape: Sequence[int], dims: Sequence[int | str | None]) -> bool:
    return len(shape) == len(dims) and all(
        not isinstance(dim, int) or dim == size for dim, size in zip(dims, shape, strict=True)
    )
