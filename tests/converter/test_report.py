"""The report as text."""

from qudnn.converter.reports.report import Crossing, Left, Report


def test_counts_and_reasons() -> None:
    """Quantized nodes that stay stand before the others."""
    left = [Left(f"softmax{i}", "Softmax", "it works in floating point") for i in range(4)]
    conv = Left("c", "QLinearConv", "its bias is missing", quantized=True)
    report = Report(
        {"QConv": 12, "QAdd": 1},
        1,
        1,
        2,
        (*left, conv),
        quantized_nodes=15,
        converted_nodes=14,
        remarks=("a remark",),
    )
    assert lines(report) == [
        "14 of 15 quantized nodes converted",
        "a remark",
        "13 ops in 1 island with 1 entry and 2 exits:",
        "     12  QConv",
        "      1  QAdd",
        "quantized nodes that were left as they were:",
        "      1  QLinearConv: its bias is missing (c)",
        "other nodes that were left as they were:",
        "      4  Softmax: it works in floating point (softmax0, softmax1, softmax2, ...)",
    ]


def lines(report: Report) -> list[str]:
    """Those of its text, the first without qudnn's version."""
    first, *others = str(report).splitlines()
    assert first.startswith("qudnn ")
    return [first.partition(": ")[2], *others]


def test_nothing() -> None:
    assert lines(Report()) == [
        "0 of 0 quantized nodes converted",
        "nothing was converted: the model has no quantized nodes",
    ]
    stays = (Left("a", "QGemm", "because", quantized=True),)
    assert lines(Report(left=stays, quantized_nodes=1)) == [
        "0 of 1 quantized nodes converted",
        "nothing was converted",
        "quantized nodes that were left as they were:",
        "      1  QGemm: because (a)",
    ]


def test_converted_already() -> None:
    assert lines(Report({"QConv": 1}, 1, 2, 1, already=True)) == [
        "the model was converted already",
        "1 op in 1 island with 2 entries and 1 exit:",
        "      1  QConv",
    ]
    assert lines(Report(already=True)) == ["the model was converted already"]


def test_crossings() -> None:
    crossings = (
        Crossing("x", "entry", "an input of the graph"),
        Crossing("a", "exit", "consumed by Softmax, which is not converted: it works in floating point"),
        Crossing("b", "exit", "consumed by Softmax, which is not converted: it works in floating point"),
    )
    assert lines(Report({"QConv": 1}, 1, 1, 2, crossings=crossings))[2:] == [
        "      1  QConv",
        "tensors that enter or leave an island:",
        "      2  exit: consumed by Softmax, which is not converted: it works in floating point (a, b)",
        "      1  entry: an input of the graph (x)",
    ]
