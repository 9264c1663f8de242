"""Convolutions whose results lie within padding: every engine's are right, and plans are read back."""

from pathlib import Path

import pytest
from tuner_report import stored_and_read_back, tuned

from cases import op

pytestmark = pytest.mark.gpu

AROUND = [0, 1, 1, 0, 0, 1, 1, 0]
CASES = [
    op.conv("layer", c=64, k=64, size=(30, 28), pads=[1, 1, 1, 1], x_zero_point=-128, y_pads=AROUND),
    op.conv("layer", c=64, k=64, kernel=(1, 1), size=(56, 56), y_zero_point=-128, y_pads=AROUND),
    op.conv("layer", c=2048, k=64, kernel=(1, 1), size=(7, 7), y_zero_point=-128, y_pads=AROUND),
    op.conv("layer", c=256, k=512, kernel=(1, 1), size=(28, 28), strides=[2, 2], y_pads=AROUND),
    op.conv("layer", c=4, k=64, kernel=(7, 7), size=(112, 112), strides=[2, 2], y_pads=AROUND),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_no_plan_is_wrong(case: op.OpCase, capfd: pytest.CaptureFixture[str]) -> None:
    told = tuned(case, capfd)
    assert "wrong result" not in told
    for engine in ("padded_result", "native_pointwise", "native_window", "native_stem"):
        assert f"; {engine}: " not in told


def test_plan_of_another_engine_is_read_back(tmp_path: Path) -> None:
    """cuDNN's plan of the dense result, and the padding after it; of channels that no other engine takes."""
    case = op.conv("layer", c=64, k=80, size=(30, 28), pads=[1, 1, 1, 1], x_zero_point=-128, y_pads=AROUND)
    plan = stored_and_read_back(case, tmp_path)
    assert plan["engine"] == "padded_result"
    assert plan["plan"].startswith("padded_result of cudnn_conv ")
