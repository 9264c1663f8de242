"""Whether there is a GPU for the ops, told without starting CUDA."""

import pytest
import testing

NEW, OLD = (90, "GPU-1f0e-9a"), (70, "GPU-77aa-01")
CUDA_13, CUDA_12 = 13000, 12080
HIDDEN = "CUDA_VISIBLE_DEVICES hides all GPUs"


@pytest.mark.parametrize(
    ("gpus", "visible", "why"),
    [
        ([NEW], None, ""),
        ([OLD, NEW], None, ""),
        ([], None, "no GPU"),
        ([OLD], None, "no GPU of compute capability 7.5 or newer"),
        ([OLD], "0", "no GPU of compute capability 7.5 or newer"),
        ([NEW], "", HIDDEN),
        ([NEW], "0", ""),
        ([NEW, NEW], "1,0", ""),
        ([NEW], "1", HIDDEN),
        ([NEW], "-1", HIDDEN),
        ([NEW], "-1,0", HIDDEN),
        ([NEW], "0,7", ""),
        ([NEW], "GPU-1f0e", ""),
        ([NEW], "GPU-2", HIDDEN),
        ([NEW], "99999999999999999999", None),
        ([NEW], "MIG-77", None),
        ([NEW], " 0", None),
        ([NEW], "NoDevFiles", None),
        ([OLD, NEW], "0", None),  # which of the two that is, CUDA says
    ],
)
def test_what_a_machine_is_good_for(
    gpus: list[tuple[int, str]], visible: str | None, why: str | None
) -> None:
    assert testing.no_usable_device(gpus, CUDA_13, CUDA_13, visible) == why


def test_drivers() -> None:
    assert testing.no_usable_device([NEW], 13010, CUDA_13, None) == ""
    assert testing.no_usable_device([NEW], CUDA_13, 13020, None) == ""
    # CUDA knows whether there is a package that makes it new enough.
    assert testing.no_usable_device([NEW], CUDA_12, CUDA_13, None) is None
