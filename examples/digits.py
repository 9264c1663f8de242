"""A small CNN for handwritten digits, trained in NumPy and written as ONNX."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from onnx import ModelProto
from sklearn.datasets import load_digits
from threadpoolctl import threadpool_limits  # comes with scikit-learn

from zoo.graph import Graph

Array = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]

# Channels in and out, and the stride, of each 3x3 convolution with its Relu.
_LAYERS = ((1, 16, 1), (16, 32, 2), (32, 64, 1))
_CLASSES = 10


@dataclass
class Data:
    """Images `[N,1,8,8]` in 0..1 and their labels `[N]`."""

    images: Array
    labels: Labels


def load(seed: int = 0) -> tuple[Data, Data]:
    """scikit-learn's 1,797 images, shuffled: four fifths to train with, one fifth to test with."""
    digits = load_digits()
    order = np.random.default_rng(seed).permutation(len(digits.target))
    images = (digits.images[order, None] / 16).astype(np.float32)
    labels = digits.target[order].astype(np.int64)
    split = len(order) * 4 // 5
    return Data(images[:split], labels[:split]), Data(images[split:], labels[split:])


def _patches(x: Array, stride: int) -> Array:
    """`[N,C,H,W] -> [N,P,Q,C*9]`: what each output pixel of a padded 3x3 convolution sees."""
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))[:, :, ::stride, ::stride]
    return np.ascontiguousarray(windows.transpose(0, 2, 3, 1, 4, 5)).reshape(*_pixels(x, stride), -1)


def _pixels(x: Array, stride: int) -> tuple[int, int, int]:
    return x.shape[0], (x.shape[2] - 1) // stride + 1, (x.shape[3] - 1) // stride + 1


def _scatter(gradient: Array, shape: tuple[int, ...], stride: int) -> Array:
    """The transpose of `_patches`: adds each patch's gradient to the pixels it came from."""
    n, c, h, w = shape
    padded = np.zeros((n, c, h + 2, w + 2), np.float32)
    taps = gradient.reshape(*gradient.shape[:3], c, 3, 3).transpose(0, 3, 1, 2, 4, 5)
    p, q = taps.shape[2:4]
    for row in range(3):
        for column in range(3):
            rows = slice(row, row + stride * p, stride)
            columns = slice(column, column + stride * q, stride)
            padded[:, :, rows, columns] += taps[..., row, column]
    return padded[:, :, 1:-1, 1:-1]


class DigitsCNN:
    """Three 3x3 convolutions, a mean over the image, and a linear layer."""

    def __init__(self, seed: int = 0):
        random = np.random.default_rng(seed)
        shapes = [(9 * c, k) for c, k, _ in _LAYERS] + [(_LAYERS[-1][1], _CLASSES)]
        self.weights = [(random.standard_normal(s) * (2 / s[0]) ** 0.5).astype(np.float32) for s in shapes]
        self.biases: list[Array] = [np.zeros(s[1], np.float32) for s in shapes]

    def train(self, data: Data, epochs: int = 40, batch: int = 32, rate: float = 4e-3, seed: int = 0) -> None:
        """Adam with a rate that falls to zero as a cosine does; in one thread, for its matrices are small."""
        with threadpool_limits(1):
            self._train(data, epochs, batch, rate, seed)

    def _train(self, data: Data, epochs: int, batch: int, rate: float, seed: int) -> None:
        random = np.random.default_rng(seed)
        parameters = self.weights + self.biases
        first = [np.zeros_like(p) for p in parameters]
        second = [np.zeros_like(p) for p in parameters]
        steps = epochs * -(-len(data.labels) // batch)
        step = 0
        for _ in range(epochs):
            order = random.permutation(len(data.labels))
            for start in range(0, len(order), batch):
                chosen = order[start : start + batch]
                gradients = self._gradients(data.images[chosen], data.labels[chosen])
                now = rate * (1 + np.cos(np.pi * step / steps)) / 2
                step += 1
                for p, g, m, v in zip(parameters, gradients, first, second, strict=True):
                    m += 0.1 * (g - m)
                    v += 0.001 * (g * g - v)
                    p -= now * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)

    def _gradients(self, images: Array, labels: Labels) -> list[Array]:
        """Of the mean cross entropy, by all weights, then by all biases."""
        x = images
        seen: list[tuple[tuple[int, ...], Array, Array]] = []  # a layer's input shape, patches and result
        for (_, _, stride), weight, bias in zip(_LAYERS, self.weights, self.biases, strict=False):
            patches = _patches(x, stride)
            y = np.maximum(patches @ weight + bias, 0)
            seen.append((x.shape, patches, y))
            x = y.transpose(0, 3, 1, 2)
        features = x.mean((2, 3))
        logits = features @ self.weights[-1] + self.biases[-1]

        exponents = np.exp(logits - logits.max(1, keepdims=True))
        d_logits = exponents / exponents.sum(1, keepdims=True)
        d_logits[np.arange(len(labels)), labels] -= 1
        d_logits /= len(labels)
        weights, biases = [features.T @ d_logits], [d_logits.sum(0)]
        d_features = d_logits @ self.weights[-1].T
        d_y = np.broadcast_to(d_features[:, None, None] / (x.shape[2] * x.shape[3]), seen[-1][2].shape)
        for i in range(len(_LAYERS) - 1, -1, -1):
            shape, patches, y = seen[i]
            d_sum = d_y * (y > 0)
            flat = d_sum.reshape(-1, d_sum.shape[-1])
            weights.append(patches.reshape(len(flat), -1).T @ flat)
            biases.append(flat.sum(0))
            d_y = _scatter(d_sum @ self.weights[i].T, shape, _LAYERS[i][2]).transpose(0, 2, 3, 1)
        return weights[::-1] + biases[::-1]

    def to_onnx(self) -> ModelProto:
        """`x [N,1,8,8] -> y [N,10]`, the logits."""
        graph = Graph("digits", (1, 8, 8))
        y = graph.x
        for (c, k, stride), weight, bias in zip(_LAYERS, self.weights, self.biases, strict=False):
            kernel = graph.weight("weight", weight.T.reshape(k, c, 3, 3))
            attributes = {"kernel_shape": [3, 3], "strides": [stride, stride], "pads": [1, 1, 1, 1]}
            y = graph.op("Relu", graph.op("Conv", y, kernel, graph.weight("bias", bias), **attributes))
        y = graph.op("Flatten", graph.op("GlobalAveragePool", y))
        y = graph.op(
            "Gemm", y, graph.weight("weight", self.weights[-1]), graph.weight("bias", self.biases[-1])
        )
        return graph.finish(y, [_CLASSES])
