"""How near results of quantized models are to those of the same graph in float64.

    python -m benchmarks.models.accuracy NAME=MODEL.onnx ...    writes benchmarks/results/accuracy-*.json

Between DequantizeLinear and QuantizeLinear a model says what to compute in real numbers; zoo.exact computes
it so. What onnxruntime's CPU provider makes of it, optimized as it is by default or not at all, and the
converted model, on its function bodies, are compared with that, and with one another. Inputs are random:
normal, or over the whole range of an integer type; sizes that are unknown are 1. There is one small input
besides: normal, or integers from 0 to 15; sizes that are unknown are 2 in front, and else 16.

Each operator that the report calls approximate is compared by itself, too, on exact inputs: what one layer
does wrong, and not what the layers after it make of it.
"""

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime

from benchmarks.report import outcome
from qudnn import converter
from zoo import exact
from zoo.distance import Distance, distance
from zoo.layers import layer

Feed = dict[str, npt.NDArray[Any]]

# What is compared with what.
COMPARISONS = (
    ("qudnn", "exact"),
    ("default", "exact"),
    ("unoptimized", "exact"),
    ("qudnn", "default"),
    ("unoptimized", "default"),
)

LAYER_SEEDS = 4  # how many inputs of each model its operators are compared on one by one


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="NAME=MODEL.onnx")
    parser.add_argument("--seeds", type=int, default=24, help="how many random inputs (default: 24)")
    parser.add_argument("--out", type=Path, help="the file to write")
    arguments = parser.parse_args()
    rows = {}
    for argument in arguments.models:
        name, _, path = argument.rpartition("=")
        rows[name or Path(path).stem] = measure(onnx.load(path), arguments.seeds)
        print(name or path, json.dumps(rows[name or Path(path).stem], indent=2), flush=True)
    result = {"inputs": arguments.seeds, "models": rows}
    print(f"wrote {outcome.write('accuracy', result, arguments.out)}")


def measure(model: onnx.ModelProto, seeds: int) -> outcome.Row:
    """The row of a model: for each comparison, elements of each input that differ, and steps between them."""
    conversion = converter.convert(model)
    unoptimized = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    sessions = {
        "qudnn": session(conversion.model),
        "default": session(model),
        "unoptimized": session(model, unoptimized),
    }
    found = [compared(model, sessions, random_inputs(sessions["default"], seed)) for seed in range(seeds)]
    small = compared(model, sessions, small_inputs(sessions["default"]))
    return {
        "elements": found[0][COMPARISONS[0]].elements,
        "elements of the small input": small[COMPARISONS[0]].elements,
        "approximate": len(conversion.report.approximate),
        "layers": by_layers(
            model,
            conversion.report,
            [random_inputs(sessions["default"], seed) for seed in range(LAYER_SEEDS)],
        ),
        "distances": {f"{a} from {b}": distances([each[a, b] for each in found]) for a, b in COMPARISONS},
        "of the small input": {f"{a} from {b}": distances([small[a, b]]) for a, b in COMPARISONS},
    }


def compared(
    model: onnx.ModelProto, sessions: Mapping[str, onnxruntime.InferenceSession], feed: Feed
) -> dict[tuple[str, str], Distance]:
    """The distances between the results for one input."""
    results = {name: outputs(each, feed) for name, each in sessions.items()}
    results["exact"] = exact.run(model, feed)
    return {(a, b): distance(model, results[a], results[b]) for a, b in COMPARISONS}


def distances(found: Sequence[Distance]) -> outcome.Row:
    """different: of each input, how many elements. largest, mean: of all inputs, in steps."""
    total = sum(each.total for each in found)
    return {
        "different": [each.different for each in found],
        "largest": round(max(each.largest for each in found), 3),
        "mean": round(total / max(sum(each.elements for each in found), 1), 6),
    }


def by_layers(model: onnx.ModelProto, report: converter.Report, feeds: Sequence[Feed]) -> outcome.Row:
    """Of the approximate operators, each on exact inputs: elements, and those that are not exact."""
    found = [layer(model, entry.name) for entry in report.approximate]
    layers = [each for each in found if each is not None]
    conversions = [converter.convert(each) for each in layers]
    if not all(conversion.report.converted for conversion in conversions):
        raise RuntimeError("an operator converts only among others")
    sessions = {
        "qudnn": [session(conversion.model) for conversion in conversions],
        "default": list(map(session, layers)),
    }
    tensors = {value.name for each in layers for value in (*each.graph.input, *each.graph.output)}
    row = {"operators": len(layers), "elements": 0, **dict.fromkeys(sessions, 0)}
    for feed in feeds:
        values = exact.run(model, feed, sorted(tensors - set(feed))) | feed
        for number, each in enumerate(layers):
            inputs = {value.name: values[value.name] for value in each.graph.input}
            want = values[each.graph.output[0].name]
            row["elements"] += want.size
            for name, opened in sessions.items():
                (got,) = outputs(opened[number], inputs).values()
                row[name] += int(np.count_nonzero(got != want))
    return row


def session(
    model: onnx.ModelProto, level: onnxruntime.GraphOptimizationLevel | None = None
) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    if level is not None:
        options.graph_optimization_level = level
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def outputs(opened: onnxruntime.InferenceSession, feed: Feed) -> Feed:
    names = [output.name for output in opened.get_outputs()]
    return dict(zip(names, opened.run(names, feed), strict=True))


def random_inputs(opened: onnxruntime.InferenceSession, seed: int) -> Feed:
    return _inputs(opened, seed, (1, 1), lambda dtype: (np.iinfo(dtype).min, np.iinfo(dtype).max))


def small_inputs(opened: onnxruntime.InferenceSession) -> Feed:
    return _inputs(opened, 0, (2, 16), lambda dtype: (0, 15))


def _inputs(
    opened: onnxruntime.InferenceSession,
    seed: int,
    unknown: tuple[int, int],
    bounds: Callable[[np.dtype[Any]], tuple[int, int]],
) -> Feed:
    """unknown: sizes in the place of those that are, in front and elsewhere. bounds: of integers."""
    rng = np.random.default_rng(seed)
    feed: Feed = {}
    for x in opened.get_inputs():
        shape = [
            size if isinstance(size, int) and size > 0 else unknown[axis > 0]
            for axis, size in enumerate(x.shape)
        ]
        if x.type == "tensor(float)":
            feed[x.name] = rng.standard_normal(shape).astype(np.float32)
        else:
            dtype = np.dtype(x.type.removeprefix("tensor(").removesuffix(")"))
            feed[x.name] = rng.integers(*bounds(dtype), shape, endpoint=True).astype(dtype)
    return feed


if __name__ == "__main__":
    main()
