"""How near results of quantized models are to those of the same graph in float64.

    python benchmarks/accuracy.py NAME=MODEL.onnx ...    writes benchmarks/results/accuracy-*.json

Between DequantizeLinear and QuantizeLinear a model says what to compute in real numbers; zoo.exact computes
it so. What onnxruntime's CPU provider makes of it, optimized as it is by default or not at all, and the
converted model, on its function bodies, are compared with that, and with one another. Inputs are random:
normal, or over the whole range of an integer type; sizes that are unknown are 1.

Each operator that the report calls approximate is compared by itself, too, on exact inputs: what one layer
does wrong, and not what the layers after it make of it.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime

import outcome
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
    parser.add_argument("--seeds", type=int, default=16, help="how many random inputs (default: 16)")
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
    """The row of a model: for each comparison, elements that differ, and steps between them."""
    conversion = converter.convert(model)
    unoptimized = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    sessions = {
        "qudnn": session(conversion.model),
        "default": session(model),
        "unoptimized": session(model, unoptimized),
    }
    found = dict.fromkeys(COMPARISONS, Distance())
    for seed in range(seeds):
        feed = random_inputs(sessions["default"], seed)
        results = {name: outputs(each, feed) for name, each in sessions.items()}
        results["exact"] = exact.run(model, feed)
        for a, b in COMPARISONS:
            found[a, b] = found[a, b].plus(distance(model, results[a], results[b]))
    return {
        "elements": found[COMPARISONS[0]].elements,
        "approximate": len(conversion.report.approximate),
        "layers": by_layers(
            model,
            conversion.report,
            [random_inputs(sessions["default"], seed) for seed in range(LAYER_SEEDS)],
        ),
        "distances": {
            f"{a} from {b}": {
                "different": d.different,
                "largest": round(d.largest, 3),
                "mean": round(d.total / max(d.elements, 1), 6),
            }
            for (a, b), d in found.items()
        },
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
    rng = np.random.default_rng(seed)
    feed: Feed = {}
    for x in opened.get_inputs():
        shape = [size if isinstance(size, int) and size > 0 else 1 for size in x.shape]
        if x.type == "tensor(float)":
            feed[x.name] = rng.standard_normal(shape).astype(np.float32)
        else:
            dtype = np.dtype(x.type.removeprefix("tensor(").removesuffix(")"))
            bounds = np.iinfo(dtype)
            feed[x.name] = rng.integers(bounds.min, bounds.max, shape, dtype, endpoint=True)
    return feed


if __name__ == "__main__":
    main()
