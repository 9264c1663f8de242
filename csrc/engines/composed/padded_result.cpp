#include "engines/composed/padded_result.h"

#include "kernels/conv/pad.h"
#include "plan/common/cuda_error.h"

namespace qudnn::engines {

using plan::ConvProblem;

std::string PaddedResult::refusal(const plan::Problem& problem) const {
    const auto* conv = std::get_if<ConvProblem>(&problem);
    if (conv == nullptr) return "no convolution";
    return conv->y_padding.any() ? "" : "dense results";
}

plan::Problem PaddedResult::inner(const plan::Problem& problem) const {
    ConvProblem conv = std::get<ConvProblem>(problem);
    conv.y_padding = {};
    return conv;
}

// Bytes of the dense result.
size_t PaddedResult::own_workspace(const plan::Problem& problem) const {
    return rounded_up(plan::y_bytes(inner(problem)));
}

void PaddedResult::execute(const plan::Problem& problem, const plan::Plan& inner, const plan::Launch& launch,
                           const plan::Arguments& arguments, void* workspace) const {
    const ConvProblem& conv = std::get<ConvProblem>(problem);
    auto* result = static_cast<int8_t*>(workspace);
    plan::Arguments dense = arguments;
    dense.y = result;
    inner.execute(launch, dense, result + own_workspace(problem));
    const kernels::OutputPadding& padding = conv.y_padding;
    plan::check_cuda(kernels::pad(conv.n, {1, conv.p, conv.q}, conv.k, {0, padding.top, padding.left},
                                  {0, padding.bottom, padding.right},
                                  static_cast<int8_t>(arguments.epilogue.padding()), result,
                                  static_cast<int8_t*>(arguments.y), launch.stream));
}

}  // namespace qudnn::engines
