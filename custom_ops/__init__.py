"""qudnn's runtime: cuDNN int8 operators for onnxruntime sessions.

`InferenceSession` does everything at once; `register` and `library_path` are its parts. What a name needs is
imported when it is first used: plans need no onnxruntime.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if __name__ == "custom_ops":  # its old name
    from qudnn.old_names import stand_in

    stand_in(__name__)

if TYPE_CHECKING:
    from qudnn.custom_ops.capture import GraphCaptureError
    from qudnn.custom_ops.library import register
    from qudnn.custom_ops.location import library_path
    from qudnn.custom_ops.opened import Opened, Status
    from qudnn.custom_ops.provider import register_provider
    from qudnn.custom_ops.registration import Obstacle, Registration
    from qudnn.custom_ops.session import InferenceSession

__all__ = [
    "GraphCaptureError",
    "InferenceSession",
    "Obstacle",
    "Opened",
    "Registration",
    "Status",
    "library_path",
    "register",
    "register_provider",
]

_MODULES = {
    "GraphCaptureError": "capture",
    "InferenceSession": "session",
    "Obstacle": "registration",
    "Opened": "opened",
    "Registration": "registration",
    "Status": "opened",
    "library_path": "location",
    "register": "library",
    "register_provider": "provider",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from qudnn.custom_ops.onnxruntimes import needed

    with needed():
        return getattr(import_module(f"qudnn.custom_ops.{_MODULES[name]}"), name)
