// The epilogue of a matmul that adds a constant of each channel to its rounded results: see residual.h.
#pragma once

#include "kernels/elementwise/add.cuh"
#include "kernels/epilogue/residual.h"
#include "kernels/epilogue/typed_epilogue.cuh"

namespace qudnn::kernels {

// As TypedEpilogue<int8_t>, then the sum, then the table if there is one.
struct ConstantEpilogue {
    using Result = uint32_t;
    struct Channel {
        TypedEpilogue<int8_t>::Channel formula;
        uint32_t constant = 0;
    };
    TypedEpilogue<int8_t> formula;
    Binary<Add> sum;
    const int8_t* constants;
    bool y_first;
    const int8_t* table;

    ConstantEpilogue(const Epilogue& e, const Residual& constant)
        : formula(e),
          sum(constant.scales),
          constants(constant.r),
          y_first(constant.y_first),
          table(e.table) {}
    __device__ Channel channel(int64_t k) const {
        return {formula.channel(k), static_cast<uint8_t>(constants[k])};
    }
    __device__ Result result(int32_t accumulator, const Channel& c) const {
        const uint32_t y = formula.result(accumulator, c.formula) & 0xFF;
        const uint32_t operands[2] = {y_first ? y : c.constant, y_first ? c.constant : y};
        const uint32_t r = sum.element(operands);
        return table == nullptr ? r : looked_up(table, r);
    }
    __device__ static void store4(int8_t* target, const Result (&r)[4]) {
        TypedEpilogue<int8_t>::store4(target, r);
    }
};

}  // namespace qudnn::kernels
