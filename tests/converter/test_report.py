"""The report as text."""

from converter.report import Crossing, Left, Report


def test_counts_and_reasons() -> None:
    left = [Left(f"softmax{i}", "Softmax", "it works in floating point") for i in range(4)]
    report = Report(
        {"QConv": 12, "QAdd": 1}, 1, 1, 2, (Left("c", "QLinearConv", "its bias is missing"), *left)
    )
    first, *lines = str(report).splitlines()
    assert first.startswith("qudnn ")
    assert first.endswith(": 13 ops in 1 island with 1 entry and 2 exits")
    assert lines == [
        "     12  QConv",
        "      1  QAdd",
        "left as they were:",
        "      4  Softmax: it works in floating point (softmax0, softmax1, softmax2, ...)",
        "      1  QLinearConv: its bias is missing (c)",
    ]


def test_nothing() -> None:
    assert str(Report()).endswith(": nothing was converted")
    assert not str(Report(left=(Left("a", "Relu", "because"),))).endswith("they were:")


def test_converted_already() -> None:
    report = Report({"QConv": 1}, 1, 2, 1, already=True)
    assert (
        str(report)
        .splitlines()[0]
        .endswith(": converted already, 1 op in 1 island with 2 entries and 1 exit")
    )


def test_crossings() -> None:
    crossings = (
        Crossing("x", "entry", "an input of the graph"),
        Crossing("a", "exit", "read by Softmax, which stays: it works in floating point"),
        Crossing("b", "exit", "read by Softmax, which stays: it works in floating point"),
    )
    assert str(Report({"QConv": 1}, 1, 1, 2, crossings=crossings)).splitlines()[1:] == [
        "      1  QConv",
        "tensors that cross into an island or out of one:",
        "      2  exit: read by Softmax, which stays: it works in floating point (a, b)",
        "      1  entry: an input of the graph (x)",
    ]
