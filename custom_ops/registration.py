"""Whether sessions can have qudnn's operators on this machine, and if not, what is in the way."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import onnxruntime

from qudnn.custom_ops import cuda, onnxruntimes
from qudnn.custom_ops.onnxruntimes import INSTALL

Providers = Sequence[str | tuple[str, dict[str, Any]]]

CUDA = "CUDAExecutionProvider"


class Obstacle(StrEnum):
    """What keeps the operators off."""

    PROVIDERS = "the session's providers do not include CUDA"
    ONNXRUNTIME = "onnxruntime has no CUDA provider"
    NO_DRIVER = "no NVIDIA driver"
    OLD_DRIVER = "the NVIDIA driver is too old"
    LIBRARIES = "libraries of CUDA, cuDNN or qudnn are missing"
    NO_GPU = "no GPU that qudnn can use"


@dataclass(frozen=True)
class Registration:
    """True where a session has the operators.

    obstacle: why it has not, for programs; None where it has.
    reason: the same in a sentence with what to do, "" where it has.
    """

    obstacle: Obstacle | None = None
    reason: str = ""

    def __bool__(self) -> bool:
        return self.obstacle is None


def possible(providers: Providers | None) -> Registration:
    """Whether a session with these providers can have the operators; loads the libraries that they need.

    None or none at all stand for all providers that there are, as in onnxruntime. Raises TypeError where
    `providers` is a string: onnxruntime would take each of its characters for a provider.
    """
    if isinstance(providers, str):
        raise TypeError(f"providers is {providers!r}; it has to be a list: [{providers!r}]")
    if providers and CUDA not in (p[0] if isinstance(p, tuple) and p else p for p in providers):
        return Registration(Obstacle.PROVIDERS, f"{CUDA} is not among the session's providers")
    return _on_this_machine()


def _on_this_machine() -> Registration:
    if CUDA not in onnxruntime.get_available_providers():
        both = onnxruntimes.beside_each_other(onnxruntimes.installed())
        remedy = f"{both}: {onnxruntimes.REINSTALL}" if both else f"uninstall onnxruntime, then {INSTALL}"
        return Registration(
            Obstacle.ONNXRUNTIME, f"onnxruntime {onnxruntime.__version__} has no {CUDA}: {remedy}"
        )
    if not cuda.driver_present():
        return Registration(
            Obstacle.NO_DRIVER, "this machine has no NVIDIA driver: install one, if it has a GPU"
        )
    if missing := cuda.load_libraries():
        return Registration(
            Obstacle.LIBRARIES, f"{', '.join(missing)} cannot be found: {INSTALL} installs it"
        )
    try:
        from qudnn.custom_ops import native
    except ImportError as error:
        return Registration(
            Obstacle.LIBRARIES, f"qudnn's library cannot be loaded ({error}): install qudnn again"
        )
    why = native.no_usable_device()
    if not why:
        return Registration()
    driver, needed = cuda.driver_version(), native.versions()["cuda"].partition(".")[0]
    if driver and driver[0] < int(needed):
        return Registration(
            Obstacle.OLD_DRIVER,
            f"the NVIDIA driver is for CUDA {driver[0]}.{driver[1]}, qudnn needs one for CUDA {needed}: "
            "install a newer driver",
        )
    return Registration(Obstacle.NO_GPU, f"there is no GPU that qudnn can use: {why}")
