"""int8 matmuls of BERT-base's shapes: qudnn's, with its epilogue, against plain ones of cuBLASLt.

    python -m benchmarks.kernels.gemm        writes benchmarks/results/gemm-*.json; needs a GPU and PyTorch

qudnn's QMatMul adds a bias, requantizes and writes int8; the plain matmuls write int32. Each is captured
in CUDA graphs, a short and a long row of repeats: the difference of their times is that of the repeats
alone. `cold`: each repeat has operands and a result of its own, together several times as large as the L2
cache; `warm`: all repeats read the same operands. Results are compared, too.
"""

import argparse
import statistics
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from benchmarks.report import outcome
from qudnn import custom_ops
from qudnn.converter.functions import DOMAIN, function_proto
from qudnn.custom_ops import cuda, plans
from qudnn.custom_ops.measuring.bound import on_gpu, on_gpu_only

SHORT, LONG = 10, 60  # repeats
TOKENS = (32 * 128, 32 * 384)
MATRICES = ((768, 768), (2304, 768), (3072, 768), (768, 3072))  # [n, k]
AT_LEAST = 0.6  # of the best plain matmul's rate
WORKSPACE = 32 << 20
QUDNN = "qudnn"
OPSET = 17
ZERO_POINT = 3

Repeat = Callable[[int], None]  # enqueues the matmul of the operands of this number


class Size(NamedTuple):
    """int8 `[m, k]` times int8 `[n, k]`, transposed; m counts the tokens of a batch."""

    m: int
    n: int
    k: int

    def tops(self, microseconds: float) -> float:
        return 2 * self.m * self.n * self.k / microseconds / 1e6


class Bench:
    """Operands of one size on the GPU, as many as there are repeats, and ways to time them."""

    def __init__(self, size: Size, runs: int, tune: str):
        import torch

        self.torch = torch
        self.size, self.runs, self.tune = size, runs, tune
        self.stream = torch.cuda.Stream()
        generator = torch.Generator("cuda").manual_seed(0)

        def random(*shape: int) -> list[Any]:
            limits = {"dtype": torch.int8, "device": "cuda", "generator": generator}
            return [torch.randint(-128, 128, shape, **limits) for _ in range(LONG)]

        self.x, self.w = random(size.m, size.k), random(size.n, size.k)
        rng = np.random.default_rng(0)
        self.bias = rng.integers(-10_000, 10_000, size.n).astype(np.int32)
        spread = 74 * 74 * np.sqrt(size.k)
        self.multiplier = (rng.uniform(20, 60, size.n) / spread).astype(np.float32)

    def measure(self, cold: bool) -> dict[str, outcome.Row]:
        """Each way's microseconds, or why it has none."""
        rows = {
            QUDNN: outcome.attempt(lambda: self.qudnn(cold)),
            "cuBLASLt, by PyTorch": outcome.attempt(lambda: self.pytorch(cold)),
            "cuBLASLt, fastest algorithm": outcome.attempt(lambda: self.cublaslt(cold)),
        }
        for row in rows.values():
            if "microseconds" in row:
                row["tops"] = round(self.size.tops(row["microseconds"]), 1)
        return rows

    def qudnn(self, cold: bool) -> outcome.Row:
        y = self.results(self.torch.int8)
        rows = [self.session(repeats, cold, y) for repeats in (SHORT, LONG)]
        row: outcome.Row = {"microseconds": self.difference(*rows)}
        last = 0 if not cold else LONG - 1
        row["differing elements"] = int((y[LONG - 1] != self.requantized(last)).sum())
        wanted = {f"m={self.size.m}", f"k={self.size.n}", f"c={self.size.k}"}
        row["plans"] = [plan["plan"] for plan in plans.list() if wanted <= {*plan["problem"].split()}]
        return row

    def session(self, repeats: int, cold: bool, y: Sequence[Any]) -> Callable[[], object]:
        """Runs a model of as many QMatMul as one CUDA graph, on this stream."""
        options = onnxruntime.SessionOptions()
        on_stream = {"user_compute_stream": str(self.stream.cuda_stream), "enable_cuda_graph": "1"}
        providers = on_gpu(**on_stream)
        custom_ops.register(options, providers, tune=self.tune)  # type: ignore[arg-type]
        model = self.model(repeats, cold).SerializeToString()
        session = on_gpu_only(onnxruntime.InferenceSession(model, options, providers=providers))
        binding = session.io_binding()
        for i in range(repeats if cold else 1):
            binding.bind_input(f"x{i}", "cuda", 0, np.int8, [self.size.m, self.size.k], self.x[i].data_ptr())
        for i in range(repeats):
            binding.bind_output(f"y{i}", "cuda", 0, np.int8, [self.size.m, self.size.n], y[i].data_ptr())
        return lambda: session.run_with_iobinding(binding)

    def model(self, repeats: int, cold: bool) -> onnx.ModelProto:
        operands = repeats if cold else 1
        constants = {f"w{i}": self.w[i].cpu().numpy() for i in range(operands)}
        constants |= {"bias": self.bias, "multiplier": self.multiplier}
        nodes = [
            helper.make_node(
                "QMatMul",
                [f"x{i % operands}", f"w{i % operands}", "bias", "multiplier"],
                [f"y{i}"],
                domain=DOMAIN,
                y_zero_point=ZERO_POINT,
                y_min=-128,
                y_max=127,
            )
            for i in range(repeats)
        ]
        m, n, k = self.size
        graph = helper.make_graph(
            nodes,
            "products",
            [helper.make_tensor_value_info(f"x{i}", TensorProto.INT8, [m, k]) for i in range(operands)],
            [helper.make_tensor_value_info(f"y{i}", TensorProto.INT8, [m, n]) for i in range(repeats)],
            [numpy_helper.from_array(value, name) for name, value in constants.items()],
        )
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(DOMAIN, 1)]
        functions = [function_proto("QMatMul", OPSET)]
        return helper.make_model(graph, opset_imports=opsets, functions=functions, ir_version=8)

    def requantized(self, i: int) -> Any:
        """QMatMul's result by PyTorch's plain matmul."""
        torch = self.torch
        bias, multiplier = torch.tensor(self.bias).cuda(), torch.tensor(self.multiplier).cuda()
        acc = torch._int_mm(self.x[i], self.w[i].t()) + bias
        return ((acc.float() * multiplier).round() + ZERO_POINT).clamp(-128, 127).to(torch.int8)

    def pytorch(self, cold: bool) -> outcome.Row:
        """By cuBLASLt's own choice; the faster of the two layouts of w."""
        y = self.results(self.torch.int32)
        transposed = [w.t().contiguous().t() for w in self.w]
        best: outcome.Row = {}
        for name, ws in (("[n, k]", self.w), ("[k, n]", transposed)):

            def repeat(i: int, ws: Sequence[Any] = ws) -> None:
                operands = i if cold else 0
                self.torch._int_mm(self.x[operands], ws[operands].t(), out=y[i])

            row = outcome.attempt(partial(self.timed, repeat))
            if "microseconds" in row and row["microseconds"] < best.get("microseconds", float("inf")):
                best = row | {"layout": name}
        return best or row

    def cublaslt(self, cold: bool) -> outcome.Row:
        """Of all algorithms that the heuristics offer."""
        from benchmarks.kernels.cublaslt import Product

        y = self.results(self.torch.int32)
        workspace = self.torch.empty(WORKSPACE, dtype=self.torch.uint8, device="cuda")
        product = Product(*self.size, WORKSPACE)
        rows = []
        for algorithm in product.algorithms:

            def repeat(i: int, algorithm: Any = algorithm) -> None:
                operands = i if cold else 0
                x, w = self.x[operands].data_ptr(), self.w[operands].data_ptr()
                stream = self.stream.cuda_stream
                product.run(algorithm, x, w, y[i].data_ptr(), workspace.data_ptr(), stream)

            rows.append(outcome.attempt(partial(self.timed, repeat)))
        best = min((row for row in rows if "microseconds" in row), key=lambda row: row["microseconds"])
        last = LONG - 1 if cold else 0
        expected = self.torch._int_mm(self.x[last], self.w[last].t())
        differing = int((y[LONG - 1] != expected).sum())  # of the algorithm that ran last
        return best | {"algorithms": len(rows), "differing elements": differing}

    def timed(self, repeat: Repeat) -> outcome.Row:
        return {"microseconds": self.difference(*(self.graph(repeat, count) for count in (SHORT, LONG)))}

    def graph(self, repeat: Repeat, repeats: int) -> Callable[[], object]:
        """Replays that many repeats, captured as one CUDA graph."""
        with self.torch.cuda.stream(self.stream):
            repeat(0)  # loads the kernel
        self.stream.synchronize()
        graph = self.torch.cuda.CUDAGraph()
        with self.torch.cuda.graph(graph, stream=self.stream):
            for i in range(repeats):
                repeat(i)

        def replay() -> None:
            with self.torch.cuda.stream(self.stream):
                graph.replay()
            self.stream.synchronize()

        return replay

    def difference(self, short: Callable[[], object], long: Callable[[], object]) -> float:
        """Microseconds of one repeat: the medians of the two, taken in turn, and divided."""
        times: dict[Callable[[], object], list[float]] = {short: [], long: []}
        for _ in range(5):
            short(), long()
        for _ in range(self.runs):
            for run, taken in times.items():
                taken.append(self.microseconds(run))
        medians = [statistics.median(taken) for taken in times.values()]
        return round((medians[1] - medians[0]) / (LONG - SHORT), 3)

    def microseconds(self, run: Callable[[], object]) -> float:
        start, stop = (self.torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record(self.stream)
        run()
        stop.record(self.stream)
        stop.synchronize()
        return 1e3 * float(start.elapsed_time(stop))

    def results(self, dtype: Any) -> list[Any]:
        sizes = (self.size.m, self.size.n)
        return [self.torch.empty(sizes, dtype=dtype, device="cuda") for _ in range(LONG)]


def rate(row: outcome.Row) -> float:
    return float(row.get("tops", 0.0))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tokens", type=int, nargs="+", default=TOKENS, help="rows of x")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--tune", choices=("full", "heuristic"), default="full", help="how plans are made")
    parser.add_argument("--quick", action="store_true", help="a try: one size")
    parser.add_argument("--out", type=Path, help="the result's file")
    parser.add_argument("--commit", help="the commit that is measured, where git cannot tell")
    arguments = parser.parse_args()
    if not cuda.driver_present():
        parser.error("there is no GPU to measure on")
    cuda.load_libraries()  # before PyTorch, which takes what is loaded
    matrices = MATRICES[:1] if arguments.quick else MATRICES
    tokens = arguments.tokens[:1] if arguments.quick else arguments.tokens
    rows = []
    for size in (Size(m, n, k) for m in tokens for n, k in matrices):
        bench = Bench(size, arguments.runs, arguments.tune)
        for state in ("cold", "warm"):
            ways = bench.measure(state == "cold")
            plain = max(rate(row) for name, row in ways.items() if name != QUDNN)
            ratio = round(rate(ways[QUDNN]) / plain, 3) if plain else None
            rows.append({**size._asdict(), "L2": state, "ways": ways, "ratio": ratio})
            print(f"{size} {state}: {ratio}", *ways.items(), sep="\n  ", flush=True)
        del bench  # its memory is the next one's
    right = not any(row["ways"][QUDNN].get("differing elements", 1) for row in rows)
    checks = {
        f"at least {AT_LEAST:.0%} of the best plain matmul": all(
            (row["ratio"] or 0) >= AT_LEAST for row in rows
        ),
        "right results": right,
    }
    result = {"runs": arguments.runs, "tune": arguments.tune, "sizes": rows, "checks": checks}
    result["passed"] = all(checks.values())
    print(outcome.write("gemm", result, arguments.out, arguments.commit))
    return 0 if result["passed"] else 1


if __name__ == "__main__":
    sys.exit(main())
