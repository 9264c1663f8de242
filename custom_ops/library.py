"""libqudnn.so: where it lies, and how a session gets its operators."""

import warnings
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnxruntime

from custom_ops import cuda

DOMAIN = "qudnn"

_CUDA = "CUDAExecutionProvider"
_NAME = "libqudnn.so"

# Options that have the operators already: onnxruntime refuses the same domain twice.
_registered: weakref.WeakSet[onnxruntime.SessionOptions] = weakref.WeakSet()


def library_path() -> str:
    """The path of libqudnn.so, for `SessionOptions.register_custom_ops_library`.

    Raises FileNotFoundError where the package is not built.
    """
    import custom_ops  # its __path__ has the build's folder too when the install is editable

    for folder in custom_ops.__path__:
        path = Path(folder, _NAME)
        if path.is_file():
            return str(path)
    raise FileNotFoundError(
        f"{_NAME} is not in {', '.join(custom_ops.__path__)}. If that is a source tree, build and install it "
        "with `pip install .` there, and start Python in another folder; otherwise install qudnn again."
    )


def register(
    session_options: onnxruntime.SessionOptions,
    providers: Sequence[str | tuple[str, dict[str, Any]]] | None = None,
) -> bool:
    """Give sessions made with `session_options` the operators of the domain `qudnn` on the GPU.

    CUDA's and cuDNN's libraries are loaded first, from wherever they are installed. Pass the session's
    `providers`, if it has any: where CUDAExecutionProvider is not to be used, nothing is registered and
    a converted model runs through the function bodies that it carries. The same holds where there is no
    GPU, and, with a warning, where the GPU's libraries are missing.

    Registering the same options again does nothing. Options that were registered for CUDA are not to be
    used for a session on the CPU: onnxruntime refuses a converted model there.

    Returns whether the library is registered. Raises FileNotFoundError where it is not built.
    """
    if not _uses_cuda(providers):
        return False
    if session_options in _registered:
        return True
    missing = cuda.load_libraries()
    if missing and cuda.driver_present():
        warnings.warn(
            f"There is a GPU, but {', '.join(missing)} cannot be found, so qudnn's operators stay off. "
            "`pip install onnxruntime-gpu[cuda,cudnn]` installs it.",
            RuntimeWarning,
            stacklevel=2,
        )
        return False
    session_options.register_custom_ops_library(library_path())
    _registered.add(session_options)
    return True


def _uses_cuda(providers: Sequence[str | tuple[str, dict[str, Any]]] | None) -> bool:
    if _CUDA not in onnxruntime.get_available_providers():
        return False
    if not providers:  # onnxruntime takes all that are available
        return True
    return _CUDA in (p if isinstance(p, str) else p[0] for p in providers)
