"""What a pass raises on a model that nobody thought of: one kind of error, which says where it was."""

from collections.abc import Iterator
from contextlib import contextmanager
from traceback import walk_tb

import onnx_ir as ir

from qudnn.converter.errors import ConversionError

_LONGEST = 200  # characters; onnx_ir's messages may hold whole tensors


@contextmanager
def named(step: str) -> Iterator[None]:
    """Turn what is raised inside into a ConversionError that names the step and the node it was at.

    Passes assume valid models. They do not name their node at each step: the frames of the traceback know it.
    """
    try:
        yield
    except ConversionError:
        raise
    except Exception as error:
        raise ConversionError(f"{step} failed{_place(error)}: {text_of(error)}") from error


def text_of(error: BaseException) -> str:
    """The type and the message of what was wrong in the first place, on one line."""
    while error.__cause__ is not None:
        error = error.__cause__
    message = " ".join(str(error).split())
    return f"{type(error).__name__}: {shown(message)}" if message else type(error).__name__


def node_text(node: ir.Node) -> str:
    """A node in messages: its name, or else that of its first output, and its operator."""
    return f"{node_name(node)} ({node.op_type})"


def node_name(node: ir.Node) -> str:
    return shown(node.name or (node.outputs[0].name if node.outputs else ""))


def shown(name: str | None) -> str:
    """A name on one line, not too long, whoever chose it."""
    if not name:
        return "?"
    text = name if name.isprintable() else repr(name)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _place(error: BaseException) -> str:
    """` at <node>`: the node that the innermost function was given or is looking at."""
    for frame, _ in reversed(list(walk_tb(error.__traceback__))):
        nodes = [value for value in frame.f_locals.values() if isinstance(value, ir.Node)]
        if nodes:
            return f" at node {node_text(nodes[0])}"
    return ""
