"""qudnn's runtime: cuDNN int8 operators for onnxruntime sessions.

`InferenceSession` does everything at once; `register` and `library_path` are its parts.
"""

from custom_ops.library import library_path, register
from custom_ops.opened import Opened, Status
from custom_ops.registration import Obstacle, Registration
from custom_ops.session import InferenceSession

__all__ = [
    "InferenceSession",
    "Obstacle",
    "Opened",
    "Registration",
    "Status",
    "library_path",
    "register",
]
