"""Ask the frontends which nodes can be converted."""

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.analysis.types_between import between_pairs
from qudnn.converter.errors import IN_FLOAT, Refusal
from qudnn.converter.failures import text_of
from qudnn.converter.frontends import RULES
from qudnn.converter.functions import MIN_OPSET
from qudnn.converter.graph.edit import is_needed
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.passes.base import PartitionPass


class Recognise(PartitionPass):
    """Fills the context: candidates, refusals, and more facts; the model stays as it is.

    Nodes in functions are not asked about, those in bodies of others with their own graph.
    """

    def run(self, model: ir.Model) -> None:
        self._writers: dict[ir.Value, Candidate] = {}
        self._outdone: set[int] = set()  # candidates by id
        opset = model.opset_imports.get("", MIN_OPSET)
        if opset < MIN_OPSET:
            for node in model.graph:
                if (node.domain, node.op_type) in RULES:
                    self.context.refusals[node] = (
                        f"the model's opset {opset} could not be raised to {MIN_OPSET}"
                    )
        else:
            for node in model.graph:
                self._ask(node, self.context.facts)
            self.context.candidates = [c for c in self.context.candidates if id(c) not in self._outdone]

    def _ask(self, node: ir.Node, facts: Facts) -> None:
        facts.pass_on(node)
        rule = RULES.get((node.domain, node.op_type))
        if rule is None:
            return
        try:
            candidate = rule(node, facts)
            self._check_selected(candidate)
            if not any(is_needed(output.value) for output in candidate.outputs):
                raise Refusal("its result is unused")
        except Refusal as refusal:
            reason = str(refusal)
            self.context.refusals[node] = (between_pairs(node) or reason) if reason == IN_FLOAT else reason
        except Exception as error:  # a node nobody thought of must not keep the others from converting
            self.context.refusals[node] = f"its rule failed: {text_of(error)}"
        else:
            self._add(candidate)
            for output in candidate.outputs:
                facts.learn(output)

    def _check_selected(self, candidate: Candidate) -> None:
        """Raises Refusal where the user does not want it."""
        originals, selection = self.context.originals, self.context.selection
        if not selection:
            return
        numbers = dict.fromkeys(map(originals.number_of, candidate.covers))
        known = [originals.graph[number] for number in numbers if number is not None]
        why = selection.why_left([(original.name, original.op_type) for original in known])
        if known and why:
            raise Refusal(why)

    def _add(self, candidate: Candidate) -> None:
        """Of two that write one value the later one stays: it covers all that the earlier one does.

        So x + x before an activation is a function of x to the rules of both.
        """
        for value in (output.value for output in candidate.outputs):
            if value in self._writers:
                self._outdone.add(id(self._writers[value]))
            self._writers[value] = candidate
        self.context.candidates.append(candidate)
