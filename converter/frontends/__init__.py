"""The frontends: from a quantized operator, in whatever form an exporter wrote it, to a candidate."""

from converter.frontends.qoperator import RULES as QOPERATOR
from converter.frontends.rule import Rule

# (domain, operator) -> rule
RULES: dict[tuple[str, str], Rule] = {**QOPERATOR}

# Those that work on 8 bits by their nature; the others in RULES may as well be float.
QUANTIZED = {(domain, op_type) for domain, op_type in RULES if op_type.startswith("Q")}
