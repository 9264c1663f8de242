"""The converter: quantized ONNX models to models of qudnn's ops, on which the GPU's int8 units can work."""

from converter.api import Conversion, ConversionError, Report, convert, convert_file, is_converted

__all__ = ["Conversion", "ConversionError", "Report", "convert", "convert_file", "is_converted"]
