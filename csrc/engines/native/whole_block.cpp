#include "engines/native/whole_block.h"

#include "kernels/bottleneck/bottleneck.h"
#include "kernels/inverted_residual/inverted_residual.h"

namespace qudnn::engines {

std::string addition_refusal(const plan::BlockProblem& block) {
    if (block.depthwise) return block.adds == plan::adds_in_float ? "a residual added in float32" : "";
    return block.adds ? "" : "nothing to add";
}

std::string whole_block_refusal(const plan::BlockProblem& block) {
    if (const std::string refusal = addition_refusal(block); !refusal.empty()) return refusal;
    return block.depthwise ? kernels::inverted_residual_refusal(geometry_of<kernels::InvertedResidual>(block))
                           : kernels::bottleneck_refusal(geometry_of<kernels::Bottleneck>(block));
}

}  // namespace qudnn::engines
