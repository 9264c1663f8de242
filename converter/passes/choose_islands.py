"""Keep the islands that are worth crossing into."""

import onnx_ir as ir

from converter.candidate import Candidate
from converter.passes.base import Pass


class ChooseIslands(Pass):
    """Candidates that share a tensor form an island; it needs a convolution or matrix product to be kept."""

    def call(self, model: ir.Model) -> ir.passes.PassResult:
        kept: set[int] = set()
        for island in _connected(self.context.candidates):
            if any(candidate.pays for candidate in island):
                kept.update(id(candidate) for candidate in island)
                continue
            for candidate in island:
                for node in candidate.covers:
                    self.context.refusals[node] = (
                        "no convolution or matrix product beside it to share an island with"
                    )
        self.context.candidates = [c for c in self.context.candidates if id(c) in kept]
        return ir.passes.PassResult(model, modified=False)


def _connected(candidates: list[Candidate]) -> list[list[Candidate]]:
    """The candidates, grouped by the tensors of the island (value and layout) that they share."""
    islands: dict[int, list[Candidate]] = {}
    island_of: dict[object, int] = {}
    for number, candidate in enumerate(candidates):
        ports = [(port.value, port.layout) for port in (*candidate.inputs, candidate.output)]
        merged = [candidate]
        for touched in {island_of[port] for port in ports if port in island_of}:
            merged += islands.pop(touched)
        islands[number] = merged
        for member in merged:
            for port in (*member.inputs, member.output):
                island_of[port.value, port.layout] = number
    return list(islands.values())
