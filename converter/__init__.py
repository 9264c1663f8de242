"""The converter: quantized ONNX models to models of qudnn's ops, on which the GPU's int8 units can work."""

from typing import TYPE_CHECKING, Any

if __name__ == "converter":  # its old name
    from qudnn.old_names import stand_in

    stand_in(__name__)

if TYPE_CHECKING:
    from qudnn.converter.api import (
        Conversion,
        ConversionError,
        Report,
        convert,
        convert_file,
        inline,
        inline_file,
        is_converted,
    )

__all__ = [
    "Conversion",
    "ConversionError",
    "Report",
    "convert",
    "convert_file",
    "inline",
    "inline_file",
    "is_converted",
]


def __getattr__(name: str) -> Any:
    """The passes take a second to import, for which a session over a converted model need not wait."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from qudnn.converter import api

    return getattr(api, name)
