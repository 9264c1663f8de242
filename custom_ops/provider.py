"""QudnnExecutionProvider: the operators for programs that load providers, and no libraries of custom ops."""

import onnxruntime

from qudnn.custom_ops import cuda
from qudnn.custom_ops.location import library_path

PROVIDER = "QudnnExecutionProvider"
_LIBRARY = "qudnn"  # onnxruntime's name for libqudnn.so


def register_provider() -> onnxruntime.OrtEpDevice:
    """Make `QudnnExecutionProvider` known to onnxruntime in this process, and return its only device.

    Sessions whose options get the device have the operators of the domain `qudnn`, as after `register`. It
    runs no node itself: the operators' kernels are the CUDA provider's, so give the session that one too:

        options.add_provider_for_devices([qudnn.register_provider()], {"tune": "cached"})
        options.add_provider("CUDAExecutionProvider", {})

    The provider's options are `tune`, `workspace_limit` (bytes, or `256M`) and `cache_dir`, as text; they
    mean what they mean for `register` and come before config entries and the environment. Where there is no
    GPU that qudnn can use, sessions warn, and converted models run through the function bodies that they
    carry. Where there is one, a session without the CUDA provider cannot open a converted model.

    CUDA's and cuDNN's libraries are loaded first, from wherever they are installed. Calling it again does
    nothing. Raises FileNotFoundError where the library is not built, RuntimeError where onnxruntime is older
    than 1.24.
    """
    if not hasattr(onnxruntime, "register_execution_provider_library"):
        raise RuntimeError(
            f"qudnn: {PROVIDER} needs onnxruntime 1.24 or newer, this is {onnxruntime.__version__}: "
            "use qudnn.register"
        )
    cuda.load_libraries()
    if not _devices():
        onnxruntime.register_execution_provider_library(_LIBRARY, library_path())
    (device,) = _devices()
    return device


def _devices() -> list[onnxruntime.OrtEpDevice]:
    return [device for device in onnxruntime.get_ep_devices() if device.ep_name == PROVIDER]
