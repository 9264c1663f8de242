"""What is done to a model to make a mutant of it: one to three changes, drawn from a generator."""

from collections.abc import Callable, Sequence

import numpy as np
import onnx

from mutants import constants, graphs, nodes
from mutants.draw import one

Rng = np.random.Generator
Change = Callable[[onnx.ModelProto, Rng], None]

CHANGES: Sequence[Change] = (*nodes.CHANGES, *constants.CHANGES, *graphs.CHANGES)


def mutant(model: onnx.ModelProto, rng: Rng) -> tuple[onnx.ModelProto, list[str]]:
    """A changed copy, and the names of the changes."""
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    done = []
    for _ in range(rng.integers(1, 4)):
        change = one(rng, CHANGES)
        if changed.graph.node:
            change(changed, rng)
            done.append(change.__name__)
    return changed, done
