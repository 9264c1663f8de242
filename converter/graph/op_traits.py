"""What the converter knows of ONNX's and com.microsoft's operators: a row for each, and questions to them."""

from enum import Flag, auto
from typing import Protocol, TypeGuard, TypeVar

ONNX, CONTRIB = "", "com.microsoft"
DOMAINS = (ONNX, CONTRIB)
ALIAS = "ai.onnx"  # of ONNX's domain, in messages; onnx_ir has the other name


class Operator(Protocol):
    """What the questions below are about: an onnx_ir.Node or an onnx.NodeProto."""

    @property
    def domain(self) -> str: ...

    @property
    def op_type(self) -> str: ...


Node = TypeVar("Node", bound=Operator)


class Trait(Flag):
    """What an operator does, and what onnxruntime (1.31) does with it."""

    # The result consists of values of the inputs.
    MOVES = auto()  # of input 0, chosen by place or order; between Q/DQ pairs of one scale it works on 8 bits
    TAKES_VALUES = auto()  # of input 0; the others say where from, or how many
    CHOOSES = auto()  # of all inputs
    NO_EFFECT = auto()  # those of input 0, in a model that is not trained any more
    UNIFORM = auto()  # where all elements of input 0 are one number, the result's are that number
    # Each element of the result depends on the elements in its place, and on its channel alone.
    ELEMENTWISE = auto()
    ANYWHERE = auto()  # and that with the same bits of float32, wherever in memory the element lies
    # The shape of the result.
    KEEPS_SHAPE = auto()  # that of input 0
    BROADCASTS = auto()  # that which all inputs are broadcast to
    READS_SHAPE = auto()  # the values of its input do not matter, its shape does
    # Axes.
    ALONG_LAST = auto()  # it works along the last axis, which therefore is best that of the channels
    ALONG_SECOND = auto()  # along axis 1
    MOVES_AXES = auto()  # an axis of the result is not that of the input with its number
    # What it computes.
    CONTRACTS = auto()  # sums of products of two inputs in floating point: a matmul or a convolution
    POOLS = auto()  # one number of each window
    AVERAGES = auto()  # sums up along axes: a mean, or what is divided by one
    CLIPS = auto()  # an activation that onnxruntime fuses (ReluQuantFusion, ClipQuantFusion)
    FUSED = auto()  # onnxruntime's optimizer makes it part of a FusedConv (conv_activation_fusion.cc)
    VIEWS = auto()  # the elements stay in their order, the shape is another
    CONVERTS = auto()  # between floating point and integers, with a scale
    UNPACKS = auto()  # a step from weights stored in few bits to floating point
    OTHER_INPUT = auto()  # though quantized, it reads something else than 8 bits as input 0
    OTHER_RESULT = auto()  # or makes something else of 8 bits
    STORED_WEIGHTS = auto()  # its weights are stored in few bits, it multiplies in floating point
    RANDOM = auto()  # equal inputs do not give equal results
    # onnxruntime: integer forms are in qdq_selector_action_transformer.cc, CreateSelectorActionRegistry.
    INTEGER_FORM = auto()  # the CPU provider has an integer operator for it, between Q/DQ pairs
    INTEGER_FORM_TO_FLOAT = auto()  # that may leave its result in float32
    OP_IN_FLOAT = auto()  # it has none, and qudnn an op for it between Q/DQ pairs
    FOLDS = auto()  # of constants it makes one, no longer than they are but where it broadcasts
    PASSED = auto()  # Q/DQ pairs pass it (qdq_propagation.cc, CanNodePropagate)
    LEAVES_SUMS = auto()  # as a consumer of an Add, it is not fused with it
    TRANSPOSED = auto()  # Transposes are moved past it (onnx_transpose_optimization.cc)
    GPU_INT8 = auto()  # the CUDA provider has a kernel for int8 (docs/OperatorKernels.md, from opset 13 on)
    GPU_UINT8 = auto()  # and one for uint8


_NONE = Trait(0)
_T = Trait
_GPU = _T.GPU_INT8 | _T.GPU_UINT8
_MOVE = _T.MOVES | _T.TAKES_VALUES
_UNARY = _T.ELEMENTWISE | _T.KEEPS_SHAPE
_FREE = _UNARY | _T.TRANSPOSED
_BINARY = _T.ELEMENTWISE | _T.BROADCASTS
_QUANTIZE = _T.CONVERTS | _T.KEEPS_SHAPE

_ONNX: dict[str, Trait] = {
    "Abs": _FREE | _T.FOLDS | _T.ANYWHERE,
    "Add": _BINARY | _T.INTEGER_FORM | _T.FOLDS | _T.ANYWHERE,
    "And": _T.BROADCASTS,
    "ArgMax": _T.MOVES_AXES,
    "ArgMin": _T.MOVES_AXES,
    "AveragePool": _T.POOLS | _T.ALONG_SECOND | _T.INTEGER_FORM,
    "BatchNormalization": _UNARY | _T.ALONG_SECOND | _T.FOLDS,
    "Bernoulli": _T.RANDOM,
    "Cast": _T.KEEPS_SHAPE | _T.UNPACKS | _T.LEAVES_SUMS | _T.FOLDS,
    "Ceil": _FREE | _T.FOLDS,
    "Celu": _FREE,
    "Clip": _FREE | _T.CLIPS | _GPU | _T.FOLDS | _T.FUSED | _T.ANYWHERE,
    "Concat": _T.CHOOSES | _T.MOVES_AXES | _T.INTEGER_FORM | _GPU,
    "Constant": _NONE,
    "ConstantOfShape": _NONE,
    "Conv": _T.CONTRACTS | _T.ALONG_SECOND | _T.INTEGER_FORM,
    "ConvInteger": _T.ALONG_SECOND,
    "ConvTranspose": _T.CONTRACTS | _T.ALONG_SECOND,
    "Cos": _FREE,
    "DepthToSpace": _MOVE | _T.ALONG_SECOND,
    "DequantizeLinear": _QUANTIZE | _T.UNPACKS,
    "Div": _BINARY | _T.UNPACKS | _T.FOLDS | _T.ANYWHERE,
    "Dropout": _UNARY | _T.NO_EFFECT | _T.RANDOM,
    "DynamicQuantizeLinear": _T.CONVERTS,
    "Elu": _FREE,
    "Equal": _T.BROADCASTS,
    "Erf": _FREE,
    "Exp": _FREE | _T.FOLDS,
    "Expand": _MOVE | _T.UNIFORM | _T.MOVES_AXES | _GPU,
    "Flatten": _MOVE | _T.MOVES_AXES | _GPU | _T.FOLDS | _T.VIEWS,
    "Floor": _FREE | _T.FOLDS,
    "Gather": _MOVE | _T.UNIFORM | _T.MOVES_AXES | _GPU,
    "GatherElements": _T.TAKES_VALUES | _T.UNIFORM,
    "GatherND": _T.TAKES_VALUES,
    "Gelu": _UNARY,
    "Gemm": _T.CONTRACTS | _T.ALONG_LAST | _T.INTEGER_FORM | _T.INTEGER_FORM_TO_FLOAT,
    "GlobalAveragePool": _T.ALONG_SECOND | _T.INTEGER_FORM | _T.AVERAGES,
    "GlobalMaxPool": _T.ALONG_SECOND | _T.OP_IN_FLOAT,
    "Greater": _T.BROADCASTS,
    "GreaterOrEqual": _T.BROADCASTS,
    "HardSigmoid": _FREE | _T.FUSED | _T.ANYWHERE,
    "HardSwish": _FREE | _T.ANYWHERE,
    "Identity": _UNARY | _T.TAKES_VALUES | _T.NO_EFFECT | _T.UNIFORM | _T.UNPACKS | _GPU | _T.FOLDS,
    "If": _NONE,
    "GroupNormalization": _T.KEEPS_SHAPE | _T.ALONG_SECOND | _T.AVERAGES | _T.OP_IN_FLOAT,
    "InstanceNormalization": _T.KEEPS_SHAPE | _T.ALONG_SECOND | _T.AVERAGES | _T.OP_IN_FLOAT,
    "IsNaN": _UNARY,
    "LayerNormalization": _T.KEEPS_SHAPE | _T.ALONG_LAST | _T.AVERAGES | _T.OP_IN_FLOAT,
    "LeakyRelu": _FREE | _T.INTEGER_FORM | _T.FUSED | _T.ANYWHERE,
    "Less": _T.BROADCASTS,
    "LessOrEqual": _T.BROADCASTS,
    "Log": _FREE | _T.FOLDS,
    "MatMul": _T.CONTRACTS | _T.ALONG_LAST | _T.INTEGER_FORM | _T.INTEGER_FORM_TO_FLOAT,
    "MatMulInteger": _T.ALONG_LAST,
    "Max": _BINARY | _T.CHOOSES | _T.FOLDS | _T.ANYWHERE,
    "MaxPool": _MOVE | _T.POOLS | _T.ALONG_SECOND | _T.PASSED | _GPU,
    "Min": _BINARY | _T.CHOOSES | _T.FOLDS | _T.ANYWHERE,
    "Mish": _UNARY,
    "Mul": _BINARY | _T.INTEGER_FORM | _T.UNPACKS | _T.FOLDS | _T.ANYWHERE,
    "Multinomial": _T.RANDOM,
    "Neg": _FREE | _T.FOLDS | _T.ANYWHERE,
    "Not": _T.KEEPS_SHAPE,
    "Or": _T.BROADCASTS,
    "PRelu": _UNARY | _T.ANYWHERE,
    "Pad": _MOVE,
    "Pow": _BINARY | _T.FOLDS,
    "QLinearConv": _T.ALONG_SECOND,
    "QLinearMatMul": _T.ALONG_LAST,
    "QuantizeLinear": _QUANTIZE | _T.LEAVES_SUMS,
    "RMSNormalization": _T.KEEPS_SHAPE | _T.ALONG_LAST | _T.AVERAGES | _T.OP_IN_FLOAT,
    "RandomNormal": _T.RANDOM,
    "RandomNormalLike": _T.RANDOM,
    "RandomUniform": _T.RANDOM,
    "RandomUniformLike": _T.RANDOM,
    "Reciprocal": _FREE | _T.FOLDS,
    "ReduceMax": _T.MOVES_AXES | _T.OP_IN_FLOAT,
    "ReduceMean": _T.MOVES_AXES | _T.AVERAGES | _T.OP_IN_FLOAT,
    "ReduceMin": _T.MOVES_AXES | _T.OP_IN_FLOAT,
    "ReduceSum": _T.MOVES_AXES | _T.AVERAGES | _T.OP_IN_FLOAT,
    "Relu": _FREE | _T.CLIPS | _T.LEAVES_SUMS | _T.FOLDS | _T.FUSED | _T.ANYWHERE,
    "Reshape": _MOVE | _T.UNIFORM | _T.UNPACKS | _T.MOVES_AXES | _T.PASSED | _GPU | _T.FOLDS | _T.VIEWS,
    "Resize": _MOVE | _T.ALONG_SECOND | _T.GPU_UINT8,
    "Round": _FREE | _T.FOLDS,
    "Selu": _FREE,
    "Shape": _T.READS_SHAPE | _T.MOVES_AXES,
    "Sigmoid": _FREE | _T.INTEGER_FORM | _T.LEAVES_SUMS | _T.FOLDS | _T.FUSED | _T.ANYWHERE,
    "Sign": _FREE | _T.FOLDS,
    "Sin": _FREE,
    "Size": _T.READS_SHAPE,
    "Slice": _MOVE | _T.UNIFORM | _T.MOVES_AXES | _T.PASSED | _GPU | _T.FOLDS,
    "Softmax": _T.KEEPS_SHAPE | _T.ALONG_LAST | _T.INTEGER_FORM | _T.LEAVES_SUMS | _T.AVERAGES,
    "Softplus": _FREE,
    "Softsign": _FREE,
    "SpaceToDepth": _MOVE | _T.ALONG_SECOND,
    "Split": _MOVE | _T.MOVES_AXES | _GPU,
    "Sqrt": _FREE | _T.FOLDS,
    "Squeeze": _MOVE | _T.UNIFORM | _T.MOVES_AXES | _T.PASSED | _GPU | _T.FOLDS | _T.VIEWS,
    "Sub": _BINARY | _T.UNPACKS | _T.FOLDS | _T.ANYWHERE,
    "Swish": _UNARY,
    "Tanh": _FREE | _T.LEAVES_SUMS | _T.FOLDS | _T.FUSED,
    "ThresholdedRelu": _FREE,
    "Tile": _MOVE | _T.MOVES_AXES,
    "Transpose": _MOVE | _T.UNPACKS | _T.MOVES_AXES | _T.PASSED | _GPU | _T.FOLDS,
    "Unsqueeze": _MOVE | _T.UNIFORM | _T.MOVES_AXES | _T.PASSED | _GPU | _T.FOLDS | _T.VIEWS,
    "Upsample": _T.TAKES_VALUES,
    "Where": _BINARY | _T.CHOOSES | _T.INTEGER_FORM | _T.GPU_UINT8,
    "Xor": _T.BROADCASTS,
}
_CONTRIB: dict[str, Trait] = {
    "BiasGelu": _UNARY | _T.ALONG_LAST,
    "DequantizeLinear": _QUANTIZE | _T.UNPACKS,
    "DynamicQuantizeLSTM": _T.OTHER_INPUT | _T.OTHER_RESULT,
    "DynamicQuantizeMatMul": _T.OTHER_INPUT | _T.OTHER_RESULT,
    "EmbedLayerNormalization": _T.ALONG_LAST,
    "FastGelu": _UNARY,
    "FusedMatMul": _T.CONTRACTS | _T.ALONG_LAST,
    "GatherBlockQuantized": _T.STORED_WEIGHTS,
    "Gelu": _UNARY,
    "MatMulBnb4": _T.STORED_WEIGHTS,
    "MatMulIntegerToFloat": _T.OTHER_RESULT,
    "MatMulNBits": _T.STORED_WEIGHTS,
    "QAttention": _T.ALONG_LAST | _T.OTHER_RESULT,
    "QEmbedLayerNormalization": _T.ALONG_LAST | _T.OTHER_INPUT | _T.OTHER_RESULT,
    "QGemm": _T.ALONG_LAST,
    "QLinearAdd": _NONE,
    "QLinearAveragePool": _T.POOLS | _T.ALONG_SECOND,
    "QLinearConcat": _T.MOVES_AXES,
    "QLinearGlobalAveragePool": _T.ALONG_SECOND,
    "QLinearLeakyRelu": _NONE,
    "QLinearMul": _NONE,
    "QLinearSigmoid": _NONE,
    "QLinearSoftmax": _T.ALONG_LAST,
    "QLinearWhere": _NONE,
    "QuantizeLinear": _QUANTIZE | _T.LEAVES_SUMS,
    "QuickGelu": _UNARY,
    "SkipLayerNormalization": _T.KEEPS_SHAPE | _T.ALONG_LAST | _T.AVERAGES,
    "SkipSimplifiedLayerNormalization": _T.KEEPS_SHAPE | _T.ALONG_LAST | _T.AVERAGES,
}
ROWS: dict[tuple[str, str], Trait] = {
    **{(ONNX, op_type): traits for op_type, traits in _ONNX.items()},
    **{(CONTRIB, op_type): traits for op_type, traits in _CONTRIB.items()},
}

# Beginnings of the names of operators on quantized tensors; there are too many for a row each.
_QUANTIZED = (
    "ConvInteger", "DynamicQuantize", "MatMulInteger", "QAttention", "QEmbed", "QGemm", "QLinear", "QOrdered",
)  # fmt: skip


def is_onnx(node: Node | None, *op_types: str) -> TypeGuard[Node]:
    """Whether node is one of these operators of ONNX's own domain."""
    return node is not None and node.domain in (ONNX, ALIAS) and node.op_type in op_types


def is_known(node: Node | None, *op_types: str) -> TypeGuard[Node]:
    """Whether node is one of these operators of ONNX's own domain or of com.microsoft."""
    return is_onnx(node, *op_types) or is_contrib(node, *op_types)


def is_contrib(node: Node | None, *op_types: str) -> TypeGuard[Node]:
    """Whether node is one of these operators of onnxruntime's domain com.microsoft."""
    return node is not None and node.domain == CONTRIB and node.op_type in op_types


def has_trait(node: Node | None, traits: Trait) -> TypeGuard[Node]:
    """Whether node is an operator with one of these traits."""
    if node is None:
        return False
    domain = ONNX if node.domain == ALIAS else node.domain
    return bool(ROWS.get((domain, node.op_type), _NONE) & traits)


def operator_has(op_type: str, traits: Trait) -> bool:
    """Whether ONNX's operator of this name has one of the traits."""
    return bool(ROWS.get((ONNX, op_type), _NONE) & traits)


def is_quantized_operator(node: Operator) -> bool:
    """Whether node computes with quantized tensors, as QLinearConv and MatMulInteger do."""
    known = node.domain in (*DOMAINS, ALIAS) and not has_trait(node, Trait.CONVERTS)
    return known and is_quantized_name(node.op_type)


def is_quantized_name(op_type: str) -> bool:
    """Whether an operator's name is that of one on quantized tensors."""
    return op_type.startswith(_QUANTIZED)


def operators_with(traits: Trait) -> list[tuple[str, str]]:
    """The domains and names of the operators with one of these traits."""
    return [key for key, found in ROWS.items() if found & traits]
