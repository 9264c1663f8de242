"""Two int8 models, converted: handwritten digits, and a ResNet-50 with seeded weights.

Exits with status 1 where a converted model's results are not the original's, bit for bit.
"""

import sys
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import onnx
import onnxruntime

import digits
from qudnn import converter, custom_ops
from qudnn.custom_ops.registration import possible
from zoo.measure import CPU, CUDA, compare, cpu_session, median_seconds
from zoo.quantize import quantize
from zoo.resnet import resnet50

# Why the times are what they are.
_ON_A_CPU = """\
  These are times of the CPU, for which a model is not converted. Where there is no GPU, onnxruntime runs the
  function bodies that the converted model carries: standard operators, which say exactly what a kernel
  computes, and go from int8 to uint8 and back around each layer. For speed on a CPU run the original model:
  qudnn.InferenceSession does so. What GPUs reach is in README.md, under Speed."""

Result = TypeVar("Result")
PROVIDERS = CUDA if possible(None) else CPU


def main() -> int:
    device = "the GPU" if PROVIDERS is CUDA else "the CPU: there is no GPU here"
    print(f"onnxruntime {onnxruntime.__version__}, converted models on {device}", flush=True)
    same = [demo_digits(), demo_resnet50()]
    print("\nAll results are equal, bit for bit." if all(same) else "\nResults DIFFER.")
    return 0 if all(same) else 1


def demo_digits() -> bool:
    """Accuracy of float, int8 and converted; whether the last two agree in every bit."""
    title("A CNN for handwritten digits, trained here")
    train, test = digits.load()
    network = digits.DigitsCNN()
    timed("trained", lambda: network.train(train))
    model = network.to_onnx()
    quantized = quantize(model, train.images[:200])
    sessions = {
        "float32": cpu_session(model),
        "int8": cpu_session(quantized),
        "int8, converted": open_converted(quantized),
    }
    for name, session in sessions.items():
        right = session.run(None, {"x": test.images})[0].argmax(1) == test.labels
        print(f"  {name:16} {right.mean():7.2%} of {len(right)} images right")
    return report_bits(sessions["int8"], sessions["int8, converted"], test.images)


def demo_resnet50() -> bool:
    """The conversion's report, the comparison of bits, and the time of one image and of a small batch."""
    title("ResNet-50, 224x224, seeded weights")
    random = np.random.default_rng(0)
    images = random.standard_normal((4, 3, 224, 224), dtype=np.float32)
    quantized = timed("quantized", lambda: quantize(resnet50(), images[:2]))
    print(timed("converted", lambda: converter.convert(quantized)).report)

    original, converted = cpu_session(quantized), open_converted(quantized)
    same = report_bits(original, converted, images)
    # Beside the converted model stands the original on the same device.
    peer = onnxruntime.InferenceSession(quantized.SerializeToString(), providers=PROVIDERS)
    for batch in (images[:1], images):
        before, after = (median_seconds(session, {"x": batch}, runs=10) for session in (peer, converted))
        print(f"  batch {len(batch)}: original {before * 1e3:8.2f} ms, converted {after * 1e3:8.2f} ms")
    if PROVIDERS is CPU:
        print(_ON_A_CPU)
    return same


def open_converted(model: onnx.ModelProto) -> custom_ops.InferenceSession:
    """The converted model; InferenceSession would not convert it itself where there is no GPU."""
    converted = converter.convert(model).model
    return custom_ops.InferenceSession(converted.SerializeToString(), providers=PROVIDERS)


def report_bits(
    original: onnxruntime.InferenceSession, converted: onnxruntime.InferenceSession, images: digits.Array
) -> bool:
    different, total = compare(original, converted, [images])
    print(f"  {different} of {total} results differ in a bit from the original on the CPU provider")
    return different == 0


def title(text: str) -> None:
    print(f"\n{text}\n{'-' * len(text)}")


def timed(done: str, work: Callable[[], Result]) -> Result:
    start = time.perf_counter()
    result = work()
    print(f"  {done} in {time.perf_counter() - start:.1f} s")
    return result


if __name__ == "__main__":
    sys.exit(main())
