"""What becomes of one model: how much converts, whether it has onnxruntime's bits, what is left and why."""

from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime

from qudnn import converter
from qudnn.converter.cli.random_inputs import random_inputs
from qudnn.converter.cli.shapes import Input, inputs_of
from zoo.measure import different_bits

_FIRST_SIZE, _OTHER_SIZES = 2, 16  # of axes without a fixed one


@dataclass(frozen=True)
class Outcome:
    """model: the file's name. failed: why it was not converted; nothing else is known then.

    not_compared: why its results are unknown; onnxruntime does not open some of the originals.

    quantized, converted: nodes. crossings: entries and exits. approximate: nodes that the report declares.
    different, elements: of the results, against onnxruntime's CPU provider with its default options.
    left: the quantized nodes that stay, as "operator: reason", and how many of each.
    """

    model: str
    failed: str = ""
    not_compared: str = ""
    quantized: int = 0
    converted: int = 0
    islands: int = 0
    crossings: int = 0
    approximate: int = 0
    different: int = 0
    elements: int = 0
    left: dict[str, int] = field(default_factory=dict)

    @property
    def tool(self) -> str:
        """What the file's name begins with."""
        return self.model.partition("-")[0]


def outcome(path: Path) -> Outcome:
    """Convert the model in a file and compare it with the original, on random inputs."""
    try:
        conversion = converter.convert(path)
        report = conversion.report
        found = Outcome(
            path.stem,
            quantized=report.quantized_nodes,
            converted=report.converted_nodes,
            islands=report.islands,
            crossings=report.entries + report.exits,
            approximate=len(report.approximate),
            left=dict(Counter(f"{node.op_type}: {node.reason}" for node in report.left if node.quantized)),
        )
    except Exception as error:
        return Outcome(path.stem, failed=_first_line(error))
    try:
        different, elements = _differences(path, conversion.model)
    except Exception as error:
        return replace(found, not_compared=_first_line(error))
    return replace(found, different=different, elements=elements)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or repr(error)).splitlines()[0]


def _differences(path: Path, model: onnx.ModelProto) -> tuple[int, int]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    cpu = ["CPUExecutionProvider"]
    original = onnxruntime.InferenceSession(path, options, providers=cpu)
    converted = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=cpu)
    feed = random_feed(model)
    pairs: list[tuple[Any, Any]] = list(zip(original.run(None, feed), converted.run(None, feed), strict=True))
    return sum(different_bits(want, got) for want, got in pairs), sum(want.size for want, _ in pairs)


def random_feed(model: onnx.ModelProto) -> dict[str, Any]:
    """Inputs of a model by name, unknown sizes being small ones."""
    inputs = inputs_of(model)
    return random_inputs(inputs, {value.name: _sizes(value) for value in inputs}, np.random.default_rng(0))


def _sizes(value: Input) -> tuple[int, ...]:
    return tuple(
        size if isinstance(size, int) and size > 0 else _OTHER_SIZES if axis else _FIRST_SIZE
        for axis, size in enumerate(value.dims or ())
    )
