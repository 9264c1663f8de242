"""Sizes that nodes compute: the numbers that their terms stand for, each computed once."""

from itertools import product

import numpy as np
import onnx_ir as ir
import onnxruntime
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from qudnn.converter.graph.bounds import at_least_nothing, least
from qudnn.converter.graph.names import Names
from qudnn.converter.graph.sizes import Size, divided, plus, times, unknown
from qudnn.converter.island.size_nodes import SizeNodes

NAMES = ("n", "h", "w")
leaves = st.integers(-9, 9) | st.sampled_from(NAMES).map(unknown)
sizes = st.recursive(
    leaves,
    lambda inner: (
        st.builds(lambda function, a, b: function(a, b), st.sampled_from([plus, times, least]), inner, inner)
        | st.builds(divided, inner, st.integers(1, 9))
        | st.builds(at_least_nothing, inner)
    ),
    max_leaves=10,
)


def graph() -> tuple[ir.Graph, SizeNodes]:
    """Of one tensor, `[n, h, w]`, which it hands on."""
    x = ir.Value(name="x", type=ir.TensorType(ir.DataType.FLOAT), shape=ir.Shape(NAMES))
    node = ir.node("Identity", [x], name="hand on")
    node.outputs[0].name = "y"
    made = ir.Graph([x], node.outputs, nodes=[node], opset_imports={"": 17}, name="g")
    names = Names()
    names.reserve(made)
    return made, SizeNodes(made, names, {name: (x, axis) for axis, name in enumerate(NAMES)})


def computed(made: ir.Graph, *images: tuple[int, ...]) -> list[list[np.ndarray]]:
    """What the graph's outputs but the first are, for images of these sizes."""
    model = ir.to_proto(ir.Model(made, ir_version=8)).SerializeToString()
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    outputs = [output.name for output in session.get_outputs()[1:]]
    return [session.run(outputs, {"x": np.zeros(shape, np.float32)}) for shape in images]


@settings(max_examples=60, deadline=None)
@given(wanted=st.lists(sizes, min_size=1, max_size=4))
def test_numbers(wanted: list[Size]) -> None:
    """ONNX's Div rounds towards 0, the sizes' down."""
    assume("size" not in str(wanted))  # a digest of a long one
    made, nodes = graph()
    made.outputs.append(nodes.vector(wanted))
    made.outputs.append(nodes.scalar(wanted[0]))
    images = list(product((1, 2, 9), repeat=3))
    for image, (vector, scalar) in zip(images, computed(made, *images), strict=True):
        known = dict(zip(NAMES, image, strict=True)) | {"least": min, "most": max}
        want = [int(eval(str(size), {}, known)) for size in wanted]
        assert vector.dtype == np.int64 and vector.tolist() == want
        assert scalar.shape == () and scalar == want[0]


def test_each_is_computed_once() -> None:
    made, nodes = graph()
    h = divided(unknown("h"), 4)
    first = nodes.vector([unknown("n"), h, times(h, 3), 5, 6])
    assert nodes.vector([unknown("n"), h, times(h, 3), 5, 6]) is first
    made.outputs.extend([first, nodes.vector([h, 7])])
    kinds = [node.op_type for node in made]
    assert kinds.count("Shape") == kinds.count("Div") == kinds.count("Mul") == 1
    assert kinds.count("Gather") == kinds.count("Concat") == 2
    (results,) = computed(made, (2, 9, 1))
    assert [result.tolist() for result in results] == [[2, 2, 6, 5, 6], [2, 7]]


def test_what_was_removed_is_made_again() -> None:
    made, nodes = graph()
    h = nodes.vector([unknown("h")])
    node = h.producer()
    assert node is not None
    made.remove(node, safe=True)
    made.outputs.append(nodes.vector([unknown("h"), 1]))
    assert [result.tolist() for result in computed(made, (2, 9, 1))[0]] == [[9, 1]]
