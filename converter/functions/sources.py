"""The function bodies, made of their sources in this folder, which onnxscript reads.

A wheel has them made already: see bodies.py. Only a build, and a tree, need onnxscript.
"""

import pkgutil
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

from onnx import FunctionProto, ModelProto
from onnxscript import OnnxFunction

from qudnn.converter.domain import DOMAIN
from qudnn.converter.functions.portable import with_portable_constants


def make() -> Mapping[str, FunctionProto]:
    """Each op's body by its name, in order."""
    found = {}
    for module in pkgutil.iter_modules([str(Path(__file__).parent)], f"{__package__}."):
        for value in vars(import_module(module.name)).values():
            if isinstance(value, OnnxFunction) and value.opset.domain == DOMAIN:
                found[value.name] = value
    return {name: with_portable_constants(found[name].to_function_proto()) for name in sorted(found)}


def write(path: Path) -> None:
    """All bodies as the functions of a model."""
    path.write_bytes(ModelProto(functions=make().values()).SerializeToString(deterministic=True))
