"""The frontends: from a quantized operator, in whatever form an exporter wrote it, to a candidate."""

from converter.frontends.qoperator import RULES as QOPERATOR
from converter.frontends.rule import Rule

# (domain, operator) -> rule
RULES: dict[tuple[str, str], Rule] = {**QOPERATOR}
