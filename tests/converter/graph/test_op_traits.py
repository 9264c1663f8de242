"""The table of operators: each is one that ONNX or onnxruntime knows, and nobody else keeps sets of them."""

import ast
from pathlib import Path

import onnx
import onnx_ir as ir
import pytest

from qudnn.converter.graph.op_traits import (
    CONTRIB,
    ONNX,
    ROWS,
    Trait,
    has_trait,
    is_contrib,
    is_known,
    is_onnx,
)

CONVERTER = Path(__file__).parents[3] / "converter"
NAMES = {schema.name for schema in onnx.defs.get_all_schemas() if schema.domain == ONNX}

# They read models as onnx's messages, before there is an onnx_ir model; or are about imports of domains.
OF_MESSAGES = {"domain.py", "io/validity.py", "functions/portable.py", "graph/opset_imports.py"}


def test_rows_are_operators() -> None:
    assert {op_type for domain, op_type in ROWS if domain == ONNX} <= NAMES
    state = pytest.importorskip("onnxruntime.capi.onnxruntime_pybind11_state")
    contrib = {schema.name for schema in state.get_all_operator_schema() if schema.domain == CONTRIB}
    assert "QGemm" in contrib
    assert {op_type for domain, op_type in ROWS if domain == CONTRIB} <= contrib


def test_every_trait_is_of_an_operator() -> None:
    for trait in Trait:
        assert any(traits & trait for traits in ROWS.values()), trait


def test_questions_are_about_the_domain_too() -> None:
    gelu = ir.node("Gelu", [], domain=CONTRIB)
    assert is_contrib(gelu, "Gelu") and not is_onnx(gelu, "Gelu", "Relu")
    assert has_trait(gelu, Trait.ELEMENTWISE)
    other = ir.node("Gelu", [], domain="another")
    assert not is_onnx(other, "Gelu") and not has_trait(other, Trait.ELEMENTWISE)
    assert not is_onnx(None, "Gelu") and not has_trait(None, Trait.ELEMENTWISE)


@pytest.mark.parametrize(
    ("domain", "onnx_s_own", "known"),
    [("", True, True), ("ai.onnx", True, True), (CONTRIB, False, True), ("another", False, False)],
)
def test_messages_are_asked_as_nodes_are(domain: str, onnx_s_own: bool, known: bool) -> None:
    node = onnx.helper.make_node("QuantizeLinear", ["x", "s"], ["y"], domain=domain)
    assert is_onnx(node, "QuantizeLinear") == onnx_s_own and is_known(node, "QuantizeLinear") == known
    assert has_trait(node, Trait.CONVERTS) == known
    assert not is_known(node, "DequantizeLinear")


def test_nobody_else_keeps_sets_of_operators() -> None:
    nodes = _nodes()
    chains = {id(node.iter) for _, node in nodes if isinstance(node, ast.For)}
    found = [f"{name}:{n.lineno}" for name, n in nodes if _names_operators(n) and id(n) not in chains]
    assert not found, f"put what these say into converter/graph/op_traits.py: {found}"


def test_nobody_compares_domains_by_hand() -> None:
    found = [f"{name}:{node.lineno}" for name, node in _nodes() if _asks_by_hand(node)]
    assert not found, f"ask converter.graph.op_traits instead: {found}"


@pytest.mark.parametrize(
    "source",
    [
        'KEEP = {"Relu", "Clip"}',
        'if node.op_type in ("Relu", "Clip"): pass',
        'if node.domain or node.op_type != "Relu": pass',
        'if not node.domain and node.op_type == "Relu": pass',
        'if (node.domain, node.op_type) == ("", "Relu"): pass',
    ],
)
def test_the_two_tests_above_find(source: str) -> None:
    assert any(_names_operators(node) or _asks_by_hand(node) for node in ast.walk(ast.parse(source)))


def _nodes() -> list[tuple[str, ast.expr | ast.stmt]]:
    paths = {str(path.relative_to(CONVERTER)): path for path in CONVERTER.rglob("*.py")}
    assert len(paths) > 150
    return [
        (name, node)
        for name, path in paths.items()
        if name not in OF_MESSAGES and name != "graph/op_traits.py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.expr | ast.stmt)
    ]


def _names_operators(node: ast.AST) -> bool:
    """Whether it is a set, list or tuple of names of ONNX's operators, or a dict of such and constants."""
    if isinstance(node, ast.Dict):
        items: list[ast.expr | None] = list(node.keys)
        if not all(isinstance(value, ast.Constant | ast.Set | ast.Tuple) for value in node.values):
            return False  # of functions: it says what is done, not what an operator is
    elif isinstance(node, ast.Set | ast.List | ast.Tuple):
        items = list(node.elts)
    else:
        return False
    names = [item.value for item in items if isinstance(item, ast.Constant)]
    return len(names) > 1 and len(names) == len(items) and NAMES.issuperset(names)


def _asks_by_hand(node: ast.AST) -> bool:
    """Whether a domain is taken for true or false, or an op_type compared with the name of an operator."""
    if isinstance(node, ast.BoolOp):
        return any(_is_domain(value) for value in node.values)
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, ast.Not) and _is_domain(node.operand)
    if not isinstance(node, ast.Compare):
        return False
    sides = [node.left, *node.comparators]
    strings = {n.value for side in sides for n in ast.walk(side) if isinstance(n, ast.Constant)}
    reads = {n.attr for side in sides for n in ast.walk(side) if isinstance(n, ast.Attribute)}
    return "op_type" in reads and bool(strings & NAMES)


def _is_domain(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "domain"
