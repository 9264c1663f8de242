"""Random graphs of float operators between Q/DQ pairs: converted, they compute the same."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import check
from cases.random_graph import RandomModel, grown
from cases.random_qdq import QDQ_KINDS, RandomQDQ, bound
from fuzzing import fuzz
from qudnn import converter
from session import open_session, outputs

graphs = st.builds(
    lambda kinds, *graph: grown(RandomQDQ(*graph), kinds, "float32", opset=17),
    st.lists(st.sampled_from(QDQ_KINDS), min_size=1, max_size=8),
    st.sampled_from(["uint8", "int8"]),
    st.integers(0, 2**32 - 1),
    st.sampled_from(["", "com.microsoft"]),
    st.booleans(),
)


# ReduceMean has its axes as an input there.
newer_graphs = st.builds(
    lambda kinds, opset, *graph: grown(RandomQDQ(*graph), kinds, "float32", opset),
    st.lists(st.sampled_from([kind for kind in QDQ_KINDS if kind != "reduce_mean"]), min_size=1, max_size=8),
    st.integers(21, 26),
    st.sampled_from(["uint8", "int8"]),
    st.integers(0, 2**32 - 1),
    st.just(""),
    st.booleans(),
)


def converted(graph: RandomModel) -> converter.Conversion:
    conversion = converter.convert(graph.model)
    check.assert_true_report(graph.model, conversion)
    check.assert_no_move_leaves_the_gpu(graph.model, conversion.model)
    return conversion


@fuzz(100)
@given(graph=graphs)
def test_graph(graph: RandomModel | None) -> None:
    assert_computes_the_same(graph)


@fuzz(50)
@given(graph=newer_graphs)
def test_graph_of_a_newer_opset(graph: RandomModel | None) -> None:
    """In these onnxruntime puts nodes into a graph that name their type, and may refuse them afterwards."""
    assert_computes_the_same(graph)


def assert_computes_the_same(graph: RandomModel | None) -> None:
    if graph is None:
        return
    conversion = converted(graph)
    noted = {entry.name for entry in conversion.report.approximate}
    if not noted:
        check.assert_equivalent(graph.model, conversion.model, graph.inputs)
        return
    sessions = [open_session(model) for model in (conversion.model, graph.model)]
    for inputs in graph.inputs:
        got, want = (outputs(session, inputs) for session in sessions)
        for name, image in graph.outputs.items():
            difference = np.abs(got[name] - want[name]).max(initial=0)
            assert difference <= bound(image, noted) * 1.001, name


@pytest.mark.gpu
@fuzz(10)
@given(graph=graphs)
def test_kernels(graph: RandomModel | None) -> None:
    if graph is None:
        return
    conversion = converted(graph)
    if not conversion.report.left:  # onnxruntime's CUDA provider computes what is left in its own way
        check.assert_same_on_gpu(conversion.model, graph.inputs)
