"""What to do about a node that was left, by the reason why it was."""

import re

from qudnn.converter.errors import IN_FLOAT

_ADVICE = (
    (
        r"excluded by|not among the nodes to convert",
        "Change --exclude and --include if it should convert.",
    ),
    (
        r"not at the border of an island",
        "Nothing: it converts once the operators beside it do; see their reasons.",
    ),
    (r"--quantize-activations", "Convert with --quantize-activations; results change, see docs/accuracy.md."),
    (r"ORT_ENABLE_EXTENDED|choose 8 bits|choose float32", ""),  # the reason says it
    (
        r"its input comes from (\S+) in floating point",
        r"Quantize the result of \1: a QuantizeLinear and a DequantizeLinear between the two.",
    ),
    (
        r"(\S+) consumes its result in floating point",
        r"Quantize its result: a QuantizeLinear and a DequantizeLinear between it and \1.",
    ),
    (
        r"consumers in floating point beside QuantizeLinear",
        "Let all its consumers read the quantized tensor.",
    ),
    (
        r"one of its inputs is in floating point|combines several quantized tensors",
        "Quantize all its inputs and its result.",
    ),
    (r"its result is an output of the graph", "Nothing: outputs of the graph leave islands anyway."),
    (r"its scale is .*, not one float32", "Export with scales in float32 or float16."),
    (
        r"opset",
        "Export with opset 13 or newer, before the model is quantized.",
    ),
    (
        r"(shape|type|number of \w+|heads) .*(is|are) (not known|unknown)|not known to|is unknown",
        "Fix the sizes of the model's inputs, or run onnx.shape_inference, and convert again.",
    ),
    (
        r"default, which a caller may change",
        "Convert with --constant-defaults, which takes it off the model's inputs, or export with "
        "keep_initializers_as_inputs=False.",
    ),
    (
        r"must be constant|(is|are) not constant|no constant",
        "Make it a constant: export with constants folded.",
    ),
    (r"(not quantized per tensor|in blocks|differ)", "Quantize per tensor, or per output channel."),
    (r"weight.*not 8 bits wide|not 8 bits wide", "Quantize it to 8 bits."),
    (r"not dequantized from a constant", "Quantize that constant, too: to 8 bits, a bias to 32."),
    (r"is in the body of", "Export without control flow around it."),
    (r"would cost more than", "Nothing: it would be slower."),
    (
        re.escape(IN_FLOAT),
        "Let the tool that quantizes put QuantizeLinear and DequantizeLinear at its inputs and its result.",
    ),
    (r"is not quantized", "Quantize its result."),
)


def advice(reason: str) -> str:
    """A sentence; empty where the reason says it itself, or where nothing can be done in the model."""
    for pattern, text in _ADVICE:
        match = re.search(pattern, reason)
        if match:
            return match.expand(text)
    return ""
