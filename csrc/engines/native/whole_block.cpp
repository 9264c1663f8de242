#include "engines/native/whole_block.h"

#include "kernels/bottleneck/bottleneck.h"
#include "kernels/inverted_residual/inverted_residual.h"

namespace qudnn::engines {

std::string whole_block_refusal(const plan::BlockProblem& block) {
    if (block.depthwise && block.adds == plan::adds_in_float) return "a residual added in float32";
    if (block.depthwise)
        return kernels::inverted_residual_refusal(geometry_of<kernels::InvertedResidual>(block));
    if (!block.adds) return "nothing to add";
    return kernels::bottleneck_refusal(geometry_of<kernels::Bottleneck>(block));
}

}  // namespace qudnn::engines
