"""The pipeline: what conversion does, in its order. No other place knows about order."""

import onnx_ir as ir

from converter.context import Context
from converter.describe import describe
from converter.failures import named
from converter.passes.absorb_transposes import AbsorbTransposes
from converter.passes.add_functions import AddFunctions
from converter.passes.base import Pass
from converter.passes.cancel_crossings import CancelCrossings
from converter.passes.cancel_transposes import CancelTransposes
from converter.passes.choose_islands import ChooseIslands
from converter.passes.correct_shapes import CorrectShapes
from converter.passes.delay_transposes import DelayTransposes
from converter.passes.dequantize_at_exit import DequantizeAtExit
from converter.passes.dequantize_entered import DequantizeEntered
from converter.passes.drop_identities import DropIdentities
from converter.passes.drop_pairs import DropPairs
from converter.passes.drop_row_reshapes import DropRowReshapes
from converter.passes.fuse_add_layer_normalization import FuseAddLayerNormalization
from converter.passes.fuse_attention import FuseAttention
from converter.passes.fuse_conv_add import FuseConvAdd
from converter.passes.fuse_float_attention import FuseFloatAttention
from converter.passes.fuse_tables import FuseTables
from converter.passes.gather_at_entry import GatherAtEntry
from converter.passes.gelu_at_dynamic_entry import GeluAtDynamicEntry
from converter.passes.int8_to_uint8 import Int8ToUint8
from converter.passes.keep_in_float import KeepInFloat
from converter.passes.lift_constants import LiftConstants
from converter.passes.lower import Lower
from converter.passes.merge_double_pairs import MergeDoublePairs
from converter.passes.merge_dynamic_projections import MergeDynamicProjections
from converter.passes.merge_equal_quantizers import MergeEqualQuantizers
from converter.passes.merge_projections import MergeProjections
from converter.passes.narrow_stem import NarrowStem
from converter.passes.normalize_at_dynamic_entry import NormalizeAtDynamicEntry
from converter.passes.normalize_at_entry import NormalizeAtEntry
from converter.passes.note_originals import NoteOriginals
from converter.passes.pad_at_producer import PadAtProducer
from converter.passes.propagate_pairs import PropagatePairs
from converter.passes.quantize_at_entry import QuantizeAtEntry
from converter.passes.quantize_constants import QuantizeConstants
from converter.passes.raise_opset import RaiseOpset
from converter.passes.recognise import Recognise
from converter.passes.restore_pairs import RestorePairs
from converter.passes.settle_attributes import SettleAttributes
from converter.passes.settle_inputs import SettleInputs
from converter.passes.shapes_from_inputs import ShapesFromInputs
from converter.passes.shapes_of_eight_bits import ShapesOfEightBits
from converter.passes.share_crossings import ShareCrossings
from converter.passes.share_dynamic_entries import ShareDynamicEntries
from converter.passes.sort_nodes import SortNodes
from converter.report import Report

PASSES: tuple[type[Pass], ...] = (
    SortNodes,
    SettleInputs,
    CorrectShapes,
    NoteOriginals,
    RaiseOpset,
    LiftConstants,
    SettleAttributes,
    DropIdentities,
    QuantizeConstants,
    MergeDoublePairs,
    MergeEqualQuantizers,
    CancelTransposes,
    MergeDoublePairs,
    PropagatePairs,
    MergeEqualQuantizers,
    Int8ToUint8,
    DropPairs,
    ShapesOfEightBits,
    Recognise,
    ShapesFromInputs,
    ChooseIslands,
    KeepInFloat,
    Lower,
    RestorePairs,
    CancelCrossings,
    DelayTransposes,
    AbsorbTransposes,
    QuantizeAtEntry,
    DequantizeAtExit,
    DequantizeEntered,
    DropRowReshapes,
    ShareCrossings,
    ShareDynamicEntries,
    NormalizeAtEntry,
    NormalizeAtDynamicEntry,
    GeluAtDynamicEntry,
    GatherAtEntry,
    FuseTables,
    MergeProjections,
    FuseAttention,
    FuseFloatAttention,
    MergeDynamicProjections,
    FuseAddLayerNormalization,
    NarrowStem,
    PadAtProducer,
    FuseConvAdd,
    AddFunctions,
)


def run(model: ir.Model) -> Report:
    """Convert the model in place. Where nothing was converted, do not use it: take the original.

    Raises ConversionError where a pass fails; the model is not to be used then, either.
    """
    context = Context()
    context.reserve_names(model.graph)
    for step in PASSES:
        with named(f"the pass {step.__name__}"):
            step(context)(model)
    with named("the report"):
        return describe(model, context)
