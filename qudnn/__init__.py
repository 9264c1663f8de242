"""qudnn: int8 ONNX models on the GPU's int8 units, through onnxruntime.

`InferenceSession` does it all. Its parts: `convert` makes a model of qudnn's operators, `register`
with `library_path` gives them to a session of onnxruntime, and `plans` is what tuning has found.

Importing this needs neither onnxruntime nor a GPU: a name is looked up when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qudnn import converter, custom_ops
    from qudnn.converter import (
        Conversion,
        ConversionError,
        Report,
        convert,
        convert_file,
        inline,
        inline_file,
        is_converted,
    )
    from qudnn.custom_ops import (
        GraphCaptureError,
        InferenceSession,
        Obstacle,
        Opened,
        Registration,
        Status,
        library_path,
        plans,
        register,
        register_provider,
    )

    __version__: str

__all__ = [
    "Conversion",
    "ConversionError",
    "GraphCaptureError",
    "InferenceSession",
    "Obstacle",
    "Opened",
    "Registration",
    "Report",
    "Status",
    "__version__",
    "convert",
    "convert_file",
    "converter",
    "custom_ops",
    "inline",
    "inline_file",
    "is_converted",
    "library_path",
    "plans",
    "register",
    "register_provider",
]

_PACKAGES = {"converter", "custom_ops"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "__version__":
        return import_module("qudnn.converter.version").qudnn_version()
    if name in _PACKAGES:
        return import_module(f"qudnn.{name}")
    if name == "plans":
        return import_module("qudnn.custom_ops.plans")
    converter = import_module("qudnn.converter")
    return getattr(converter if name in converter.__all__ else import_module("qudnn.custom_ops"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
