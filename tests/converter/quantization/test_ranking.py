"""The errors of layers are those that the formulas give in NumPy."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from float_networks import linear, rows
from numpy.typing import NDArray
from onnx import numpy_helper

pytest.importorskip("onnxruntime.quantization", reason="this onnxruntime comes without its quantizer")

from qudnn.converter.quantization.preparation import prepare
from qudnn.converter.quantization.quantizer import Settings, quantize
from qudnn.converter.quantization.ranking import Layer, rank

Array = NDArray[Any]


def decibels(got: Array, want: Array) -> float:
    return float(10 * np.log10((want**2).sum() / ((got - want) ** 2).sum()))


class Quantized:
    """The linear network in 8 bits, read off the quantizer's model, and computed in float64."""

    def __init__(self, folder: Path, samples: Array) -> None:
        feeds = [{"x": x[None]} for x in samples]
        path = prepare(linear(), folder)
        quantize(path, folder / "q.onnx", feeds, Settings(), False)
        self.prepared, self.model = onnx.load(path), onnx.load(folder / "q.onnx")
        self.feeds = feeds
        constants = {t.name: numpy_helper.to_array(t) for t in self.model.graph.initializer}
        self._pairs = {}
        weights = []
        for node in self.model.graph.node:
            if node.op_type == "QuantizeLinear":
                self._pairs[node.input[0]] = [constants[name] for name in node.input[1:]]
            if node.op_type == "DequantizeLinear" and node.input[0] in constants:
                q, scale, zero = (constants[name].astype(np.float64) for name in node.input)
                weights.append((q - zero) * scale)
        floats = {t.name: numpy_helper.to_array(t) for t in self.prepared.graph.initializer}
        self.exact = [w.astype(np.float64) for w in floats.values() if w.ndim == 2]
        self.weights = sorted(weights, key=lambda w: -len(w[0]))
        self.exact.sort(key=lambda w: -len(w[0]))
        assert [w.shape for w in self.weights] == [w.shape for w in self.exact] == [(16, 32), (32, 8)]
        self.x, self.hidden, self.y = self._pairs

    def rounded(self, name: str, x: Array) -> Array:
        scale, zero = self._pairs[name]
        q = np.rint((x / np.float64(scale)).astype(np.float32)).astype(np.float64) + zero
        return np.asarray((np.clip(q, 0, 255) - zero) * np.float64(scale))


def test_errors_are_the_formulas(tmp_path: Path) -> None:
    samples = rows(12)
    net = Quantized(tmp_path, samples)
    x = samples.astype(np.float64)
    first, second = net.exact
    hidden = np.maximum(x @ first, 0)
    y = hidden @ second
    own_hidden = net.rounded(net.hidden, net.rounded(net.x, x) @ net.weights[0])
    own_y = net.rounded(net.y, net.rounded(net.hidden, hidden) @ net.weights[1])
    all_y = net.rounded(net.y, own_hidden @ net.weights[1])

    layers = rank(net.prepared, net.model, net.feeds, tmp_path, (), True)
    found = {len(layer.name): layer for layer in layers}
    assert len(layers) == 2 and {layer.op_type for layer in layers} == {"MatMul"}
    expected = [
        (decibels(own_hidden, hidden), decibels(own_hidden, hidden), decibels(own_hidden @ second, y)),
        (decibels(own_y, y), decibels(all_y, y), decibels(own_y, y)),
    ]
    ordered = sorted(expected, key=lambda errors: errors[2])
    for layer, errors in zip(layers, ordered, strict=True):
        assert layer[2:] == pytest.approx(errors, abs=0.05)
    assert 20 < ordered[0][2] < 60, found
    quick = rank(net.prepared, net.model, net.feeds, tmp_path, (), False)
    assert [layer.effect for layer in quick] == [None, None]
    assert [layer.own for layer in quick] == sorted(layer.own for layer in layers)
    left = rank(net.prepared, net.model, net.feeds, tmp_path, [layers[0].name], False)
    assert [layer.name for layer in left] == [layers[1].name]


def test_json_has_no_infinity() -> None:
    document = Layer("a", "Conv", float("inf"), 3.0).document()
    assert (document["own_sqnr_db"], document["so_far_sqnr_db"]) == (None, 3.0)
    assert document["effect_sqnr_db"] is None
