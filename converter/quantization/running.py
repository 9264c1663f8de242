"""Running models that measure others: as they are written, without onnxruntime's optimizer."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnx
from numpy.typing import NDArray

from qudnn.converter.errors import ConversionError
from qudnn.converter.failures import text_of
from qudnn.converter.io.files import LARGEST_IN_ONE_FILE
from qudnn.converter.quantization.preparation import save
from qudnn.converter.quantization.quantizer import Feed


class Runner:
    """A session on the CPU provider. Raises ConversionError where onnxruntime does not run the model."""

    def __init__(self, model: onnx.ModelProto, folder: Path) -> None:
        """folder: for the model's file, which may be replaced once the next one is opened."""
        import onnxruntime

        path = folder / "probe.onnx"
        save(model, path, sum(len(t.raw_data) for t in model.graph.initializer) > LARGEST_IN_ONE_FILE)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's have no type in common
            raise ConversionError(f"onnxruntime cannot open the model: {text_of(error)}") from error
        self._inputs = [value.name for value in self._session.get_inputs()]

    def __call__(self, feed: Feed) -> Sequence[NDArray[Any]]:
        try:
            results: Sequence[NDArray[Any]] = self._session.run(
                None, {name: feed[name] for name in self._inputs}
            )
        except Exception as error:
            raise ConversionError(
                f"onnxruntime does not run the model on the samples: {text_of(error)}"
            ) from error
        return results
