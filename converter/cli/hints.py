"""What to do next."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qudnn.converter import Report


def hint(report: "Report") -> str:
    """What to do about a model in which nothing is quantized; empty where something is."""
    if report.already or report.quantized_nodes or report.remarks:
        return ""
    return (
        "this is a float model: quantize it first, for instance with `qudnn quantize MODEL --data SAMPLES "
        "-o OUT`; docs/quantizing.md says how, docs/quantizers.md what to choose in other tools"
    )
