"""What goes wrong: with the whole model (ConversionError), with one node (Refusal)."""

IN_FLOAT = "it works in floating point"  # the reason of many a Refusal


class ConversionError(Exception):
    """The model cannot be read, converted or written. The message says what to do about it."""


class Refusal(Exception):  # noqa: N818 (it is none)
    """One node is not converted. The message is the reason, as the report prints it."""
