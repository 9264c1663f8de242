"""ONNX's own node tests of an operator, from the installed onnx package.

Its public collector makes the cases of every operator there is. Importing an operator's module makes
just that one's, and adds them to the same list.
"""

from dataclasses import dataclass
from importlib import import_module

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.backend.test.case import node as onnx_cases

from cases.builder import Array


@dataclass(frozen=True, eq=False)
class OnnxNodeCase:
    """One node test.

    form: variable, as it comes: all parameters are inputs of the graph; parameters: scales and zero points
    are initializers; constant: all but the first input are; fitted: so, and weights clipped to what fits
    int8 after their zero point is taken off (ONNX's tests all go beyond that). Then the test's expected
    output holds no more.
    """

    name: str
    proto: onnx.ModelProto
    values: dict[str, Array]
    expected: dict[str, Array]
    form: str

    @property
    def id(self) -> str:
        """Such as test_qlinearconv_constant."""
        return f"{self.name}_{self.form}"

    def model(self, opset: int = 0) -> onnx.ModelProto:
        """The test's model, of its own opset."""
        model = onnx.ModelProto()
        model.CopyFrom(self.proto)
        variable = [value for value in model.graph.input if value.name in self.inputs()]
        for name, value in self._values().items():
            if name not in self.inputs():
                model.graph.initializer.append(numpy_helper.from_array(value, name))
        del model.graph.input[:]
        model.graph.input.extend(variable)
        return model

    def inputs(self, batch: int = 0) -> dict[str, Array]:
        """The test's input data, which has a batch size of its own."""
        values = self._values()
        if self.form == "parameters":
            ends = ("scale", "zero_point")
            return {name: value for name, value in values.items() if not name.endswith(ends)}
        return values if self.form == "variable" else dict(list(values.items())[:1])

    def _values(self) -> dict[str, Array]:
        if self.form != "fitted":
            return self.values
        weights, zero_point = list(self.values)[3], list(self.values)[5]
        zero = self.values[zero_point].astype(np.int32)
        clipped = np.clip(self.values[weights].astype(np.int32), zero - 128, zero + 127)
        return {**self.values, weights: clipped.astype(self.values[weights].dtype)}


def load(op_type: str, form: str) -> list[OnnxNodeCase]:
    """The node tests of op_type, in a form."""
    import_module(f"onnx.backend.test.case.node.{op_type.lower()}")
    cases = []
    for test in onnx_cases._NodeTestCases:
        if [node.op_type for node in test.model.graph.node] == [op_type]:
            ((inputs, outputs),) = test.data_sets
            names = ([i.name for i in test.model.graph.input], [o.name for o in test.model.graph.output])
            values, expected = (
                dict(zip(some, map(np.asarray, arrays), strict=True))
                for some, arrays in zip(names, (inputs, outputs), strict=True)
            )
            cases.append(OnnxNodeCase(test.name, test.model, values, expected, form))
    return cases
