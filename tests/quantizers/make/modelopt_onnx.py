"""Models as NVIDIA ModelOpt quantizes ONNX: its default (float16 between) and float32.

pip install nvidia-modelopt[onnx] torch onnxscript
python tests/quantizers/make/modelopt_onnx.py FOLDER
"""

import sys
from pathlib import Path

import modelopt.onnx.quantization as modelopt
from networks import sources

SETTINGS = {
    "fp16": {},
    "fp32": {"high_precision_dtype": "fp32"},
    "fp32-zp": {"high_precision_dtype": "fp32", "use_zero_point": True},
    "fp32-dqonly": {"high_precision_dtype": "fp32", "dq_only": True},
}


def main(folder: Path) -> None:
    for name, source, x in sources(folder):
        for title, options in SETTINGS.items():
            modelopt.quantize(
                str(source),
                calibration_data={"x": x.numpy()},
                calibration_eps=["cpu"],
                output_path=str(folder / f"modelopt-{name}-{title}.onnx"),
                log_level="ERROR",
                **options,
            )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
