"""A process that registers the ops and forks: its children have a GPU."""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from cases import op
from session import assert_same_bits, run

pytestmark = pytest.mark.gpu

PROGRAM = """
import os, sys
import numpy as np
import onnxruntime
from qudnn import custom_ops

model, inputs, result = sys.argv[1:]
providers = ["CUDAExecutionProvider"]
options = onnxruntime.SessionOptions()
assert custom_ops.register(options, providers, cache_dir="")
child = os.fork()
if child == 0:
    try:
        session = onnxruntime.InferenceSession(model, options, providers=providers)
        assert session.get_providers()[0] == providers[0]
        (y,) = session.run(None, dict(np.load(inputs)))
        np.savez(result, y=y)
        os._exit(0)
    finally:
        os._exit(1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_children_of_a_process_that_has_registered_the_ops(tmp_path: Path) -> None:
    try:
        ctypes.CDLL("libnvidia-ml.so.1")
    except OSError:
        pytest.skip("without the driver's management library CUDA has to be asked")
    case = op.conv("forked", c=32, k=32)
    files = [str(tmp_path / name) for name in ("model.onnx", "inputs.npz", "result.npz")]
    onnx.save_model(case.model(), files[0])
    np.savez(files[1], allow_pickle=False, **case.inputs())
    paths = os.pathsep.join(path for path in sys.path if path)
    command = [sys.executable, "-P", "-c", PROGRAM, *files]
    forked = subprocess.run(command, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True)
    assert forked.returncode == 0, forked.stderr
    assert_same_bits(dict(np.load(files[2])), run(case.model(), case.inputs()).outputs)
