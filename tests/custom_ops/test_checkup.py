"""What is said of machines: one where all fits, and each way in which something does not."""

from dataclasses import replace
from typing import Any

import pytest

from qudnn.custom_ops import checkup
from qudnn.custom_ops.checkup import Check, State
from qudnn.custom_ops.facts import Facts, Folder
from qudnn.custom_ops.nvml import Gpu

H200, P100 = Gpu("NVIDIA H200", (9, 0), 140 << 30), Gpu("Tesla P100", (6, 0), 16 << 30)
CUDA = ("CUDAExecutionProvider", "CPUExecutionProvider")
ALL = "75-real;80-real;86-real;90-real;100;120-real"
PLAN = ("NVIDIA H200 sm_90", "9.19.0", "0.1.0")
WELL = Facts(
    onnxruntime="1.31.1",
    providers=CUDA,
    folder=Folder("/plans", plans=(PLAN, PLAN)),
    has_device=True,
    has_driver=True,
    driver="580.65.06",
    driver_cuda=(13, 0),
    gpus=(H200,),
    distributions={"onnxruntime-gpu": "1.31.1", "nvidia-cudnn-cu13": "9.19.0.56"},
    onnxruntime_cuda="13.0",
    runtime="13.0",
    cudnn="9.19.0",
    library={"qudnn": "0.1.0", "cuda": "13.0.88", "cudnn": "9.19.0", "architectures": ALL},
    library_path="/libqudnn.so",
)
NO_GPU: dict[str, Any] = {
    "has_device": False,
    "has_driver": False,
    "driver": "",
    "driver_cuda": None,
    "gpus": (),
    "no_device": "no driver",
}


def by_name(facts: Facts) -> dict[str, Check]:
    return {check.name: check for check in checkup.checks(facts)}


def test_where_all_fits() -> None:
    checks = checkup.checks(WELL)
    assert [(check.state, check.remedy) for check in checks] == [(State.FITS, "")] * 7
    assert [check.found for check in checks] == [
        "NVIDIA H200, compute capability 9.0, 140 GiB",
        "580.65.06, for CUDA 13.0",
        "1.31.1 for CUDA 13.0, with CUDAExecutionProvider",
        "runtime 13.0",
        "9.19.0",
        "0.1.0 for 75-real, 80-real, 86-real, 90-real, 100, 120-real, built against CUDA 13.0.88, "
        "cuDNN 9.19.0",
        "/plans: 2 plans",
    ]


WRONG: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "no GPU": ("GPU", NO_GPU, "none: converted models run through their function bodies", "NVIDIA GPU"),
    "no driver": ("driver", NO_GPU, "no NVIDIA driver", "install one for CUDA 13 or newer"),
    "a GPU without driver": (
        "GPU",
        {**NO_GPU, "has_device": True},
        "nothing can use without a driver",
        "see",
    ),
    "old GPU": ("GPU", {"gpus": (P100,), "no_device": "old"}, "Tesla P100", "needs compute capability 7.5"),
    "hidden GPU": (
        "GPU",
        {"no_device": "CUDA_VISIBLE_DEVICES hides all GPUs"},
        "hides all GPUs",
        "unset CUDA_VISIBLE_DEVICES",
    ),
    "old driver": (
        "driver",
        {"driver": "550.54", "driver_cuda": (12, 4), "no_device": "insufficient"},
        "550.54, for CUDA 12.4; qudnn needs one for CUDA 13",
        "install a newer driver",
    ),
    "driver without answer": (
        "driver",
        {"driver_cuda": None, "no_device": "?"},
        "does not answer",
        "restart",
    ),
    "onnxruntime for CPUs": (
        "onnxruntime",
        {"providers": CUDA[1:], "onnxruntime_cuda": "", "distributions": {"onnxruntime": "1.31.1"}},
        "1.31.1 has no CUDAExecutionProvider",
        "uninstall onnxruntime, then `pip install onnxruntime-gpu[cuda,cudnn]`",
    ),
    "both, and the one for CPUs won": (
        "onnxruntime",
        {"providers": CUDA[1:], "distributions": {"onnxruntime": "1.30.0", "onnxruntime-gpu": "1.31.1"}},
        "onnxruntime 1.30.0 and onnxruntime-gpu 1.31.1 are installed, in the same folder",
        "uninstall onnxruntime and onnxruntime-gpu",
    ),
    "old onnxruntime": ("onnxruntime", {"onnxruntime": "1.17.3"}, "1.17.3", "1.18 or newer"),
    "no CUDA libraries": (
        "CUDA",
        {"missing": ("libcublas.so.13", "libcurand.so.10", "libcudnn.so.9"), "runtime": ""},
        "libcublas.so.13, libcurand.so.10 cannot be found",
        "installs what is missing",
    ),
    "no cuDNN": (
        "cuDNN",
        {"cudnn": "", "missing": ("libcudnn.so.9",)},
        "none of version 9",
        "pip install",
    ),
    "cuDNN 8": (
        "cuDNN",
        {"cudnn": "", "other_cudnn": ("libcudnn.so.8",)},
        "none of version 9; libcudnn.so.8 is of another major version",
        "pip install",
    ),
    "cuDNN for another CUDA": (
        "cuDNN",
        {"distributions": {"nvidia-cudnn-cu12": "9.10.2.21"}},
        "nvidia-cudnn-cu12 is for another CUDA than 13.0",
        "uninstall nvidia-cudnn-cu12",
    ),
    "old cuDNN": ("cuDNN", {"cudnn": "9.1.0"}, "9.1.0: convolutions and matmuls run on", "9.4 or newer"),
    "no library": (
        "libqudnn",
        {"library": {}, "library_error": "undefined symbol"},
        "cannot be loaded: undefined symbol",
        "install qudnn again",
    ),
    "built for other GPUs": (
        "libqudnn",
        {"library": {**WELL.library, "architectures": "80-real"}},
        "no kernels for compute capability 9.0",
        "QUDNN_CUDA_ARCHITECTURES=90-real",
    ),
    "library that can use no GPU": ("libqudnn", {"no_device": "busy"}, "can use no GPU: busy", "above"),
    "read-only folder": (
        "plans",
        {"folder": Folder("/plans", "cannot be written to: Read-only file system")},
        "0 plans; cannot be written to: Read-only file system",
        "make it writable",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_with_a_remedy(case: str) -> None:
    name, changed, found, remedy = WRONG[case]
    check = by_name(replace(WELL, **changed))[name]
    assert check.state is State.WRONG
    assert found in check.found
    assert remedy in check.remedy


def test_both_onnxruntimes_that_work() -> None:
    both = {"onnxruntime": "1.30.0", "onnxruntime-gpu": "1.31.1"}
    check = by_name(replace(WELL, distributions=both))["onnxruntime"]
    assert check.state is State.NOTE
    assert "onnxruntime 1.30.0 and onnxruntime-gpu 1.31.1" in check.found


def test_an_old_driver_that_a_package_makes_new_enough() -> None:
    assert by_name(replace(WELL, driver_cuda=(12, 4)))["driver"].state is State.FITS


def test_a_gpu_that_works_but_is_not_told() -> None:
    assert by_name(replace(WELL, gpus=()))["GPU"].state is State.FITS


def test_what_onnxruntime_does_not_need_is_not_missed() -> None:
    checks = by_name(replace(WELL, onnxruntime_cuda="", runtime="", cudnn=""))
    assert checks["CUDA"].state is checks["cuDNN"].state is State.NOTE


def folder(**changed: Any) -> Check:
    return by_name(replace(WELL, folder=replace(WELL.folder, **changed)))["plans"]


def test_folders_of_plans() -> None:
    stale = [("NVIDIA L4", "9.19.0", "0.1.0"), (PLAN[0], "9.10.0", "0.1.0"), (PLAN[0], "9.19.0", "0.0.9")]
    check = folder(plans=(PLAN, *stale))
    assert (check.state, check.found) == (
        State.NOTE,
        "/plans: 4 plans, 3 of them for other GPUs or versions, which are not used",
    )
    assert "qudnn plans --clear" in check.remedy
    check = folder(left_out={"a.plan": "not a plan of qudnn", "b.plan": "not a plan of qudnn"})
    assert (check.state, check.found) == (
        State.NOTE,
        "/plans: 2 plans, 2 files are none (2 not a plan of qudnn)",
    )
    # As in an image that was made with its plans.
    assert folder(problem="cannot be written to: Read-only file system").state is State.NOTE
    assert by_name(replace(WELL, library={}))["plans"].found.startswith("not looked at")
    assert folder(path="").found == "kept in memory only: each process tunes anew"


@pytest.mark.parametrize(
    ("architectures", "capability", "has"),
    [
        ("90-real", (9, 0), True),
        ("90-real", (10, 0), False),
        ("80-real", (8, 9), True),
        ("86-real", (8, 0), False),
        ("90a-real", (9, 0), True),
        ("120", (12, 1), True),
        ("90", (10, 0), True),
        ("90-virtual", (12, 0), True),
        ("90-virtual", (8, 9), False),
        (ALL, (7, 5), True),
        (ALL, (7, 0), False),
        (ALL, (8, 9), True),
        (ALL, (10, 3), True),
        (ALL, (11, 0), True),
        (ALL, (13, 0), True),
    ],
)
def test_which_kernels_a_gpu_runs(architectures: str, capability: tuple[int, int], has: bool) -> None:
    assert checkup.has_kernels(Gpu("a GPU", capability, 0), architectures) == has
