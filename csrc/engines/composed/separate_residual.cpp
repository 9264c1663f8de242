#include "engines/composed/separate_residual.h"

#include <utility>

#include "kernels/elementwise/add.h"
#include "kernels/elementwise/float_residual.h"
#include "plan/common/cuda_error.h"

namespace qudnn::engines {

namespace {

// Whether nothing is rounded before the addition.
bool in_float(const plan::Problem& problem) {
    const auto* conv = std::get_if<plan::ConvProblem>(&problem);
    return conv != nullptr && conv->adds == plan::adds_in_float;
}

}  // namespace

std::string SeparateResidual::refusal(const plan::Problem& problem) const {
    if (const auto* conv = std::get_if<plan::ConvProblem>(&problem)) {
        if (conv->adds == plan::adds_nothing) return "no residual";
        if (conv->adds == plan::adds_in_float && conv->k % 4 != 0) return "channels not in fours";
        return {};
    }
    return plan::adds_constant(problem) ? "" : "no convolution, and no constant to add";
}

// Results in y, or sums in the workspace if the residual is added before rounding.
plan::Problem SeparateResidual::inner(const plan::Problem& problem) const {
    plan::Problem alone = problem;
    if (auto* matmul = std::get_if<plan::MatMulProblem>(&alone)) {
        matmul->adds_constant = matmul->looks_up = false;
        return alone;
    }
    plan::ConvProblem& conv = std::get<plan::ConvProblem>(alone);
    if (in_float(problem)) {
        conv.y_type = plan::DataType::int32;
        conv.clamps_above = false;
    }
    conv.adds = plan::adds_nothing;
    return alone;
}

// Bytes of the sums.
size_t SeparateResidual::own_workspace(const plan::Problem& problem) const {
    return in_float(problem) ? rounded_up(plan::y_bytes(inner(problem))) : 0;
}

void SeparateResidual::execute(const plan::Problem& problem, const plan::Plan& inner,
                               const plan::Launch& launch, const plan::Arguments& arguments,
                               void* workspace) const {
    const auto [elements, k] =
        std::visit([](const auto& p) { return std::pair<int64_t, int64_t>(p.y_elements(), p.k); }, problem);
    plan::Arguments alone = arguments;
    alone.residual = {};
    alone.epilogue.table = nullptr;
    if (in_float(problem)) {
        alone.y = workspace;
        inner.execute(launch, alone, static_cast<int8_t*>(workspace) + own_workspace(problem));
        return plan::check_cuda(kernels::end_with_residual(
            elements, k, static_cast<const int32_t*>(workspace), arguments.epilogue, arguments.residual,
            static_cast<int8_t*>(arguments.y), launch.stream));
    }
    inner.execute(launch, alone, workspace);
    plan::check_cuda(kernels::add_residual(elements, k, arguments.residual, arguments.epilogue.table,
                                           static_cast<int8_t*>(arguments.y), launch.stream));
}

}  // namespace qudnn::engines
