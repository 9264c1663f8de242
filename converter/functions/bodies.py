"""The function bodies, from the file that a wheel has, or else of their sources."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from onnx import FunctionProto, ModelProto

FILE = "bodies.onnx"  # beside this module; CMake writes it for a wheel


@cache
def bodies() -> Mapping[str, FunctionProto]:
    """Each op's body by its name."""
    path = Path(__file__).with_name(FILE)
    if path.is_file():
        return read(path)
    from qudnn.converter.functions import sources  # takes a second, and needs onnxscript

    return sources.make()


def read(path: Path) -> Mapping[str, FunctionProto]:
    """The bodies in a file that sources.write() has written."""
    return {function.name: function for function in ModelProto.FromString(path.read_bytes()).functions}


class Bodies(Mapping[str, FunctionProto]):
    """The bodies, looked for when one is first asked for."""

    def __getitem__(self, name: str) -> FunctionProto:
        return bodies()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(bodies())

    def __len__(self) -> int:
        return len(bodies())
