"""The pipeline: what conversion does, in its order. No other place knows about order."""

from collections.abc import Callable
from time import perf_counter
from typing import Any, Generic, NamedTuple, Protocol

import onnx_ir as ir

from qudnn.converter import bodies
from qudnn.converter.context import Context, Journal, Partition, Preparation
from qudnn.converter.failures import named, node_name
from qudnn.converter.passes.base import State, Step
from qudnn.converter.passes.border.absorb_transposes import AbsorbTransposes
from qudnn.converter.passes.border.cancel_crossings import CancelCrossings
from qudnn.converter.passes.border.delay_transposes import DelayTransposes
from qudnn.converter.passes.border.dequantize_at_exit import DequantizeAtExit
from qudnn.converter.passes.border.dequantize_entered import DequantizeEntered
from qudnn.converter.passes.border.drop_row_reshapes import DropRowReshapes
from qudnn.converter.passes.border.quantize_at_entry import QuantizeAtEntry
from qudnn.converter.passes.border.shapes_at_exits import ShapesAtExits
from qudnn.converter.passes.border.share_crossings import ShareCrossings
from qudnn.converter.passes.border.share_dynamic_entries import ShareDynamicEntries
from qudnn.converter.passes.border.transposes_at_crossings import TransposesAtCrossings
from qudnn.converter.passes.finish.add_functions import AddFunctions
from qudnn.converter.passes.finish.conv_max_pool_at_entry import ConvMaxPoolAtEntry
from qudnn.converter.passes.finish.dequantize_by_product import DequantizeByProduct
from qudnn.converter.passes.finish.drop_unneeded import DropUnneeded
from qudnn.converter.passes.finish.fuse_bottleneck import FuseBottleneck
from qudnn.converter.passes.finish.fuse_channel_table_add import FuseChannelTableAdd
from qudnn.converter.passes.finish.fuse_conv_add import FuseConvAdd
from qudnn.converter.passes.finish.fuse_conv_max_pool import FuseConvMaxPool
from qudnn.converter.passes.finish.fuse_epilogue_table import FuseEpilogueTable
from qudnn.converter.passes.finish.fuse_matmul_add import FuseMatMulAdd
from qudnn.converter.passes.finish.fuse_squeeze_excitation import FuseSqueezeExcitation
from qudnn.converter.passes.finish.narrow_stem import NarrowStem
from qudnn.converter.passes.finish.pad_at_producer import PadAtProducer
from qudnn.converter.passes.finish.round_at_entry import RoundAtEntry
from qudnn.converter.passes.finish.show_excluded import ShowExcluded
from qudnn.converter.passes.fuse.binary_at_entry import BinaryAtEntry
from qudnn.converter.passes.fuse.elementwise_as_it_lies import ElementwiseAsItLies
from qudnn.converter.passes.fuse.float_pointwise import FloatPointwise
from qudnn.converter.passes.fuse.float_pools import FloatPools
from qudnn.converter.passes.fuse.fuse_add_layer_normalization import FuseAddLayerNormalization
from qudnn.converter.passes.fuse.fuse_attention import FuseAttention
from qudnn.converter.passes.fuse.fuse_float_attention import FuseFloatAttention
from qudnn.converter.passes.fuse.fuse_tables import FuseTables
from qudnn.converter.passes.fuse.gather_at_entry import GatherAtEntry
from qudnn.converter.passes.fuse.gather_before_normalization import GatherBeforeNormalization
from qudnn.converter.passes.fuse.gelu_at_dynamic_entry import GeluAtDynamicEntry
from qudnn.converter.passes.fuse.merge_dynamic_projections import MergeDynamicProjections
from qudnn.converter.passes.fuse.merge_projections import MergeProjections
from qudnn.converter.passes.fuse.normalize_at_dynamic_entry import NormalizeAtDynamicEntry
from qudnn.converter.passes.fuse.normalize_at_entry import NormalizeAtEntry
from qudnn.converter.passes.fuse.skip_normalize_at_entry import SkipNormalizeAtEntry
from qudnn.converter.passes.fuse.softmax_at_entry import SoftmaxAtEntry
from qudnn.converter.passes.fuse.steps_at_entry import StepsAtEntry
from qudnn.converter.passes.fuse.table_at_exit import TableAtExit
from qudnn.converter.passes.onnxruntime.cancel_transposes import CancelTransposes
from qudnn.converter.passes.onnxruntime.drop_pairs import DropPairs
from qudnn.converter.passes.onnxruntime.int8_to_uint8 import Int8ToUint8
from qudnn.converter.passes.onnxruntime.merge_double_pairs import MergeDoublePairs
from qudnn.converter.passes.onnxruntime.merge_equal_pairs import MergeEqualPairs
from qudnn.converter.passes.onnxruntime.merge_equal_quantizers import MergeEqualQuantizers
from qudnn.converter.passes.onnxruntime.propagate_pairs import PropagatePairs
from qudnn.converter.passes.onnxruntime.quantize_float_weights import QuantizeFloatWeights
from qudnn.converter.passes.partition.choose_islands import ChooseIslands
from qudnn.converter.passes.partition.hide_excluded import HideExcluded
from qudnn.converter.passes.partition.keep_in_float import KeepInFloat
from qudnn.converter.passes.partition.lower import Lower
from qudnn.converter.passes.partition.recognise import Recognise
from qudnn.converter.passes.partition.restore_pairs import RestorePairs
from qudnn.converter.passes.partition.shapes_from_inputs import ShapesFromInputs
from qudnn.converter.passes.partition.shapes_of_eight_bits import ShapesOfEightBits
from qudnn.converter.passes.prepare.channel_scales import ChannelScales
from qudnn.converter.passes.prepare.channels_first import ChannelsFirst
from qudnn.converter.passes.prepare.drop_identities import DropIdentities
from qudnn.converter.passes.prepare.flatten_vectors import FlattenVectors
from qudnn.converter.passes.prepare.fold_constants import FoldConstants
from qudnn.converter.passes.prepare.fold_sizes import FoldSizes
from qudnn.converter.passes.prepare.lift_constants import LiftConstants
from qudnn.converter.passes.prepare.moves_after_functions import MovesAfterFunctions
from qudnn.converter.passes.prepare.normalize_for_each import NormalizeForEach
from qudnn.converter.passes.prepare.pair_activations import PairActivations
from qudnn.converter.passes.prepare.quantize_activations import QuantizeActivations
from qudnn.converter.passes.prepare.raise_opset import RaiseOpset
from qudnn.converter.passes.prepare.settle_attributes import SettleAttributes
from qudnn.converter.passes.prepare.shapes_of_inputs import ShapesOfInputs
from qudnn.converter.passes.prepare.unfuse_attention import UnfuseAttention
from qudnn.converter.passes.prepare.unfuse_conv import UnfuseConv
from qudnn.converter.passes.prepare.unfuse_embedding import UnfuseEmbedding
from qudnn.converter.passes.prepare.widen_float16 import WidenFloat16
from qudnn.converter.passes.read.correct_shapes import CorrectShapes
from qudnn.converter.passes.read.inline_ifs import InlineIfs
from qudnn.converter.passes.read.settle_constants import SettleConstants
from qudnn.converter.passes.read.settle_inputs import SettleInputs
from qudnn.converter.passes.read.sort_nodes import SortNodes
from qudnn.converter.reports.describe import describe, describe_left
from qudnn.converter.reports.report import Report
from qudnn.converter.selection import Selection


class Phase(NamedTuple, Generic[State]):
    """Passes that belong together; they lie in the folder of the phase's name."""

    name: str
    passes: tuple[Callable[[State], Step[Any]], ...]


class Observer(Protocol):
    """Who wants to know what the passes do."""

    def before(self, model: ir.Model) -> None:
        """Called once, with the model as it was read."""

    def after(self, phase: str, step: str, model: ir.Model, seconds: float) -> None:
        """Called when the pass `step` is done, which took so long."""


READING: Phase[Journal] = Phase(
    "read",  # the model as onnxruntime reads it
    (
        SortNodes,
        SettleInputs,
        SettleConstants,
        InlineIfs,
        CorrectShapes,
    ),
)
PREPARING: tuple[Phase[Preparation], ...] = (
    Phase(
        "prepare",  # the model in the form that later phases expect
        (
            RaiseOpset,
            LiftConstants,
            FlattenVectors,
            SettleAttributes,
            ChannelsFirst,
            UnfuseConv,
            UnfuseEmbedding,
            UnfuseAttention,
            WidenFloat16,
            FoldSizes,
            DropIdentities,
            FoldConstants,
            ShapesOfInputs,
            NormalizeForEach,
            QuantizeActivations,
            PairActivations,
            MovesAfterFunctions,
            ChannelScales,
        ),
    ),
    Phase(
        "onnxruntime",  # what onnxruntime's optimizer makes of Q/DQ pairs
        (
            MergeDoublePairs,
            MergeEqualQuantizers,
            CancelTransposes,
            MergeDoublePairs,  # again: of pairs that transposes stood between
            PropagatePairs,
            QuantizeFloatWeights,
            MergeEqualQuantizers,  # again: of pairs that were passed on
            Int8ToUint8,
            MergeEqualPairs,
            DropPairs,
        ),
    ),
)
PARTITION: Phase[Partition] = Phase(
    "partition",  # which nodes go into islands
    (
        ShapesOfEightBits,
        Recognise,
        ShapesFromInputs,
        ChooseIslands,
        KeepInFloat,
        Lower,
        RestorePairs,
        HideExcluded,
    ),
)
CONVERTING: tuple[Phase[Context], ...] = (
    Phase(
        "border",  # crossings and what stands beside them
        (
            CancelCrossings,
            DelayTransposes,
            AbsorbTransposes,
            QuantizeAtEntry,
            DequantizeAtExit,
            DequantizeEntered,
            TransposesAtCrossings,
            DropRowReshapes,
            ShareCrossings,
            ShareDynamicEntries,
            ShapesAtExits,
        ),
    ),
    Phase(
        "fuse",  # several ops in one
        (
            GatherBeforeNormalization,
            NormalizeAtEntry,
            SkipNormalizeAtEntry,
            NormalizeAtDynamicEntry,
            GeluAtDynamicEntry,
            FloatPools,
            FloatPointwise,
            StepsAtEntry,
            BinaryAtEntry,
            StepsAtEntry,  # again: of activations that a product read, too
            ElementwiseAsItLies,
            TransposesAtCrossings,  # again: those that an activation stood behind
            SoftmaxAtEntry,
            GatherAtEntry,
            FuseTables,
            MergeProjections,
            FuseAttention,
            FuseFloatAttention,
            TableAtExit,
            MergeDynamicProjections,
            FuseAddLayerNormalization,
        ),
    ),
    Phase(
        "finish",  # what depends on all ops being final
        (
            ShowExcluded,
            NarrowStem,
            FuseConvMaxPool,
            ConvMaxPoolAtEntry,
            FuseSqueezeExcitation,
            FuseMatMulAdd,
            FuseEpilogueTable,
            PadAtProducer,
            RoundAtEntry,
            FuseConvAdd,
            FuseBottleneck,
            FuseChannelTableAdd,
            DropUnneeded,
            DequantizeByProduct,
            AddFunctions,
        ),
    ),
)


PHASES: tuple[Phase[Any], ...] = (READING, *PREPARING, PARTITION, *CONVERTING)


def run(
    model: ir.Model,
    observer: Observer | None = None,
    explain: bool = False,
    selection: Selection | None = None,
    *,
    quantize_activations: bool = False,
    constant_defaults: bool = False,
) -> Report:
    """Convert the model in place. Where nothing was converted, do not use it: take the original.

    explain: whether the report says which rewrites passes declined, and why. selection: of nodes to convert.
    quantize_activations, constant_defaults: as in convert.

    Raises ConversionError where a pass fails; the model is not to be used then, either.
    """
    journal = Journal.of(
        model,
        explain,
        selection,
        quantize_activations=quantize_activations,
        constant_defaults=constant_defaults,
    )
    if observer:
        observer.before(model)
    report = _convert(model, journal, observer)
    if journal.constants_inside:
        with named("settling what bodies share"):
            bodies.settle(model, journal.constants_inside)
    return report


def _convert(model: ir.Model, journal: Journal, observer: Observer | None = None) -> Report:
    _run(READING, journal, model, observer)
    preparation = Preparation.from_journal(journal, model)
    for early in PREPARING:
        _run(early, preparation, model, observer)
    with named("finding out types and shapes"):
        context = Context.from_preparation(preparation, model)
    _run(PARTITION, Partition.from_context(context), model, observer)
    for phase in CONVERTING:
        _run(phase, context, model, observer)
    inside = [
        (f"{node_name(node)}/{name}", _convert_body(node, name, graph, model, context))
        for node in list(model.graph)
        for name, graph in bodies.graphs_of(node)
        if bodies.is_worth_asking(graph)
    ]
    with named("the report"):
        return describe(model, context, inside)


def _convert_body(node: ir.Node, name: str, graph: ir.Graph, outer: ir.Model, context: Context) -> Report:
    """Convert a body of a node in outer's graph: last, when what it reads of outer is final."""
    excluded = Selection(exclude=context.selection.exclude).why_left([(node_name(node), node.op_type)])
    around = excluded and f"the {node.op_type} around is excluded"
    reason = bodies.why_not(node, graph, context.facts) or around
    if reason:
        return describe_left(graph, reason)
    with named(f"reading {name} of {node_name(node)}"):
        body = bodies.body_of(node, name, outer, context.facts)
    report = _convert(body.model, context.inside())
    if report.converted:
        with named(f"putting back {name} of {node_name(node)}"):
            context.constants_inside += body.put_back(context.names)
    return report


def _run(phase: Phase[State], state: State, model: ir.Model, observer: Observer | None) -> None:
    for make in phase.passes:
        step = make(state)
        start = perf_counter()
        with named(f"the pass {type(step).__name__} of phase {phase.name}"):
            step(model)
        if observer:
            observer.after(phase.name, type(step).__name__, model, perf_counter() - start)
