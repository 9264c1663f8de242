"""Random graphs of a vision model's operators in QOperator: converted, they compute the same."""

import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st

import check
from cases.random_graph import KINDS, RandomModel, grown
from cases.random_qoperator import RandomQOperator
from fuzzing import fuzz
from qudnn import converter


def _grown(kinds: list[str], dtype: str, seed: int) -> RandomModel | None:
    return grown(RandomQOperator(dtype, seed), kinds, dtype, opset=13)


graphs = st.builds(
    _grown,
    st.lists(st.sampled_from(KINDS), min_size=1, max_size=9),
    st.sampled_from(["uint8", "int8"]),
    st.integers(0, 2**32 - 1),
)


def converted(graph: RandomModel) -> onnx.ModelProto:
    conversion = converter.convert(graph.model)
    check.assert_true_report(graph.model, conversion)
    return conversion.model


@fuzz(150)
@given(graph=graphs)
def test_graph(graph: RandomModel | None) -> None:
    if graph is not None:
        check.assert_equivalent(graph.model, converted(graph), graph.inputs)


@pytest.mark.gpu
@fuzz(10)
@given(graph=graphs)
def test_kernels(graph: RandomModel | None) -> None:
    if graph is not None:
        check.assert_same_on_gpu(converted(graph), graph.inputs)
