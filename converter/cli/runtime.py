"""What verbs need of the runtime, which the converter does without: imported when they run."""

from types import ModuleType

from converter.cli.verb import UsageError

_INSTALL = "install qudnn with `pip install '.[gpu]'` in its source tree"


def load_plans() -> ModuleType:
    """The module custom_ops.plans. Raises UsageError where the library is not built."""
    try:
        from custom_ops import plans
    except ImportError as error:
        raise UsageError(f"qudnn's library cannot be loaded ({error}): {_INSTALL}") from error
    return plans


def check_gpu() -> None:
    """Raises UsageError where onnxruntime or qudnn could not use a GPU in this process."""
    import onnxruntime

    from custom_ops import _native, cuda

    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        raise UsageError("tuning needs onnxruntime with its CUDA provider: `pip install onnxruntime-gpu`")
    if not cuda.driver_present():
        raise UsageError(
            "tuning needs a GPU, and this machine has no NVIDIA driver: tune where there is one, "
            "then bring the plans here with `qudnn plans --export` and `--import`"
        )
    if missing := cuda.load_libraries():
        raise UsageError(f"tuning needs {', '.join(missing)}: {_INSTALL}")
    if why := _native.no_usable_device():
        raise UsageError(f"tuning needs a GPU that qudnn can use: {why}")
