"""Which layers lose most in 8 bits: models that compute it, and the ranking."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import TensorProto, compose, helper

from qudnn.converter.graph.op_traits import Trait, has_trait
from qudnn.converter.qdq.linear import dequantizes, quantizes
from qudnn.converter.quantization.fidelity import decibels, finite
from qudnn.converter.quantization.quantizer import Feed
from qudnn.converter.quantization.running import Runner

_QUANTIZED = "qudnn/quantized/"
_OWN = "qudnn/own/"
_MOST_RUNS = 512  # of the model for the effects of all layers; so many samples are taken as fit


class Layer(NamedTuple):
    """A quantized operator and its errors, as signal-to-noise ratios in dB.

    own: of its result in 8 bits, with the float model's inputs in 8 bits. so_far: in the quantized model.
    effect: of the model's outputs, if it alone is in 8 bits; None where that was not measured.
    """

    name: str
    op_type: str
    own: float
    so_far: float
    effect: float | None = None

    def document(self) -> dict[str, Any]:
        """As what JSON can hold."""
        return {
            "name": self.name,
            "op_type": self.op_type,
            "own_sqnr_db": finite(self.own),
            "so_far_sqnr_db": finite(self.so_far),
            "effect_sqnr_db": finite(self.effect),
        }


def rank(
    prepared: onnx.ModelProto,
    quantized: onnx.ModelProto,
    samples: Sequence[Feed],
    folder: Path,
    in_float: Sequence[str],
    with_effects: bool,
) -> list[Layer]:
    """The quantized operators that compute, the worst first: by their effect on the outputs, or own error.

    prepared: the float model that was quantized; nodes of both have the same names. in_float: the names of
    those that were left. with_effects: takes a run of the model for each layer, on some of the samples.
    Raises ConversionError.
    """
    twin = _Twin(prepared, quantized, {*in_float})
    if not twin.layers:
        return []
    layers = twin.errors(samples, folder)
    if with_effects:
        effects = twin.effects(samples[: max(1, _MOST_RUNS // len(layers))], folder)
        layers = [layer._replace(effect=effect) for layer, effect in zip(layers, effects, strict=True)]
    return sorted(layers, key=lambda layer: layer.own if layer.effect is None else layer.effect)


class _Twin:
    """A float model and the quantized one, whose nodes and tensors get a prefix.

    layers: the quantized operators, and the tensor of the float model that each computes: that of the Relu
    after it, where that is done by quantizing.
    """

    def __init__(self, prepared: onnx.ModelProto, quantized: onnx.ModelProto, in_float: set[str]) -> None:
        self._prepared, self._quantized = prepared, quantized
        self._twin = compose.add_prefix_graph(quantized.graph, _QUANTIZED, rename_inputs=False)
        self._names = {name for node in prepared.graph.node for name in node.output}
        self._names |= {value.name for value in prepared.graph.input}
        self._constants = {tensor.name for tensor in self._twin.initializer}
        self._makers = {name: node for node in self._twin.node for name in node.output}
        self._steps = {
            node.input[0]: node for node in self._twin.node if quantizes(node) or dequantizes(node)
        }
        floats = {node.name: node.op_type for node in prepared.graph.node if node.name not in in_float}
        same = (node for node in self._twin.node if floats.get(self._plain(node.name)) == node.op_type)
        found = ((node, self._computed(node)) for node in same if self._is_layer(node))
        self.layers = [(node, wanted) for node, wanted in found if wanted]

    def errors(self, samples: Sequence[Feed], folder: Path) -> list[Layer]:
        """Their own errors and those so far, in the order of the graph: both models run side by side."""
        model = self._model()
        graph = model.graph
        del graph.output[:]
        graph.node.extend(self._twin.node)
        for number, (node, wanted) in enumerate(self.layers):
            prefix = f"{_OWN}{number}/"
            added, own = self._alone(node, prefix)
            graph.node.extend(added)
            _power(graph, wanted, f"{prefix}signal")
            pair = self._pair(node)
            so_far = pair[-1].output[0] if pair else node.output[0]
            for got, name in (own, "noise"), (so_far, "so_far"):
                graph.node.append(helper.make_node("Sub", [got, wanted], [f"{prefix}{name}/difference"]))
                _power(graph, f"{prefix}{name}/difference", f"{prefix}{name}")
        run = Runner(model, folder)
        sums = np.zeros((len(self.layers), 3))
        for feed in samples:
            sums += np.array(run(feed), np.float64).reshape(-1, 3)
        return [
            Layer(self._plain(node.name), node.op_type, decibels(signal, own), decibels(signal, so_far))
            for (node, _), (signal, own, so_far) in zip(self.layers, sums.tolist(), strict=True)
        ]

    def effects(self, samples: Sequence[Feed], folder: Path) -> list[float]:
        """The outputs' signal-to-noise ratio with each layer alone in 8 bits, in the order of the graph.

        One model has both forms of each layer, and an input for each says which of them counts.
        """
        model = self._model()
        graph = model.graph
        numbers = {wanted: number for number, (_, wanted) in enumerate(self.layers)}
        for node in list(graph.node):
            for place, result in enumerate(node.output):
                number = numbers.get(result)
                if number is None:
                    continue
                prefix = f"{_OWN}{number}/"
                added, own = self._alone(self.layers[number][0], prefix)
                node.output[place] = f"{prefix}float"
                graph.node.extend(added)
                graph.node.append(
                    helper.make_node("Where", [f"{prefix}chosen", own, f"{prefix}float"], [result])
                )
                graph.input.append(helper.make_tensor_value_info(f"{prefix}chosen", TensorProto.BOOL, []))
        run = Runner(model, folder)
        power = np.zeros((len(self.layers), 2))
        for feed in samples:
            choice = {f"{_OWN}{number}/chosen": np.array(False) for number in range(len(self.layers))}
            want = [y.astype(np.float64) for y in run({**feed, **choice}) if y.dtype.kind == "f"]
            signal = sum(float(np.square(y).sum()) for y in want)
            for number in range(len(self.layers)):
                chosen = {f"{_OWN}{number}/chosen": np.array(True)}
                got = [y for y in run({**feed, **choice, **chosen}) if y.dtype.kind == "f"]
                noise = sum(float(np.square(y - w).sum()) for y, w in zip(got, want, strict=True))
                power[number] += signal, noise
        return [decibels(signal, noise) for signal, noise in power.tolist()]

    def _model(self) -> onnx.ModelProto:
        """The float model, with the quantized one's constants."""
        model = onnx.ModelProto(ir_version=max(self._prepared.ir_version, self._quantized.ir_version))
        model.opset_import.extend(self._quantized.opset_import)
        known = {each.domain for each in self._quantized.opset_import}
        model.opset_import.extend(each for each in self._prepared.opset_import if each.domain not in known)
        model.functions.extend(self._prepared.functions)
        model.graph.CopyFrom(self._prepared.graph)
        model.graph.initializer.extend(self._twin.initializer)
        return model

    def _is_layer(self, node: onnx.NodeProto) -> bool:
        """Whether it computes on dequantized tensors what the float model computes, too."""
        if quantizes(node) or dequantizes(node) or has_trait(node, Trait.MOVES | Trait.CHOOSES):
            return False
        made = [self._makers[name] for name in node.input if name in self._makers]
        there = all(
            not name or name in self._makers or name in self._constants or self._plain(name) in self._names
            for name in node.input
        )
        return there and any(map(dequantizes, made))

    def _computed(self, node: onnx.NodeProto) -> str:
        """The float model's tensor that it computes; empty where there is none."""
        ends = [node.output[0], *(step.output[0] for step in self._pair(node))]
        return next((self._plain(name) for name in reversed(ends) if self._plain(name) in self._names), "")

    def _pair(self, node: onnx.NodeProto) -> list[onnx.NodeProto]:
        """The QuantizeLinear and DequantizeLinear of its result; nothing where that stays in float."""
        quantize = self._steps.get(node.output[0])
        dequantize = None if quantize is None else self._steps.get(quantize.output[0])
        return [] if quantize is None or dequantize is None else [quantize, dequantize]

    def _plain(self, name: str) -> str:
        return name.removeprefix(_QUANTIZED)

    def _alone(self, node: onnx.NodeProto, prefix: str) -> tuple[list[onnx.NodeProto], str]:
        """The operator on the float model's tensors, in the 8 bits that the quantized one has for them.

        Gives its nodes and its result.
        """
        nodes = []
        operator = _copy(node, f"{prefix}result")
        for index, name in enumerate(node.input):
            dequantize = self._makers.get(name)
            if dequantize is None or not dequantizes(dequantize):
                operator.input[index] = self._plain(name) if self._plain(name) in self._names else name
                continue
            quantize = self._makers.get(dequantize.input[0])
            steps = [dequantize] if quantize is None else [quantize, dequantize]
            source = steps[0].input[0]
            source = self._plain(source) if self._plain(source) in self._names else source
            nodes += _chain(steps, source, f"{prefix}{index}/")
            operator.input[index] = nodes[-1].output[0]
        nodes += [operator, *_chain(self._pair(node), operator.output[0], f"{prefix}y/")]
        return nodes, nodes[-1].output[0]


def _chain(steps: Sequence[onnx.NodeProto], source: str, prefix: str) -> list[onnx.NodeProto]:
    """Copies of the steps, of which the first reads the source and each other one the result before it."""
    nodes = []
    for place, step in enumerate(steps):
        nodes.append(_copy(step, f"{prefix}{place}"))
        nodes[-1].input[0] = source
        source = nodes[-1].output[0]
    return nodes


def _copy(node: onnx.NodeProto, result: str) -> onnx.NodeProto:
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    copy.name, copy.output[:] = result, [result]
    return copy


def _power(graph: onnx.GraphProto, name: str, result: str) -> None:
    graph.node.append(helper.make_node("ReduceSumSquare", [name], [result], keepdims=0))
    graph.output.append(helper.make_tensor_value_info(result, TensorProto.FLOAT, []))
