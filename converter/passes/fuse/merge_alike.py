"""What the passes that make one large matmul of several small ones have in common."""

from abc import abstractmethod
from typing import Generic, Protocol, TypeVar

import onnx_ir as ir

from qudnn.converter.errors import Refusal
from qudnn.converter.passes.base import Pass


class Projection(Protocol):
    """A matmul with weights, whose result is split into heads."""

    @property
    def matmul(self) -> ir.Node: ...

    @property
    def key(self) -> object:
        """What those have in common that may be merged."""


Found = TypeVar("Found", bound=Projection)


class MergeAlike(Pass, Generic[Found]):
    """Merges all matmuls of one key."""

    def run(self, model: ir.Model) -> None:
        alike: dict[object, list[Found]] = {}
        for node in model.graph:
            if not self.matches(node):
                continue
            try:
                found = self.read(node)
                alike.setdefault(found.key, []).append(found)
            except Refusal as refusal:
                self.decline(node, refusal)
        for group in alike.values():
            if len(group) > 1:
                self.merge(group)
            else:
                self.decline(group[0].matmul, "no other matmul of its input has heads of its size")

    @abstractmethod
    def matches(self, node: ir.Node) -> bool:
        """Whether the pass would like to merge the node with others: of the rest it says nothing."""

    @abstractmethod
    def read(self, node: ir.Node) -> Found:
        """The matmul and what belongs to it. Raises Refusal where it cannot be merged."""

    @abstractmethod
    def merge(self, group: list[Found]) -> None:
        """Put one matmul in the place of several."""
