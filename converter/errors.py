"""What goes wrong: with the whole model (ConversionError), with one node (Refusal)."""

from typing import NamedTuple

IN_FLOAT = "it works in floating point"  # the reason of many a Refusal


class ConversionError(Exception):
    """The model cannot be read, converted or written. The message says what to do about it."""


class Refusal(Exception):  # noqa: N818 (it is none)
    """One node is not converted. The message is the reason, as the report prints it."""


class Decline(NamedTuple):
    """Why a pass, the step, left a node as it was. name: the node's, or else that of its first output."""

    step: str
    name: str
    op_type: str
    reason: str
