"""What to do next."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qudnn.converter import Report


def hint(report: "Report") -> str:
    """What to do about a model in which nothing is quantized; empty where something is."""
    if report.already or report.quantized_nodes or report.remarks:
        return ""
    return (
        "this is a float model: quantize it first, for instance with "
        "onnxruntime.quantization.quantize_static, in QDQ form with int8 weights per channel; "
        "docs/quantizers.md says what to choose"
    )
