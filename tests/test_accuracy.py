"""QDQ models with int8 activations, judged by what zoo.exact computes of the graph in float64."""

from typing import Any

import numpy as np
import pytest

from cases.builder import GraphBuilder
from qudnn import converter
from session import open_session, outputs
from zoo import exact
from zoo.distance import Distance, distance

STEP = 0.05


class Network(GraphBuilder):
    """int8 tensors `[n, 16, 12, 12]`, each quantized with one scale, zero points that differ."""

    def __init__(self) -> None:
        super().__init__()
        self.rng = np.random.default_rng(3)
        self.count = 0

    def pair(self, x: str, scale: float = STEP) -> str:
        self.count += 1
        name = f"t{self.count}"
        parameters = self.parameters(name, scale, self.count % 7 - 3, "int8")
        self.node("QuantizeLinear", [x, *parameters], f"{name}/q")
        return self.node("DequantizeLinear", [f"{name}/q", *parameters], name)

    def conv(self, x: str, channels: int = 16) -> str:
        """3x3, with weights that keep the size of values."""
        self.count += 1
        name = f"w{self.count}"
        scales = self.rng.uniform(0.5, 1.5, 16) / (74 * 3 * np.sqrt(channels))
        w = self.constant(f"{name}_8", self.rng.integers(-127, 128, (16, channels, 3, 3)), "int8")
        parameters = [
            self.constant(f"{name}_scale", scales, "float32"),
            self.constant(f"{name}_zero", np.zeros(16), "int8"),
        ]
        weights = self.node("DequantizeLinear", [w, *parameters], name, axis=0)
        return self.node("Conv", [x, weights], f"c{self.count}", pads=[1, 1, 1, 1])

    def unary(self, op: str, x: str, **attributes: Any) -> str:
        self.count += 1
        return self.node(op, [x], f"u{self.count}", **attributes)

    def binary(self, op: str, a: str, b: str, **attributes: Any) -> str:
        self.count += 1
        return self.node(op, [a, b], f"b{self.count}", **attributes)


def residual(net: Network, x: str) -> str:
    for _ in range(4):
        y = net.pair(net.conv(net.pair(net.unary("Relu", net.conv(x)))))
        x = net.pair(net.binary("Add", x, y))
    return x


def silu(net: Network, x: str) -> str:
    for _ in range(3):
        y = net.pair(net.conv(x))
        y = net.pair(net.binary("Mul", y, net.pair(net.unary("Sigmoid", y), 1 / 256)))
        x = net.pair(net.binary("Add", x, y))
    return x


def concatenated(net: Network, x: str) -> str:
    for _ in range(3):
        joined = net.pair(net.binary("Concat", net.pair(net.conv(x)), x, axis=1))
        x = net.pair(net.conv(joined, 32))
    return x


def pooled(net: Network, x: str) -> str:
    """With a gate for each channel, of the mean over all pixels."""
    for _ in range(3):
        y = net.pair(net.conv(x))
        means = net.pair(net.unary("GlobalAveragePool", y), 0.01)
        gate = net.pair(net.unary("HardSigmoid", means), 1 / 256)
        y = net.pair(net.binary("Mul", y, gate))
        large = net.pair(net.unary("MaxPool", y, kernel_shape=[3, 3], pads=[1] * 4))
        x = net.pair(net.binary("Add", large, x))
    return x


def resized(net: Network, x: str) -> str:
    sizes = [net.constant("roi", np.zeros(0), "float32"), net.constant("twice", [1, 1, 2, 2], "float32")]
    for _ in range(2):
        small = net.pair(net.unary("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2]))
        net.count += 1
        large = net.node("Resize", [small, *sizes], f"r{net.count}", mode="linear")
        x = net.pair(net.binary("Add", net.pair(large), net.pair(net.conv(x))))
    return x


NETWORKS = {build.__name__: build for build in (residual, silu, concatenated, pooled, resized)}


@pytest.mark.parametrize("name", NETWORKS)
def test_as_near_as_onnxruntime(name: str) -> None:
    """Summed over inputs: one rounding of a float32 sum may go either way, whoever computes it."""
    net = Network()
    y = NETWORKS[name](net, net.pair(net.input("x", "float32", ["n", 16, 12, 12])))
    net.output(y, "float32", ["n", 16, 12, 12])
    model = net.model(17)
    conversion = converter.convert(model)
    report = conversion.report
    assert not report.left, str(report)
    assert {entry.op_type for entry in report.approximate} <= {"Conv", "AveragePool", "GlobalAveragePool"}
    sessions = {"qudnn": open_session(conversion.model), "onnxruntime": open_session(model)}
    found = dict.fromkeys(sessions, Distance())
    for seed in range(4):
        feed = {"x": np.random.default_rng(seed).normal(0, 2, (2, 16, 12, 12)).astype(np.float32)}
        want = exact.run(model, feed)
        assert len(np.unique(next(iter(want.values())))) > 50
        for who, session in sessions.items():
            found[who] = found[who].plus(distance(model, outputs(session, feed), want))
    assert found["qudnn"].different <= found["onnxruntime"].different
    assert found["qudnn"].largest <= found["onnxruntime"].largest + 1e-3
