"""What a frontend's rule is."""

from collections.abc import Callable

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.island.candidate import Candidate

# Takes a node of the type it is registered for, and gives a candidate or raises Refusal. Rules are
# asked in the order of the graph, so that the facts hold what the rules before have learned.
Rule = Callable[[ir.Node, Facts], Candidate]
