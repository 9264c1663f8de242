"""qudnn's runtime: cuDNN int8 operators for onnxruntime sessions.

`InferenceSession` does everything at once; `register` and `library_path` are its parts.
"""

from qudnn.custom_ops.capture import GraphCaptureError
from qudnn.custom_ops.library import library_path, register
from qudnn.custom_ops.opened import Opened, Status
from qudnn.custom_ops.provider import register_provider
from qudnn.custom_ops.registration import Obstacle, Registration
from qudnn.custom_ops.session import InferenceSession

if __name__ == "custom_ops":  # its old name
    from qudnn.old_names import stand_in

    stand_in(__name__)

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
