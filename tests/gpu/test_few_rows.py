"""The engine of matmuls of a few rows: right bits with all that they do besides, whichever plan is chosen."""

import pytest
from tuner_report import tuned

from cases import epilogue_table_op, matmul_add_op, op
from qudnn.custom_ops import plans

pytestmark = pytest.mark.gpu

CASES = [
    op.matmul("classifier", c=1280, k=1008, rows=(1,)),
    op.matmul("classifier", c=2048, k=1008, rows=(8,)),
    op.matmul("beyond what is held", c=4144, k=48, rows=(3,)),
    op.matmul("short", c=16, k=5, rows=(7,)),
    op.matmul("wrapping", c=96, k=48, rows=(2,), sums="wrapping"),
    op.matmul("ties", c=32, k=256, rows=(5,), sums="ties"),
    epilogue_table_op.matmul_table("few", c=64, k=80, rows=(4,)),
    matmul_add_op.matmul_add("few", c=64, k=80, rows=(4,)),
    matmul_add_op.matmul_add_table("few", c=64, k=80, rows=(1,)),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_no_plan_is_refused(case: op.OpCase, capfd: pytest.CaptureFixture[str]) -> None:
    told = tuned(case, capfd)
    assert "; native_few_rows" not in told
    (plan,) = plans.list()
    assert plan["source"] == "tuned"


def test_the_classifier_of_one_image_reads_its_weights_once(capfd: pytest.CaptureFixture[str]) -> None:
    """Other kernels have tiles of 64 rows and more, and most multiprocessors have nothing to do then."""
    tuned(CASES[0], capfd)
    (plan,) = plans.list()
    assert plan["engine"] == "native_few_rows"
