"""The results of `qudnn bench MODEL` as text and as a drawing, from given numbers."""

from typing import Any
from xml.etree import ElementTree

from qudnn.converter.cli.bench_text import text
from qudnn.converter.cli.plot import draw

CUDA = "CUDAExecutionProvider"
SVG = "{http://www.w3.org/2000/svg}"


def row(model: str, p50: float, rate: float, graph: bool = False, shapes: str = "x=1,3") -> dict[str, Any]:
    latency = {"p50": p50, "p90": p50 * 1.5, "p99": p50 * 2, "mean": p50, "min": p50, "max": p50}
    return {
        "model": model,
        "cuda_graph": graph,
        "shapes": shapes,
        "items": 1,
        "streams": 1,
        "runs": 100,
        "latency_ms": latency,
        "items_per_second": rate,
        "memory_mb": 12.0,
    }


FAILED = {
    "model": "float",
    "cuda_graph": True,
    "shapes": "x=1,3",
    "items": 1,
    "streams": 4,
    "failed": "no <graph>",
}
ROWS = [
    row("qudnn", 0.5, 2000.0),
    row("qudnn", 0.25, 4000.0, True),
    row("unconverted", 1.0, 1000.0),
    FAILED,
    row("qudnn", 3.0, 333.0, shapes="x=8,3"),
]
NOT_TUNED = {"engine": "", "microseconds": 0.0, "operations": 0, "bytes": 3 << 20}
TUNED = {"engine": "e", "microseconds": 2.0, "operations": 1979 * 10**6, "bytes": 1 << 20}
LAYERS: list[dict[str, Any]] = [
    {"node": "b", "op": "QConv", "provider": CUDA, "us": 3.0, "share": 0.75, **TUNED},
    {"node": "a", "op": "QAdd", "provider": CUDA, "us": 1.0, "share": 0.25, **NOT_TUNED},
]
FLOORS: list[dict[str, Any]] = [
    {"kernel_us": 2.0, "kernel_is": "timed", "floor_us": 1.0, "of_floor": 0.5, "lost_us": 1.0},
    {"kernel_us": None, "kernel_is": "", "floor_us": 0.72, "of_floor": 0.72, "lost_us": 0.28},
]
ON_GPU = [layer | floor for layer, floor in zip(LAYERS, FLOORS, strict=True)]
RATES = {"operations_per_second": 1979e12, "bytes_per_second": 4.8e12, "source": "the GPU's properties"}


def document(**changed: Any) -> dict[str, Any]:
    return {
        "qudnn": "0.1.0",
        "machine": {"processor": "a CPU", "gpu": "a GPU", "onnxruntime": "1.31.1"},
        "device": "GPU",
        "why_no_gpu": "",
        "model": "folder/a & b.onnx",
        "converted_nodes": 3,
        "quantized_nodes": 4,
        "rows": ROWS,
        "layers": ON_GPU,
        "floor": RATES,
        **changed,
    }


def test_on_a_gpu() -> None:
    assert text(document(), False) == [
        "folder/a & b.onnx on a GPU, onnxruntime 1.31.1, qudnn 0.1.0",
        "3 of 4 quantized nodes converted",
        "",
        "inputs  model              runs  p50 ms  p90 ms  p99 ms  items/s  MiB  speed-up",
        "x=1,3   qudnn               100   0.500   0.750   1.000   2000.0   12     2.00x",
        "x=1,3   qudnn, CUDA graph   100   0.250   0.375   0.500   4000.0   12     4.00x",
        "x=1,3   unconverted         100   1.000   1.500   2.000   1000.0   12     1.00x",
        "x=8,3   qudnn               100   3.000   4.500   6.000    333.0   12         -",
        "x=1,3, float, CUDA graph, 4 streams: no <graph>",
        "",
        "layer  op     engine   us  share  kernel us    GOP   MiB  floor us  of floor  lost us",
        "b      QConv  e       3.0  75.0%        2.0  1.979  1.00       1.0       50%      1.0",
        "a      QAdd   CUDA    1.0  25.0%          -  0.000  3.00       0.7      >72%      0.3",
        "2 layers, 4.0 us, each by itself with its launch",
        "floor: 1.7 us in all, by 1979 int8 TOPS and 4.80 TB/s: the GPU's properties. "
        "Its share is that of kernel us, or, with >, of us",
    ]


def test_on_a_cpu() -> None:
    lines = text(document(device="CPU", why_no_gpu="there is none", layers=[], quantized_nodes=None), False)
    assert lines[0] == "folder/a & b.onnx on a CPU, onnxruntime 1.31.1, qudnn 0.1.0"
    assert lines[1] == "on the CPU, for there is none"
    assert "function bodies" in lines[2]


def test_without_a_floor() -> None:
    """As on the CPU, or on a GPU whose memory is not known."""
    unknown = {**ON_GPU[1], "floor_us": None, "of_floor": None, "lost_us": None, "operations": None}
    lines = text(document(layers=[unknown], floor=None), False)
    assert lines[-3:] == [
        "layer  op    engine   us  share  kernel us  GOP   MiB",
        "a      QAdd  CUDA    1.0  25.0%          -    -  3.00",
        "1 layers, 1.0 us, each by itself with its launch",
    ]


def test_what_is_estimated_is_marked() -> None:
    estimated = {**ON_GPU[1], "kernel_us": 0.9, "kernel_is": "estimated", "of_floor": 0.8}
    line = next(line for line in text(document(layers=[estimated]), False) if line.startswith("a "))
    assert line.split()[5] == "~0.9" and line.split()[9] == "80%"


def test_long_profiles_are_cut() -> None:
    many = [{**ON_GPU[0], "node": f"n{n}"} for n in range(30)]
    lines = text(document(layers=many, floor=None), False)
    assert lines[-1].endswith("; 10 more with -v")
    assert len(text(document(layers=many, floor=None), True)) == len(lines) + 10


def test_the_drawing() -> None:
    """Bars are as long as the numbers say, inside of their group; nothing of names becomes markup."""
    root = ElementTree.fromstring(draw(document()))
    bars = [bar for bar in root.iter(f"{SVG}rect") if bar.get("rx")]
    widths = [float(bar.get("width", 0)) for bar in bars]
    assert len(bars) == 2 * 4  # none for what failed
    latency, rate = widths[0:6:2], widths[1:6:2]
    for found, numbers in (latency, [0.5, 0.25, 1.0]), (rate, [2000, 4000, 1000]):
        for width, number in zip(found, numbers, strict=True):
            assert abs(width / found[0] - number / numbers[0]) < 0.01
    texts = [element.text for element in root.iter(f"{SVG}text")]
    assert texts[0] == "a & b.onnx on a GPU"
    assert [t for t in texts if t and t.startswith("x=")] == ["x=1,3", "x=8,3"]
    right = max(float(bar.get("x", 0)) + width for bar, width in zip(bars, widths, strict=True))
    assert right < float(root.get("width", 0))
    assert "no measure of qudnn's kernels" not in "".join(root.itertext())
    on_cpu = ElementTree.fromstring(draw(document(device="CPU")))
    assert "no measure of qudnn's kernels" in "".join(on_cpu.itertext())


def test_a_drawing_without_results() -> None:
    assert ElementTree.fromstring(draw(document(rows=[FAILED]))).tag == f"{SVG}svg"
