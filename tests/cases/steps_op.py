"""StepsToIsland: shapes of entries, numbers at thresholds and beside them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cases.builder import Array, seed_of
from cases.op import BORDERS, OpCase

_SPECIAL = np.array([0.0, -0.0, np.nan, np.inf, -np.inf, 3e38, -3e38, 1e-45, -1e-45], np.float32)


@dataclass(frozen=True, eq=False)
class StepsCase(OpCase):
    """Of a step function; steps: how many, at random numbers, some of them special."""

    steps: int = 700
    constants: Mapping[str, Array] = field(init=False)

    def __post_init__(self) -> None:
        rng = np.random.default_rng(seed_of(self.id))
        thresholds = (rng.normal(size=self.steps) * 10 ** rng.uniform(-3, 3, self.steps)).astype(np.float32)
        thresholds[:4] = np.array([0.0, np.inf, -3e38, 1e-45], np.float32)[: self.steps]
        values = rng.integers(-128, 128, self.steps + 2).astype(np.int8)
        object.__setattr__(self, "constants", {"thresholds": np.sort(thresholds), "values": values})

    def inputs(self, batch: int = 2) -> dict[str, Array]:
        """All thresholds and their neighbours, numbers between, and special ones."""
        shape = (batch, *self.tensors["x"][1])
        rng = np.random.default_rng(seed_of(self.id) + 1)
        thresholds = self.constants["thresholds"]
        numbers = np.concatenate(
            [
                _SPECIAL,
                thresholds,
                np.nextafter(thresholds, np.float32(np.inf)),
                np.nextafter(thresholds, np.float32(-np.inf)),
                rng.normal(size=1000).astype(np.float32),
            ]
        )
        return {"x": np.resize(rng.permutation(numbers), shape)}


def _steps(of: OpCase, label: str = "", steps: int = 700) -> StepsCase:
    """The op in the place of a QuantizeToIsland."""
    attributes: dict[str, Any] = {name: of.attributes[name] for name in ("perm", "pads", "zero_point")}
    name = label or of.label
    return StepsCase("StepsToIsland", name, of.tensors, attributes, y_rank=of.y_rank, steps=steps)


_ENTRIES = {case.label: case for case in BORDERS if case.op == "QuantizeToIsland"}
CASES = [
    *(_steps(case) for label, case in _ENTRIES.items() if not label.startswith("scale")),
    *(
        _steps(_ENTRIES["sequence"], f"steps{steps}", steps)
        for steps in (1, 2, 3, 4, 255, 256, 2047, 2048, 4095)
    ),
]
