"""Models without their weights: what is left out comes back bit for bit, and what cannot is kept."""

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper, parser

pytest.importorskip("onnxruntime.quantization", reason="this onnxruntime comes without its quantizer")

from zoo.quantize import quantize

ROOT = Path(__file__).resolve().parents[2]
SHAPES = {"w": (24, 16, 3, 3), "m": (10, 24)}  # as layers have them, the second one transposed in the model


@pytest.fixture
def seeded(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT)
    return importlib.import_module("benchmarks.models.seeded")


def network(seeded: Any) -> tuple[onnx.ModelProto, list[Any]]:
    """A convolution, whose weights have a factor for each channel, and a matmul; and the draws."""
    draws = [seeded.Draw(seed, shape) for seed, shape in enumerate(SHAPES.values())]
    rng = np.random.default_rng(0)
    w, m = (
        draw.integers() * rng.uniform(0.001, 0.01, (len(draw.integers()), *[1] * (len(draw.shape) - 1)))
        for draw in draws
    )
    model = parser.parse_model("""
        <ir_version: 8, opset_import: ["": 17]>
        g (float[N,16,8,8] x) => (float[N,10] y) {
            c = Conv<kernel_shape=[3,3]>(x, w, b)
            r = Relu(c)
            p = GlobalAveragePool(r)
            f = Flatten(p)
            y = MatMul(f, m)
        }""")
    b = rng.standard_normal(24)
    for name, values in ("w", w), ("m", m.T), ("b", b):
        model.graph.initializer.append(numpy_helper.from_array(values.astype(np.float32), name))
    return model, draws


def weights(model: onnx.ModelProto) -> dict[str, bytes]:
    return {tensor.name: numpy_helper.to_array(tensor).tobytes() for tensor in model.graph.initializer}


def test_integers_are_the_same_everywhere_and_look_normal(seeded: Any) -> None:
    drawn = seeded.Draw(7, (64, 1000)).integers()
    # The stream begins with bytes 175, 240, 136, 19, 196, 228, 50, 58: (570 - 510) >> 2, (532 - 510) >> 2.
    assert drawn[0, :6].tolist() == [15, 5, 19, 6, -31, 66]
    assert drawn.std() == pytest.approx(seeded.SPREAD, rel=0.01)
    assert abs(drawn.mean()) < 1
    assert drawn.min() >= -127


@pytest.mark.parametrize("form", ["QDQ", "QOperator"])
def test_every_form_comes_back(seeded: Any, form: Any) -> None:
    from onnxruntime.transformers.float16 import convert_float_to_float16

    model, draws = network(seeded)
    recipes = seeded.draw_weights(model, draws)
    assert set(recipes) == {"w", "m"}
    images = np.random.default_rng(1).standard_normal((4, 16, 8, 8), dtype=np.float32)
    halved = onnx.ModelProto()
    halved.CopyFrom(model)
    quantized = quantize(model, images, form=form)
    for each in (model, convert_float_to_float16(halved), quantized):
        before, size = weights(each), each.ByteSize()
        seeded.leave_out(each, recipes)
        empty = {tensor.name for tensor in each.graph.initializer if tensor.ByteSize() < 40}
        assert {name.removesuffix("_quantized") for name in empty} >= {"w", "m"}
        assert each.ByteSize() < size
        assert weights(seeded.fill(onnx.load_from_string(each.SerializeToString()))) == before


def test_what_cannot_be_drawn_again_is_kept(seeded: Any) -> None:
    model, draws = network(seeded)
    recipes = seeded.draw_weights(model, draws)
    (w,) = (tensor for tensor in model.graph.initializer if tensor.name == "w")
    values = numpy_helper.to_array(w).copy()
    values[3, 2, 1, 0] += 1e-3
    w.CopyFrom(numpy_helper.from_array(values, "w"))
    assert seeded.leave_out(model, recipes) >= values.nbytes
    assert numpy_helper.to_array(w).tobytes() == values.tobytes()
    assert set(seeded.draw_weights(network(seeded)[0], [seeded.Draw(5, SHAPES["w"])])) == set()


@pytest.mark.parametrize("form", ["QDQ", "QOperator"])
def test_weights_that_are_drawn_anew_keep_their_spread(seeded: Any, form: Any) -> None:
    """Of each channel, and of those that are large enough."""
    model, _ = network(seeded)
    given = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    assert set(seeded.redraw(model, 10_000)) == set()
    recipes = seeded.redraw(model, 100)
    assert set(recipes) == {"w", "m"}
    drawn = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    assert drawn["b"].tobytes() == given["b"].tobytes()
    for name, axes in {"w": (1, 2, 3), "m": (0,)}.items():
        assert (drawn[name] != given[name]).any()
        np.testing.assert_allclose(drawn[name].std(axes), given[name].std(axes), rtol=0.5)
    quantized = quantize(
        model, np.random.default_rng(1).standard_normal((4, 16, 8, 8), dtype=np.float32), form=form
    )
    before = weights(quantized)
    assert seeded.leave_out(quantized, recipes) < 2000
    assert weights(seeded.fill(quantized)) == before
