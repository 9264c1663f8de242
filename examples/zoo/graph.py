"""Graph: a float ONNX model built layer by layer, with seeded weights."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, TensorProto, checker, helper, numpy_helper

OPSET = 17
IR_VERSION = 8


class Graph:
    """A model with one input `x` `[N, *input_shape]`, or some that are added, and one output `y`, N dynamic.

    Values are called by name. Layers return the name of their result and name their weights after it.
    Batch normalizations after convolutions are taken as folded: a convolution has weights and a bias,
    scaled so that values neither grow nor fade.
    """

    def __init__(
        self,
        name: str,
        input_shape: Sequence[int] = (),
        seed: int = 0,
        dtype: npt.DTypeLike = np.float32,
        opset: int = OPSET,
    ):
        self.name = name
        self.dtype = np.dtype(dtype)
        self.x = "x"
        self._opset = opset
        self._random = np.random.default_rng(seed)
        self._channels: dict[str, int] = {}
        self._inputs: list[Any] = []
        self._nodes: list[Any] = []
        self._weights: list[TensorProto] = []
        if input_shape:
            self.input("x", self.dtype, ["N", *input_shape])
            self._channels["x"] = input_shape[0]

    def input(self, name: str, dtype: npt.DTypeLike, shape: Sequence[int | str]) -> str:
        """An input of the model; names stand for sizes that are dynamic."""
        element_type = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        self._inputs.append(helper.make_tensor_value_info(name, element_type, shape))
        return name

    def conv(
        self,
        x: str,
        channels: int,
        kernel: int | tuple[int, int],
        stride: int = 1,
        *,
        group: int = 1,
        relu: bool = True,
        gain: float | None = None,
    ) -> str:
        """A convolution to `channels` channels that keeps the size (over `stride`), and a Relu.

        gain: the result's standard deviation over the input's; by default 1 after the Relu.
        """
        height, width = kernel if isinstance(kernel, tuple) else (kernel, kernel)
        fan_in = self._channels[x] // group * height * width
        scale = (gain if gain is not None else 2**0.5 if relu else 1.0) / fan_in**0.5
        weight = self._random.standard_normal((channels, self._channels[x] // group, height, width)) * scale
        bias = self._random.standard_normal(channels) * 0.1
        attributes = {
            "kernel_shape": [height, width],
            "strides": [stride, stride],
            "pads": [height // 2, width // 2] * 2,
            "group": group,
        }
        y = self.op("Conv", x, self.weight("weight", weight), self.weight("bias", bias), **attributes)
        self._channels[y] = channels
        return self.op("Relu", y) if relu else y

    def linear(self, x: str, features: int) -> str:
        """`[N,C] -> [N,features]`, as exporters write it: Gemm with transB."""
        weight = self._random.standard_normal((features, self._channels[x])) / self._channels[x] ** 0.5
        bias = self._random.standard_normal(features) * 0.1
        y = self.op("Gemm", x, self.weight("weight", weight), self.weight("bias", bias), transB=1)
        self._channels[y] = features
        return y

    def norm(self, x: str) -> str:
        """A batch normalization that cannot be folded, as before a convolution."""
        shape = self._channels[x]
        values = {
            "scale": self._random.uniform(0.5, 1.5, shape),
            "shift": self._random.standard_normal(shape) * 0.1,
            "mean": self._random.standard_normal(shape) * 0.1,
            "variance": self._random.uniform(0.5, 1.5, shape),
        }
        return self.op("BatchNormalization", x, *(self.weight(role, value) for role, value in values.items()))

    def upconv(self, x: str, channels: int) -> str:
        """A transposed convolution to `channels` channels and twice the height and width, and a Relu."""
        scale = (2 / self._channels[x]) ** 0.5
        weight = self._random.standard_normal((self._channels[x], channels, 2, 2)) * scale
        bias = self._random.standard_normal(channels) * 0.1
        weights = self.weight("weight", weight), self.weight("bias", bias)
        y = self.op("ConvTranspose", x, *weights, kernel_shape=[2, 2], strides=[2, 2])
        self._channels[y] = channels
        return self.op("Relu", y)

    def concat(self, *inputs: str) -> str:
        """The channels of the inputs, one after the other."""
        y = self.op("Concat", *inputs, axis=1)
        self._channels[y] = sum(self._channels[x] for x in inputs)
        return y

    def halves(self, x: str) -> tuple[str, str]:
        """The two halves of the channels."""
        name = f"split_{len(self._nodes)}"
        names = (f"{name}_0", f"{name}_1")
        self._nodes.append(helper.make_node("Split", [x], names, name=name, axis=1))
        for half in names:
            self._channels[half] = self._channels[x] // 2
        return names

    def reshape(self, x: str, shape: Sequence[int]) -> str:
        """x in another shape, in Reshape's form."""
        return self.op("Reshape", x, self.constant("shape", np.array(shape, np.int64)))

    def channels(self, x: str) -> int:
        """How many channels the value has."""
        return self._channels[x]

    def op(self, op_type: str, *inputs: str, **attributes: Any) -> str:
        """Any operator with one result, which has the channels of the first input, if that has any."""
        y = f"{op_type.lower()}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(op_type, inputs, [y], name=y, **attributes))
        if inputs[0] in self._channels:
            self._channels[y] = self._channels[inputs[0]]
        return y

    def weight(self, role: str, values: npt.ArrayLike) -> str:
        """An initializer of the model's dtype, named after the node to come."""
        return self.constant(role, np.asarray(values, self.dtype))

    def normal(self, role: str, shape: Sequence[int], deviation: float, mean: float = 0) -> str:
        """A weight of normally distributed numbers."""
        return self.weight(role, self._random.standard_normal(shape) * deviation + mean)

    def constant(self, role: str, values: npt.NDArray[Any]) -> str:
        """An initializer, named after the node to come."""
        name = f"{role}_{len(self._nodes)}"
        self._weights.append(numpy_helper.from_array(values, name))
        return name

    def finish(self, y: str, output_shape: Sequence[int | str]) -> ModelProto:
        """The model; `y`, the result of the last layer, becomes its output `y` `[N, *output_shape]`."""
        if list(self._nodes[-1].output) != [y]:
            raise ValueError(f"{y} is not the result of the last layer")
        self._nodes[-1].output[:] = ["y"]
        element_type = helper.np_dtype_to_tensor_dtype(self.dtype)
        graph = helper.make_graph(
            self._nodes,
            self.name,
            self._inputs,
            [helper.make_tensor_value_info("y", element_type, ["N", *output_shape])],
            self._weights,
        )
        opsets = [helper.make_opsetid("", self._opset)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
        checker.check_model(model)
        return model
