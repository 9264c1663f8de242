"""What nodes keep from run to run gives the right bits: tensors that move, batches, threads, sessions.

tests/plan/test_memo.py counts what is kept, without a GPU.
"""

import threading

import numpy as np
import onnxruntime
import pytest
import testing
from onnx import helper

from cases import op
from cases.builder import Array
from cases.op import OpCase
from qudnn import custom_ops
from qudnn.custom_ops import native, plans
from qudnn.custom_ops.measuring.bound import Bound
from session import CPU, CUDA, assert_same_bits, run, session_options

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(
        not any(capability == 90 for _, capability in native.cuda_devices()), reason="for Hopper GPUs"
    ),
]

ONE = [1, 1, 1, 1]
VALUE = op.conv("kept", c=64, k=64, size=(28, 27), pads=ONE, x_zero_point=-128)
CASES = [
    VALUE,
    op.conv("kept", c=64, k=128, size=(28, 28), pads=ONE, strides=[2, 2], x_zero_point=9),
    op.conv("kept", c=64, k=256, kernel=(1, 1), size=(28, 28)),
    op.conv("kept", c=512, k=512, size=(7, 7), pads=ONE, x_zero_point=-128),
    op.conv_add("kept", c=64, k=256, kernel=(1, 1), size=(28, 28)),
    op.conv_add("kept", c=64, k=64, size=(28, 28), pads=ONE, x_zero_point=3),
    op.matmul("kept", c=768, k=256, rows=(128,)),
]


def rolled(case: OpCase, batch: int, by: int) -> dict[str, Array]:
    """The case's inputs, other ones for each `by`."""
    return {name: np.roll(values, by * 1001) for name, values in case.inputs(batch).items()}


def expected(case: OpCase, inputs: dict[str, Array]) -> dict[str, Array]:
    return run(case.model(), inputs, CPU).outputs


@pytest.fixture(autouse=True)
def of_one_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUDNN_ONLY", "native_window")
    plans.clear()


def opened(case: OpCase, **provider: str) -> onnxruntime.InferenceSession:
    options = session_options(case.model())
    assert custom_ops.register(options, [CUDA], cache_dir="", tune="heuristic")
    return onnxruntime.InferenceSession(
        case.model().SerializeToString(), options, providers=[(CUDA, provider)]
    )


def bound(session: onnxruntime.InferenceSession, inputs: dict[str, Array], y: Array) -> Bound:
    return Bound(session, inputs, [y])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_tensors_that_move(case: OpCase) -> None:
    """Each binding has addresses of its own."""
    session = opened(case)
    inputs = [rolled(case, batch, by) for by, batch in enumerate((1, 1, 3, 1, 2, 3, 1))]
    want = [expected(case, values) for values in inputs]
    bindings = [bound(session, values, y["y"]) for values, y in zip(inputs, want, strict=True)]
    for _ in range(3):
        for binding, y in zip(bindings, want, strict=True):
            binding.run()
            assert_same_bits({"y": binding.results()[0]}, y)
    assert all(plan["engine"] == "native_window" for plan in plans.list())
    for _ in range(2):
        bindings[0].run()
    made = testing.tensor_maps_made()
    for _ in range(5):
        bindings[0].run()
    assert testing.tensor_maps_made() == made > 0
    bindings[1].run()  # its addresses were used seven combinations ago
    bindings[3].run()
    assert testing.tensor_maps_made() > made


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_threads(case: OpCase) -> None:
    session = opened(case)
    inputs = [rolled(case, batch, by) for by, batch in enumerate((1, 2, 1, 2, 1, 1))]
    want = [expected(case, values) for values in inputs]
    wrong: list[BaseException] = []

    def work(index: int) -> None:
        try:
            binding = bound(session, inputs[index], want[index]["y"])
            for _ in range(50):
                binding.run()
                assert_same_bits({"y": binding.results()[0]}, want[index])
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(index,)) for index in range(len(inputs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong, wrong


def test_sessions_of_other_weights() -> None:
    """Their nodes share a plan; the second one's weights may come to lie where the first one's did."""
    cases = [VALUE, op.conv("other", c=64, k=64, size=(28, 27), pads=ONE, x_zero_point=-128)]
    assert (cases[0].constants["w"] != cases[1].constants["w"]).any()
    for _ in range(2):
        for case in cases:
            inputs = case.inputs(1)
            want = expected(case, inputs)
            binding = bound(opened(case), inputs, want["y"])
            for _ in range(2):
                binding.run()
                assert_same_bits({"y": binding.results()[0]}, want)
            del binding
    assert len(plans.list()) == 1


def test_sessions_at_once() -> None:
    cases = [VALUE, op.conv("other", c=64, k=64, size=(28, 27), pads=ONE, x_zero_point=-128)]
    want = [expected(case, case.inputs(1)) for case in cases]
    bindings = [bound(opened(case), case.inputs(1), y["y"]) for case, y in zip(cases, want, strict=True)]
    for _ in range(3):
        for binding, y in zip(bindings, want, strict=True):
            binding.run()
            assert_same_bits({"y": binding.results()[0]}, y)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_cuda_graph(case: OpCase) -> None:
    inputs = case.inputs(1)
    want = expected(case, inputs)
    binding = bound(opened(case, enable_cuda_graph="1"), inputs, want["y"])
    for _ in range(4):  # the first run captures the graph, the next ones replay it
        binding.run()
        assert_same_bits({"y": binding.results()[0]}, want)


def test_weights_that_are_inputs() -> None:
    """What is made of them is made by each run."""
    model, values = VALUE.model(), VALUE.constants
    del model.graph.initializer[:]
    for name, value in values.items():
        dtype = helper.np_dtype_to_tensor_dtype(value.dtype)
        model.graph.input.append(helper.make_tensor_value_info(name, dtype, value.shape))
    options = session_options(model)
    assert custom_ops.register(options, [CUDA], cache_dir="", tune="heuristic")
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=[CUDA])
    for scale in (1, 2, 3):
        weights = {**values, "w": (values["w"] // scale).astype(np.int8)}
        inputs = {**VALUE.inputs(1), **weights}
        want = run(model, inputs, CPU).outputs
        binding = bound(session, inputs, want["y"])
        for _ in range(2):
            binding.run()
            assert_same_bits({"y": binding.results()[0]}, want)
