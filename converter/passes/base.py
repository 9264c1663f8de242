"""What a pass is."""

from abc import ABC, abstractmethod
from typing import ClassVar, Generic, TypeVar

import onnx_ir as ir

from qudnn.converter.context import Context, Journal, Partition, Preparation
from qudnn.converter.errors import Refusal

State = TypeVar("State", bound=Journal)


class Step(ABC, Generic[State]):
    """A step of the pipeline: it changes the model in place and leaves it valid and computing the same.

    context: what is known so far, which the step may add to.
    """

    def __init__(self, context: State) -> None:
        self.context = context

    def __call__(self, model: ir.Model) -> None:
        self.run(model)

    @abstractmethod
    def run(self, model: ir.Model) -> None:
        """Change the model."""

    def decline(self, node: ir.Node, reason: Refusal | str) -> None:
        """Note why the step leaves the node as it is, if the user wants to know."""
        self.context.decline(type(self).__name__, node, str(reason))


class ReadPass(Step[Journal]):
    """A pass of the phase `read`, after which the nodes are those that the report is about."""


class EarlyPass(Step[Preparation]):
    """A pass of the phases `prepare` and `onnxruntime`: shapes and types of values are not known yet."""


class Pass(Step[Context]):
    """A pass of the phases from `partition` on."""


class PartitionPass(Step[Partition]):
    """A pass of the phase `partition` that makes, chooses or replaces candidates."""


class _NodeStep(Step[State]):
    """A pass that looks at one node after the other, in the order of the graph as it finds it.

    SORTS: whether a rewrite may leave nodes before their producers; they are sorted then.
    REPORTED: whether the report gives the reason why a node stays, asked for or not.
    """

    SORTS: ClassVar[bool] = False
    REPORTED: ClassVar[bool] = False

    def run(self, model: ir.Model) -> None:
        rewritten = False
        for node in list(model.graph):
            if node.graph is not model.graph or not self.matches(node):  # removed, or none of the pass's
                continue
            try:
                self.rewrite(node, model.graph)
                rewritten = True
            except Refusal as refusal:
                self.decline(node, refusal)
                if self.REPORTED:
                    self.context.refusals[node] = str(refusal)
        if rewritten and self.SORTS:
            model.graph.sort()

    @abstractmethod
    def matches(self, node: ir.Node) -> bool:
        """Whether the pass would like to rewrite the node: of others it says nothing."""

    @abstractmethod
    def rewrite(self, node: ir.Node, graph: ir.Graph) -> None:
        """Replace the node, alone or with others. Raises Refusal, with nothing changed, if that cannot be."""


class NodePass(_NodeStep[Context]):
    """A pass from `partition` on that looks at one node after the other."""


class EarlyNodePass(_NodeStep[Preparation]):
    """A pass of `prepare` or `onnxruntime` that looks at one node after the other."""
