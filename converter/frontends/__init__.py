"""The frontends: from a quantized operator, in whatever form an exporter wrote it, to a candidate."""

import onnx_ir as ir

from converter.candidate import Candidate
from converter.errors import Refusal
from converter.facts import Facts
from converter.frontends.qdq import RULES as QDQ
from converter.frontends.qoperator import RULES as QOPERATOR
from converter.frontends.rule import Rule
from converter.linear import dequantizes


def _either(qoperator: Rule | None, qdq: Rule | None) -> Rule:
    """The rule for an operator that may stand in both forms: dequantized inputs tell which it is."""

    def rule(node: ir.Node, facts: Facts) -> Candidate:
        dequantized = any(value is not None and dequantizes(value.producer()) for value in node.inputs)
        chosen = qdq if dequantized else qoperator
        if chosen is None:
            raise Refusal("only its 8-bit form is supported" if dequantized else "it works in floating point")
        return chosen(node, facts)

    return rule


# (domain, operator) -> rule
RULES: dict[tuple[str, str], Rule] = {
    key: _either(QOPERATOR.get(key), QDQ.get(key)) for key in QOPERATOR | QDQ
}

# Those that make a model a quantized one; the others in RULES may as well be float.
QUANTIZED = {(domain, op_type) for domain, op_type in RULES if op_type.startswith("Q")} | {
    (domain, "DequantizeLinear") for domain in ("", "com.microsoft")
}
