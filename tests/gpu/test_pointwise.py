"""The engine of 1x1 convolutions: all its plans give the right bits, whichever is the fastest."""

import pytest
from tuner_report import tuned

from cases import op
from qudnn.custom_ops import plans

pytestmark = pytest.mark.gpu

CASES = [
    *(case for case in op.CONVS if case.label.startswith("pointwise")),
    op.conv("tiles", c=64, k=64, kernel=(1, 1), size=(300, 300), y_zero_point=-128),
    op.conv("tiles", c=256, k=32, kernel=(1, 1), size=(300, 300), y_zero_point=7, y_min=7),
    op.matmul("columns", c=144, k=400, rows=(77,)),
    op.matmul("long", c=1024, k=256, rows=(50,)),
    op.conv("large", sums="large", c=192, k=64, kernel=(1, 1), size=(300, 300)),
    op.matmul("wrapping", c=96, k=48, rows=(1000,), sums="wrapping"),
    op.matmul("ties", c=32, k=256, rows=(500,), sums="ties"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_no_plan_is_refused(case: op.OpCase, capfd: pytest.CaptureFixture[str]) -> None:
    told = tuned(case, capfd)
    assert "; native_pointwise" not in told
    (plan,) = plans.list()
    assert plan["source"] == "tuned"
