// The epilogues of matmuls with weights, by the type of their results and by what they do besides.
#pragma once

#include <type_traits>

#include "kernels/epilogue/constant_epilogue.cuh"

namespace qudnn::kernels {

// run(the epilogue's class for results of type Y), or what it returns. A constant without r adds nothing.
template <typename Y, class Run>
cudaError_t with_matmul_epilogue(const Epilogue& e, const Residual& constant, const Run& run) {
    if constexpr (std::is_same_v<Y, int8_t>) {
        if (constant.r != nullptr) {
            if (!constant.per_channel || constant.in_float || e.zero_points != nullptr)
                return cudaErrorInvalidValue;
            return run(ConstantEpilogue(e, constant));
        }
        if (e.zero_points != nullptr) return run(ZeroPointsEpilogue(e));
        if (e.table != nullptr) return run(TableEpilogue(e));
    }
    if (constant.r != nullptr) return cudaErrorInvalidValue;
    return run(TypedEpilogue<Y>(e));
}

}  // namespace qudnn::kernels
