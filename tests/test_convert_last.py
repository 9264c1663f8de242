"""docs/convert-last.md: what tools make of converted models is so, for those installed as it says."""

import re
from importlib import metadata

import pytest

pytest.importorskip("onnxruntime.quantization", reason="this onnxruntime comes without its quantizer")

from qudnn import converter
from versions import tools

ROWS = {
    name: (version, cells.split(" | "))
    for name, version, cells in re.findall(
        r"^\| ([^|]+) \| ([\d.]*) ?\| (.*) \|$", tools.PAGE.read_text(), re.M
    )
}


def test_all_tools_are_there() -> None:
    assert [tool.name for tool in tools.TOOLS] == list(ROWS)


def test_cells_are_so() -> None:
    found = list(tools.models())
    compared = 0
    for tool in tools.TOOLS:
        version, cells = ROWS[tool.name]
        try:
            if tool.package != "qudnn" and metadata.version(tool.package) != version:
                continue
        except metadata.PackageNotFoundError:
            continue
        for (_, model, inputs), cell in zip(found, cells, strict=True):
            got = tools.judged(tool, converter.convert(model).model, inputs)
            assert got.partition(":")[0] == cell.partition(":")[0], tool.name  # messages are onnxruntime's
            compared += 1
    assert compared >= 2
