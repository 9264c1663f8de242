"""Ask the frontends which nodes can be converted."""

import onnx_ir as ir

from converter.errors import Refusal
from converter.facts import Facts
from converter.frontends import RULES
from converter.functions import MIN_OPSET
from converter.passes.base import Pass


class Recognise(Pass):
    """Fills the context: facts, candidates, refusals; the model stays as it is.

    Nodes in the bodies of If, Loop and functions are not asked about.
    """

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        nodes = [node for node in model.graph if (node.domain, node.op_type) in RULES]
        opset = model.opset_imports.get("", MIN_OPSET)
        if opset < MIN_OPSET:
            for node in nodes:
                self.context.refusals[node] = f"the model's opset {opset} could not be raised to {MIN_OPSET}"
        else:
            self.context.facts = Facts(model)
            self._ask(nodes, self.context.facts)
        return ir.passes.PassResult(model, modified=False)

    def _ask(self, nodes: list[ir.Node], facts: Facts) -> None:
        for node in nodes:
            try:
                candidate = RULES[node.domain, node.op_type](node, facts)
            except Refusal as refusal:
                self.context.refusals[node] = str(refusal)
            except Exception as error:  # a node nobody thought of must not keep the others from converting
                self.context.refusals[node] = f"its rule failed: {type(error).__name__}: {error}"
            else:
                self.context.candidates.append(candidate)
                output = candidate.output
                facts.learn(output.value, output.dtype, candidate.shape, output.layout)
