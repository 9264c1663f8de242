#include "engines/composed/separate_table.h"

#include "kernels/elementwise/padded_table.h"
#include "kernels/elementwise/table.h"
#include "plan/common/cuda_error.h"

namespace qudnn::engines {

namespace {

// The convolution, if its y has padding.
const plan::ConvProblem* padded(const plan::Problem& problem) {
    const auto* conv = std::get_if<plan::ConvProblem>(&problem);
    return conv != nullptr && conv->y_padding.any() ? conv : nullptr;
}

}  // namespace

std::string SeparateTable::refusal(const plan::Problem& problem) const {
    return plan::looks_up(problem) ? "" : "no table";
}

// Dense results without the table. Not within padding, which is of the table's zero point.
plan::Problem SeparateTable::inner(const plan::Problem& problem) const {
    plan::Problem formula = problem;
    if (auto* conv = std::get_if<plan::ConvProblem>(&formula)) {
        conv->looks_up = false;
        conv->y_padding = {};
    } else {
        std::get<plan::MatMulProblem>(formula).looks_up = false;
    }
    return formula;
}

// Bytes of the dense results.
size_t SeparateTable::own_workspace(const plan::Problem& problem) const {
    return padded(problem) == nullptr ? 0 : rounded_up(plan::y_bytes(inner(problem)));
}

void SeparateTable::execute(const plan::Problem& problem, const plan::Plan& inner, const plan::Launch& launch,
                            const plan::Arguments& arguments, void* workspace) const {
    auto* const y = static_cast<int8_t*>(arguments.y);
    const kernels::Epilogue& epilogue = arguments.epilogue;
    plan::Arguments alone = arguments;
    alone.epilogue.table = nullptr;
    const plan::ConvProblem* const conv = padded(problem);
    if (conv == nullptr) {
        inner.execute(launch, alone, workspace);
        return plan::check_cuda(kernels::table(plan::y_bytes(problem), epilogue.table, y, y, launch.stream));
    }
    auto* const results = static_cast<int8_t*>(workspace);
    alone.y = results;
    inner.execute(launch, alone, results + own_workspace(problem));
    plan::check_cuda(
        kernels::padded_table({conv->n, conv->p, conv->q, conv->k, conv->y_padding, epilogue.padding()},
                              false, epilogue.table, results, y, launch.stream));
}

}  // namespace qudnn::engines
