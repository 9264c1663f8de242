"""What one pass or op notes of a tensor of the graph, for later ones."""

import onnx_ir as ir


class Mark:
    """A note without a text. It stays with the value itself, and does not get into the file."""

    def __init__(self, name: str) -> None:
        self._key = f"qudnn.{name}"

    def put_on(self, marked: ir.Value) -> None:
        marked.meta[self._key] = True

    def is_on(self, marked: ir.Value) -> bool:
        return self._key in marked.meta


# Of 8-bit tensors.
STAYS_INT8 = Mark("stays_int8")  # Int8ToUint8 made it uint8, onnxruntime leaves it in int8
QUANTIZED_APART = Mark("quantized_apart")  # onnxruntime quantizes it several times: see MergeEqualPairs
READ_IN_FLOAT = Mark("read_in_float")  # PairActivations or PropagatePairs quantizes it, onnxruntime does not
# Of results of ops.
OF_ONE_SHAPE = Mark("of_one_shape")  # nothing was broadcast, nor is an operand constant
