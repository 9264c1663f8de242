"""Each operator exists as a function body, as a registered operator and as a formula in NumPy."""

import re
from pathlib import Path

from oracles import ORACLES
from oracles.float_attention import float_attention
from oracles.float_tail import float_average_pool, float_pointwise
from qudnn.converter.functions import FUNCTIONS

ROOT = Path(__file__).parents[1]

# Computed in TF32, or added up in any order: their formula gives bounds, not bits, so it is not in the table
# of those that do.
BOUNDED = {
    "Attention": float_attention,
    "MaskedAttention": float_attention,
    "FloatAveragePool": float_average_pool,
    "FloatPointwise": float_pointwise,
}


def registered() -> set[str]:
    """The operators in the table of csrc/ops/register.cpp."""
    source = (ROOT / "csrc" / "ops" / "register.cpp").read_text()
    table = re.search(r"using Ops =\s*List<([\w,\s]+)>;", source)
    assert table, "the table has another form now: read it in another way"
    return set(re.findall(r"\w+", table[1]))


def test_bodies_operators_and_formulas_are_one_set() -> None:
    assert len(FUNCTIONS) > 40
    assert registered() == set(FUNCTIONS)
    assert {*ORACLES, *BOUNDED} == set(FUNCTIONS)
    assert not {*ORACLES} & {*BOUNDED}
