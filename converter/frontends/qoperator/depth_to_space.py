"""DepthToSpace, SpaceToDepth on 8-bit values => QDepthToSpace; Reshape and Transpose inside"""

import onnx_ir as ir

from qudnn.converter.analysis.facts import Facts
from qudnn.converter.graph.constants import required_input
from qudnn.converter.island.candidate import Candidate
from qudnn.converter.lowering.image.depth_to_space import Blocks, make_depth_to_space, make_space_to_depth


def depth_to_space(node: ir.Node, facts: Facts) -> Candidate:
    x = required_input(node, 0)
    dtype, shape = facts.eight_bit(x), facts.ranked(x, 4)
    blocks = Blocks(node.attributes["blocksize"].as_int(), node.attributes.get_string("mode", "DCR"))
    return make_depth_to_space((node,), x, node.outputs[0], dtype, blocks, shape)


def space_to_depth(node: ir.Node, facts: Facts) -> Candidate:
    x = required_input(node, 0)
    dtype, shape = facts.eight_bit(x), facts.ranked(x, 4)
    blocksize = node.attributes["blocksize"].as_int()
    return make_space_to_depth((node,), x, node.outputs[0], dtype, blocksize, shape)
