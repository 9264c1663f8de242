"""AddRMSNormalizationToIsland: the cases of AddLayerNormalizationToIsland of two or three dimensions."""

from dataclasses import replace

from cases.add_layer_normalization import WIDTHS, NormalizationCase, add


def _by_squares(case: NormalizationCase) -> NormalizationCase:
    """Without beta."""
    constants = {name: value for name, value in case.constants.items() if name != "beta"}
    order = tuple(name for name in case.order if name != "beta")
    return replace(case, op="AddRMSNormalizationToIsland", constants=constants, order=order)


CASES = [
    _by_squares(case)
    for residual in ("int8", "float32")
    for case in (
        *(
            add("base", (37,), 768, residual=residual, left_out=left_out)
            for left_out in ((), ("y",), ("sum",), ("sum", "y"))
        ),
        add("matrix", (), 768, residual=residual, left_out=("sum", "y")),
        add("chunks", (9,), 512, residual=residual),
        add("chunks", (9,), 1021, 1024, residual=residual),
        add("wide", (3,), 8192, residual=residual),
        add("all", (50,), 197, residual=residual, channels=2**63 - 1),
        add("zero", (9,), 64, residual=residual, residual_zero_point=3, residual_scale=0.1),
        add("huge", (9,), 64, residual=residual, x_scale=1e37),
        add("coarse", (9,), 64, residual=residual, q_scale=1e-40),
        *(add("tail", (9,), *widths, residual=residual) for widths in WIDTHS),
    )
]
