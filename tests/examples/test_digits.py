"""The demo's CNN: its gradients are the loss's, and its ONNX model computes what it computes."""

import numpy as np
import pytest

from digits import _LAYERS, Array, Data, DigitsCNN, _patches, load
from zoo.measure import cpu_session


def logits(network: DigitsCNN, images: Array) -> Array:
    x = images
    for (_, _, stride), weight, bias in zip(_LAYERS, network.weights, network.biases, strict=False):
        x = np.maximum(_patches(x, stride) @ weight + bias, 0).transpose(0, 3, 1, 2)
    result: Array = x.mean((2, 3)) @ network.weights[-1] + network.biases[-1]
    return result


def loss(network: DigitsCNN, data: Data) -> float:
    z = logits(network, data.images)
    z = z - z.max(1, keepdims=True)
    return float(-np.mean((z - np.log(np.exp(z).sum(1, keepdims=True)))[np.arange(len(z)), data.labels]))


@pytest.fixture
def data() -> Data:
    train, _ = load()
    train.images, train.labels = train.images[:16], train.labels[:16]
    return train


def test_gradients(data: Data) -> None:
    random = np.random.default_rng(0)
    network = DigitsCNN()
    network.weights = [weight.astype(np.float64) for weight in network.weights]
    # Biases of zero would put every blank pixel on the edge of a Relu.
    network.biases = [np.add(bias, random.uniform(0.1, 0.2, bias.shape)) for bias in network.biases]
    parameters = network.weights + network.biases
    gradients = network._gradients(data.images, data.labels)
    for parameter, gradient in zip(parameters, gradients, strict=True):
        direction = random.standard_normal(parameter.shape) * 1e-6
        parameter += direction
        above = loss(network, data)
        parameter -= 2 * direction
        below = loss(network, data)
        parameter += direction
        assert above - below == pytest.approx(2 * np.sum(gradient * direction), rel=1e-3)


def test_onnx_model(data: Data) -> None:
    network = DigitsCNN()
    network.train(data, epochs=3)
    got = cpu_session(network.to_onnx()).run(None, {"x": data.images})[0]
    np.testing.assert_allclose(got, logits(network, data.images), rtol=1e-4, atol=1e-4)
