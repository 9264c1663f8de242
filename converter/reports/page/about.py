"""What a page says of a model as it is, before any conversion."""

from qudnn.converter.reports.page.document import Section, table
from qudnn.converter.reports.page.text import counted, escaped, listed
from qudnn.converter.reports.summary import Summary

_VALUES = 8  # inputs or outputs that are shown before a click
_OPERATORS = 24


def about(summary: Summary) -> Section:
    operators = [f"{count:,} {name}" for name, count in summary.operators.items()]
    rows = [
        ("quantization", escaped(summary.quantization())),
        ("inputs", listed(list(summary.inputs), _VALUES) or "none"),
        ("outputs", listed(list(summary.outputs), _VALUES)),
        (counted(sum(summary.operators.values()), "node"), listed(operators, _OPERATORS)),
        ("format", f"opset {summary.opset}, IR version {summary.ir_version}"),
    ]
    if summary.producer:
        rows.append(("produced by", escaped(summary.producer)))
    return Section("The model", table(("", ""), rows, ("op", "")))
