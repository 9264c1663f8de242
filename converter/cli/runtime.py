"""What verbs need of the runtime, which the converter does without: imported when they run."""

from types import ModuleType

from qudnn.converter.cli.verb import UsageError

_INSTALL = "install qudnn with `pip install '.[gpu]'` in its source tree"


def load_plans() -> ModuleType:
    """The module custom_ops.plans. Raises UsageError where the library is not built."""
    try:
        from qudnn.custom_ops import plans
    except ImportError as error:
        raise UsageError(f"qudnn's library cannot be loaded ({error}): {_INSTALL}") from error
    return plans


def check_gpu() -> None:
    """Raises UsageError where onnxruntime or qudnn could not use a GPU in this process."""
    from qudnn.custom_ops.registration import Obstacle, possible

    registration = possible(None)
    if registration.obstacle in (Obstacle.NO_DRIVER, Obstacle.NO_GPU):
        raise UsageError(
            f"tuning needs a GPU: {registration.reason}. Or tune on another machine, then bring the plans "
            "here with `qudnn plans --export` and `--import`"
        )
    if not registration:
        raise UsageError(f"tuning needs a GPU that qudnn can use: {registration.reason}")
