"""BERT-base and ViT-B/16 in int8 through qudnn, against what onnxruntime does with them, fp32 and fp16.

    python -m benchmarks.models.transformer --make-models DIR   once, with PyTorch, transformers, and an
                                                                onnxruntime that has its quantizer
    python -m benchmarks.models.transformer --models DIR        writes benchmarks/results/transformer-*.json

A recipe says what is quantized: `matmul` the matmuls, those of computed tensors among them, `all`
everything that the quantizer can; each statically, in both forms, and dynamically. Times are medians with
inputs and results on the GPU. Results are compared with those of the unconverted model on the CPU provider:
what stays in floating point is computed in other ways on a GPU, and the next quantizer turns a difference
there into one of a quantum; so the unconverted model on the GPU is compared too. onnxruntime also fuses
floating-point operators, other ones in a converted model. So that only the conversion tells, the function
bodies on the CPU provider are compared with the original without optimizations; with them where the
original is QDQ, which they make a model of integers. Without a GPU all sessions are the CPU's.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import onnx
import onnxruntime
from onnxruntime import InferenceSession as Session

from benchmarks.models.transformer_models import (
    ARCHITECTURES,
    FORMS,
    RECIPES,
    inputs,
    make_models,
    reads_words,
)
from benchmarks.report import outcome
from qudnn import converter, custom_ops
from qudnn.custom_ops import cuda
from qudnn.custom_ops.measuring.bound import Feed, on_gpu, on_gpu_only
from qudnn.custom_ops.options import Tune
from qudnn.custom_ops.profile import ON_SHAPES, kernels
from zoo.measure import CPU, cpu_session

ROOT = Path(__file__).resolve().parents[2]


GRAPH = ", CUDA graph"
QUDNN, UNCONVERTED, BODIES = "qudnn", "unconverted", "function bodies"
FLOATS = ("fp32", "fp16")
COMPARED = 8  # results are compared up to this batch size
FASTER_AT = (8, 32)  # batch sizes at which qudnn has to be faster than fp16


class Shape(NamedTuple):
    """Sizes of a model's inputs; tokens: 0 for images."""

    batch: int
    tokens: int

    def __str__(self) -> str:
        return f"{self.batch} x {self.tokens}" if self.tokens else str(self.batch)


class Benchmark:
    """How models are run and measured.

    fixed: whether sessions know their shapes, so that onnxruntime folds the arithmetic on these.
    """

    def __init__(self, runs: int, tune: Tune, fixed: bool):
        self.runs, self.tune, self.fixed = runs, tune, fixed
        self.gpu = cuda.driver_present()

    def times(self, title: str, model: Path | bytes, ours: bool, shape: Shape, feed: Feed) -> outcome.Row:
        """By peer: with CUDA graph and without."""

        def measured(graph: bool) -> outcome.Row:
            session = self.open(model, shape, ours=ours, graph=graph)
            return outcome.milliseconds(session, feed, self.runs)

        rows = {}
        for graph in (False, True) if self.gpu else (False,):
            name = title + GRAPH * graph
            rows[name] = outcome.attempt(partial(measured, graph))
            print(f"  {shape!s:10} {name:24} {outcome.describe(rows[name])}", flush=True)
        return rows

    def bits(
        self, original: onnx.ModelProto, converted: bytes, feeds: dict[Shape, Feed], optimize_bodies: bool
    ) -> dict[str, outcome.Row]:
        """Differences from the original on the CPU provider, by who differs."""
        plain = original.SerializeToString()
        options = onnxruntime.SessionOptions()
        if not optimize_bodies:
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL

        def results(make: Callable[[Shape], Session]) -> list[Any]:
            return [y for shape, feed in feeds.items() for y in make(shape).run(None, feed)]

        def compare(make: Callable[[Shape], Session], expected: list[Any]) -> outcome.Row:
            return outcome.differences(expected, results(make))

        optimized = results(lambda _: cpu_session(original))
        as_bodies = results(lambda _: Session(plain, options, providers=CPU))
        others: dict[str, tuple[Callable[[Shape], Session], list[Any]]] = {
            QUDNN: (lambda shape: self.open(converted, shape, ours=True), optimized),
            UNCONVERTED: (lambda shape: self.open(plain, shape), optimized),
            BODIES: (lambda _: Session(converted, options, providers=CPU), as_bodies),
        }
        return {name: outcome.attempt(partial(compare, *pair)) for name, pair in others.items()}

    def off_the_gpu(self, converted: bytes, shape: Shape, feed: Feed) -> dict[str, int]:
        with TemporaryDirectory(prefix="profile-") as folder:
            session = self.open(converted, shape, ours=True, profile=Path(folder))
            session.run(None, dict(feed))
            return outcome.off_the_gpu(kernels(session))

    def open(
        self,
        model: Path | bytes,
        shape: Shape,
        *,
        ours: bool = False,
        graph: bool = False,
        profile: Path | None = None,
    ) -> Session:
        """A session; ours: with qudnn. Raises RuntimeError where onnxruntime falls back to the CPU."""
        options = onnxruntime.SessionOptions()
        if self.fixed:
            for name, size in (("batch", shape.batch), ("sequence", shape.tokens)):
                options.add_free_dimension_override_by_name(name, size)
        if profile:
            options.enable_profiling = True
            options.profile_file_prefix = str(profile / "profile")
        given = on_gpu(**({"enable_cuda_graph": "1"} if graph else {})) if self.gpu else CPU
        if ours:
            session: Session = custom_ops.InferenceSession(model, options, providers=given, tune=self.tune)
        else:
            session = Session(model, options, providers=given)
        return on_gpu_only(session) if self.gpu else session

    def quantized(self, path: Path, feeds: dict[Shape, Feed]) -> outcome.Row:
        """One quantized model: its conversion, its bits, its nodes off the GPU, its times."""
        original = onnx.load(path)
        conversion = converter.convert(original)
        converted = conversion.model.SerializeToString()
        row = outcome.conversion(conversion.report)
        few = min(shape.tokens for shape in feeds)
        compared = {s: feed for s, feed in feeds.items() if s.batch <= COMPARED and s.tokens == few}
        row["differences"] = self.bits(original, converted, compared, ".QDQ." in path.name)
        if self.gpu:
            smallest = min(feeds)
            row["off the GPU"] = self.off_the_gpu(converted, smallest, feeds[smallest])
        row["ms"] = {
            str(shape): self.times(UNCONVERTED, path, False, shape, feed)
            | self.times(QUDNN, converted, True, shape, feed)
            for shape, feed in feeds.items()
        }
        return row


def feeds_of(path: Path, batches: list[int], tokens: list[int]) -> dict[Shape, Feed]:
    model = onnx.load(path)
    sizes = tokens if reads_words(model) else [0]
    shapes = [Shape(batch, size) for batch in batches for size in sizes]
    return {shape: inputs(model, *shape) for shape in shapes}


def check(models: dict[str, outcome.Row], gpu: bool) -> dict[str, bool]:
    """Whether everything ran, and on a GPU which of the promises hold."""
    quantized = [form for model in models.values() for form in model["quantized"].values()]
    checks = {
        "every converted model runs": all(
            "failed" not in form and "failed" not in form["differences"][QUDNN] for form in quantized
        )
    }
    if gpu:
        checks["no node off the GPU but those that compute shapes"] = all(
            "off the GPU" in form
            and form["off the GPU"].keys() <= {f"CPUExecutionProvider/{op_type}" for op_type in ON_SHAPES}
            for form in quantized
        )
        checks[f"faster than fp16 at batch {', '.join(map(str, FASTER_AT))}"] = all(
            faster for model in models.values() for faster in _faster(model)
        )
    return checks


def _faster(model: outcome.Row) -> Iterator[bool]:
    """For each form and shape: whether qudnn takes less time than fp16, each in its faster way."""
    for form in model["quantized"].values():
        for shape, rows in form.get("ms", {}).items():
            if int(shape.split()[0]) in FASTER_AT:
                yield outcome.fastest(rows, QUDNN, QUDNN + GRAPH) < outcome.fastest(
                    model["float"][shape], "fp16", "fp16" + GRAPH
                )


def main() -> int:
    arguments = parse()
    if arguments.make_models:
        make_models(arguments.make_models, arguments.model, arguments.recipe, arguments.quick)
        return 0
    cuda.load_libraries()  # for the peers' sessions
    benchmark = Benchmark(arguments.runs, arguments.tune, arguments.fixed_shapes)
    models: dict[str, outcome.Row] = {}
    result: outcome.Row = {
        "runs": arguments.runs,
        "tune": arguments.tune,
        "fixed shapes": arguments.fixed_shapes,
        "models": models,
    }
    for name in arguments.model:
        source = arguments.models / f"{name}.fp32.onnx"
        if not source.is_file():
            continue
        feeds = feeds_of(source, arguments.batch, arguments.tokens)
        print(name, flush=True)
        models[name] = {"float": {str(shape): {} for shape in feeds}, "quantized": {}}
        for kind in FLOATS:
            for shape, feed in feeds.items():
                models[name]["float"][str(shape)] |= benchmark.times(
                    kind, arguments.models / f"{name}.{kind}.onnx", False, shape, feed
                )
        for recipe in arguments.recipe:
            for form in arguments.form:
                path = arguments.models / f"{name}.{recipe}.{form}.onnx"
                if not path.is_file():
                    continue
                print(f"{name}, {recipe}, {form}", flush=True)
                row = outcome.attempt(partial(benchmark.quantized, path, feeds))
                models[name]["quantized"][f"{recipe}, {form}"] = row
                print({key: row[key] for key in row if key not in ("left", "ms")}, flush=True)
                result["checks"] = check(models, benchmark.gpu)
                result["passed"] = all(result["checks"].values())
                out = outcome.write("transformer", result, arguments.out, arguments.commit)  # what there is
    if not any(model["quantized"] for model in models.values()):
        raise SystemExit(f"no models in {arguments.models}: make them with --make-models {arguments.models}")
    print(result["checks"])
    print(out)
    return 0 if result["passed"] else 1


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--make-models", type=Path, metavar="DIR", help="write those models that DIR lacks, and stop"
    )
    parser.add_argument("--models", type=Path, metavar="DIR", default=ROOT / "build" / "transformer")
    parser.add_argument("--model", nargs="+", choices=ARCHITECTURES, default=list(ARCHITECTURES))
    parser.add_argument("--recipe", nargs="+", choices=RECIPES, default=list(RECIPES))
    parser.add_argument("--form", nargs="+", choices=FORMS, default=list(FORMS))
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--tokens", type=int, nargs="+", default=[128, 384], help="lengths of sequences")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--tune", choices=("full", "heuristic"), default="full", help="how plans are made")
    parser.add_argument("--fixed-shapes", action="store_true", help="sessions know their shapes")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="a try: small models where they are made, one small shape and few runs where they are measured",
    )
    parser.add_argument("--out", type=Path, help="the result's file")
    parser.add_argument("--commit", help="the commit that is measured, where git cannot tell")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.batch, arguments.tokens, arguments.runs = [1, 8], [16], 3
        arguments.tune = "heuristic"
    return arguments


if __name__ == "__main__":
    sys.exit(main())
