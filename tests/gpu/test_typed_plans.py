"""Plans with float32 and int32 results or zero points of channels, and dynamic quantization in sessions."""

import numpy as np
import onnxruntime
import pytest
from tuner_report import tuned

from cases import op, typed_op
from cases.typed_op import LAYER
from oracles import ORACLES
from qudnn.custom_ops import plans
from session import CUDA, assert_same_bits, open_session, outputs

pytestmark = pytest.mark.gpu

CASES = [
    typed_op.to_float(op.matmul("layer", c=768, k=768, rows=(512,))),
    typed_op.to_float(op.matmul("wrapping", c=96, k=48, rows=(1000,), sums="wrapping")),
    typed_op.dynamic(op.matmul("layer", c=768, k=3072, rows=(128,))),
    typed_op.dynamic(op.conv("layer", c=64, k=64, size=(30, 28))),
    typed_op.dynamic(op.conv("layer", c=64, k=64, kernel=(1, 1), size=(30, 28))),
    typed_op.conv_to_float(op.conv("layer", c=64, k=64, size=(30, 28), pads=[1, 1, 1, 1])),
    typed_op.conv_to_float(op.conv("value", c=64, k=64, size=(30, 28), pads=[1, 1, 1, 1], x_zero_point=-7)),
    typed_op.conv_to_float(op.conv("layer", c=64, k=64, kernel=(1, 1), size=(30, 28), strides=[2, 2])),
    op.projections("layer", c=768, k=2304, rows=(128,)),
    op.projections("wrapping", c=96, k=48, rows=(1000,), sums="wrapping"),
    typed_op.to_int32(op.conv("layer", c=64, k=64, size=(30, 28), pads=[1, 1, 1, 1])),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_cudnn_has_plans_and_none_is_wrong(case: op.OpCase, capfd: pytest.CaptureFixture[str]) -> None:
    told = tuned(case, capfd)
    assert "wrong result" not in told
    assert "; cudnn_matmul: " not in told
    assert "; cudnn_conv: " not in told


def test_one_plan_for_any_values() -> None:
    model = LAYER.model()
    on_cpu, on_gpu = open_session(model), open_session(model, CUDA)
    plans.clear()
    for scale in (1.0, 1e-3, 300.0):
        inputs = LAYER.inputs(scale=scale)
        assert_same_bits(outputs(on_gpu, inputs), outputs(on_cpu, inputs))
    assert plans.statistics()["misses"] == 1


def test_cuda_graph() -> None:
    """Scale and zero point follow the values when a graph is replayed: they never leave the GPU."""
    model = LAYER.model()
    on_cpu, on_gpu = (
        open_session(model),
        open_session(model, CUDA, provider_options={"enable_cuda_graph": "1"}),
    )
    x = onnxruntime.OrtValue.ortvalue_from_numpy(LAYER.inputs()["x"], "cuda", 0)
    y = onnxruntime.OrtValue.ortvalue_from_shape_and_type((x.shape()[0], LAYER.k), np.float32, "cuda", 0)
    binding = on_gpu.io_binding()
    binding.bind_ortvalue_input("x", x)
    binding.bind_ortvalue_output("y", y)
    for scale in (1.0, 0.5, 1e-3, 300.0, -7.0):
        inputs = LAYER.inputs(scale=scale)
        x.update_inplace(inputs["x"])
        on_gpu.run_with_iobinding(binding)
        assert_same_bits({"y": y.numpy()}, outputs(on_cpu, inputs))


@pytest.mark.big
def test_results_beyond_32_bits() -> None:
    """A result of more than 2^31 bytes, though not elements, comes in slices."""
    case = typed_op.to_float(op.matmul("beyond", c=32, k=132))
    rows = 2**22 + 5
    x = np.resize(np.random.default_rng(0).integers(-128, 128, 1_000_003).astype(np.int8), (rows, 32))
    plans.clear()
    y = outputs(open_session(case.model(), CUDA), {"x": x})["y"]
    assert y.size < 2**31 < y.nbytes
    counted = plans.statistics()
    assert counted["hits"] + counted["misses"] == 2
    some = np.r_[:1000, rows // 2 - 1000 : rows // 2 + 1000, rows - 1000 : rows]
    expected = ORACLES[case.op](x[some], *case.constants.values())
    assert_same_bits({"y": y[some]}, {"y": expected})
