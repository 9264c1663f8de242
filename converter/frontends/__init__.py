"""The frontends: from a quantized operator, in whatever form an exporter wrote it, to a candidate."""

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.errors import IN_FLOAT, Refusal
from qudnn.converter.frontends.dynamic import RULES as DYNAMIC
from qudnn.converter.frontends.dynamic.operand import is_dynamic
from qudnn.converter.frontends.qdq import RULES as QDQ
from qudnn.converter.frontends.qoperator import RULES as QOPERATOR
from qudnn.converter.frontends.rule import Rule
from qudnn.converter.graph.constants import EIGHT_BIT
from qudnn.converter.island.candidate import Candidate


def _either(qoperator: Rule | None, qdq: Rule | None, dynamic: Rule | None) -> Rule:
    """The rule for an operator that may stand in several forms: its operands tell which."""

    def rule(node: ir.Node, facts: Facts) -> Candidate:
        x = node.inputs[0] if node.inputs else None
        dtype = None if x is None else facts.dtype(x)
        if dynamic is not None and (any(map(is_dynamic, node.inputs[:2])) or qoperator is qdq is None):
            return dynamic(node, facts)
        if qoperator is not None and (dtype in EIGHT_BIT or qdq is None):
            return qoperator(node, facts)
        if qdq is not None:
            return qdq(node, facts)
        raise Refusal(IN_FLOAT)

    return rule


# (domain, operator) -> rule
RULES: dict[tuple[str, str], Rule] = {
    key: _either(QOPERATOR.get(key), QDQ.get(key), DYNAMIC.get(key)) for key in QOPERATOR | QDQ | DYNAMIC
}

# Those that make a model a quantized one; the others in RULES may as well be float.
QUANTIZED = {(domain, op_type) for domain, op_type in RULES if op_type.startswith("Q")} | {
    ("", "DynamicQuantizeLinear"),
    ("", "DequantizeLinear"),
    ("com.microsoft", "DequantizeLinear"),
    *DYNAMIC,
}
