#include "engines/composed/separate_residual.h"

#include "kernels/elementwise/add.h"
#include "kernels/elementwise/float_residual.h"
#include "plan/common/cuda_error.h"

namespace qudnn::engines {

using plan::ConvProblem;

std::string SeparateResidual::refusal(const plan::Problem& problem) const {
    const auto* conv = std::get_if<ConvProblem>(&problem);
    if (conv == nullptr) return "no convolution";
    if (conv->adds == plan::adds_nothing) return "no residual";
    if (conv->adds == plan::adds_in_float && conv->k % 4 != 0) return "channels not in fours";
    return {};
}

// Results in y, or sums in the workspace if the residual is added before rounding.
plan::Problem SeparateResidual::inner(const plan::Problem& problem) const {
    ConvProblem conv = std::get<ConvProblem>(problem);
    if (conv.adds == plan::adds_in_float) {
        conv.y_type = plan::DataType::int32;
        conv.clamps_above = false;
    }
    conv.adds = plan::adds_nothing;
    return conv;
}

// Bytes of the sums.
size_t SeparateResidual::own_workspace(const plan::Problem& problem) const {
    if (std::get<ConvProblem>(problem).adds != plan::adds_in_float) return 0;
    return rounded_up(plan::y_bytes(inner(problem)));
}

void SeparateResidual::execute(const plan::Problem& problem, const plan::Plan& inner,
                               const plan::Launch& launch, const plan::Arguments& arguments,
                               void* workspace) const {
    const ConvProblem& conv = std::get<ConvProblem>(problem);
    plan::Arguments alone = arguments;
    alone.residual = {};
    if (conv.adds == plan::adds_in_float) {
        alone.y = workspace;
        inner.execute(launch, alone, static_cast<int8_t*>(workspace) + own_workspace(problem));
        return plan::check_cuda(kernels::end_with_residual(
            conv.y_elements(), conv.k, static_cast<const int32_t*>(workspace), arguments.epilogue,
            arguments.residual, static_cast<int8_t*>(arguments.y), launch.stream));
    }
    inner.execute(launch, alone, workspace);
    plan::check_cuda(kernels::add_residual(conv.y_elements(), arguments.residual,
                                           static_cast<int8_t*>(arguments.y), launch.stream));
}

}  // namespace qudnn::engines
