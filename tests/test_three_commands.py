"""The three commands of tests/three_commands.py, with the wheel of `make wheel`."""

import json
import re
import subprocess
from pathlib import Path

import pytest

import three_commands

ROOT = Path(__file__).parents[1]


def test_they_give_a_measured_model(tmp_path: Path) -> None:
    wheel = three_commands.built_wheel()
    if wheel is None:
        pytest.skip("there is no wheel in dist/: `make wheel` makes one")
    try:
        seconds = three_commands.run_all(wheel, tmp_path)
    except subprocess.CalledProcessError as error:
        pip = [str(tmp_path / "environment" / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        if "pip install" in str(error.cmd):
            subprocess.run([*pip, "--no-deps", str(wheel)], check=True)  # the wheel itself is sound
            pytest.skip("pip cannot install the wheel's dependencies here")
        raise
    assert list(seconds) == ["install", "convert and compare", "measure"]
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["converted_nodes"] == result["quantized_nodes"] > 0
    assert {row["model"] for row in result["rows"]} == {"qudnn", "unconverted"}
    assert seconds["convert and compare"] < 30 and seconds["measure"] < 60


def test_the_quickstart_has_them() -> None:
    text = (ROOT / "docs" / "quickstart.md").read_text()
    for verb in re.findall(r"qudnn (\w+)", " ".join(three_commands.COMMANDS.values())):
        assert f"qudnn {verb} model.onnx" in text
    assert "dist/qudnn-*.whl[cpu]" in text
