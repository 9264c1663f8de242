"""What verbs need of the runtime, which the converter does without: imported when they run."""

from importlib import import_module
from types import ModuleType

from qudnn.converter.cli.verb import UsageError

_INSTALL = "install qudnn with `pip install '.[gpu]'` in its source tree"


def load_plans() -> ModuleType:
    """The module custom_ops.plans. Raises UsageError where the library is not built."""
    return _load("plans")


def load_library() -> ModuleType:
    """The module custom_ops.native. Raises UsageError where it is not built."""
    return _load("native")


def _load(name: str) -> ModuleType:
    try:
        return import_module(f"qudnn.custom_ops.{name}")
    except ImportError as error:
        raise UsageError(f"qudnn's library cannot be loaded ({error}): {_INSTALL}") from error


def check_gpu(what: str, otherwise: str = "") -> None:
    """Raises UsageError where onnxruntime or qudnn could not use a GPU in this process.

    what: needs a GPU; otherwise: what to do where there is none.
    """
    from qudnn.custom_ops.registration import Obstacle, possible

    registration = possible(None)
    if registration.obstacle in (Obstacle.NO_DRIVER, Obstacle.NO_GPU):
        raise UsageError(
            f"{what} needs a GPU: {registration.reason}" + (f". {otherwise}" if otherwise else "")
        )
    if not registration:
        raise UsageError(f"{what} needs a GPU that qudnn can use: {registration.reason}")


def why_no_gpu() -> str:
    """Why sessions cannot have qudnn's operators on a GPU here; empty where they can."""
    from qudnn.custom_ops.registration import possible

    return possible(None).reason
