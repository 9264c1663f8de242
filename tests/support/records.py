"""Records of plans as the test hooks take them, and files that look like records."""

import hashlib
import struct
from typing import Any

Fields = dict[str, Any]

PROBLEM = (
    "matmul m=64 k=1000 c=2048 x_stride=2048 clamps_above=0 zero_point_per_channel=0 "
    "adds_constant=0 looks_up=0 alignment=16 x_type=3 y_type=3"
)
DIGEST = 32  # bytes at the end of a file


def key(problem: str = PROBLEM, **changed: Any) -> Fields:
    fields = {
        "problem": problem,
        "device": "NVIDIA H200 sm_90 132 multiprocessors",
        "cudnn": "9.19.0",
        "qudnn": "0.1.0",
        "engines": "cudnn_matmul native_matmul",
        "workspace_limit": 1 << 30,
    }
    return fields | changed


def record(of: Fields | None = None, **changed: Any) -> Fields:
    fields = {
        "tuned": True,
        "engine": "cudnn_matmul",
        "plan": "eng3_k2=1",
        "serialized": bytes(range(0, 256, 5)),
        "microseconds": 12.5,
        "first_plan": "eng0",
        "first_microseconds": 40.0,
        "created": 1_700_000_000,
    }
    return (of or key()) | fields | changed


def numbered(number: int, **changed: Any) -> Fields:
    """Records of different keys, each with its number as plan."""
    return record(key(f"problem {number}"), plan=str(number), **changed)


def sealed(body: bytes, magic: bytes = b"qudnnpln", version: int = 1) -> bytes:
    """A file with this content and a checksum that fits."""
    content = magic + struct.pack("<IQ", version, len(body)) + body
    return content + hashlib.sha256(content).digest()


def body(file: bytes) -> bytes:
    """The inverse of sealed."""
    return file[20:-DIGEST]
