// The attributes with which a conv or matmul requantizes its result.
#pragma once

#include "kernels/epilogue.h"
#include "ops/op.h"

namespace qudnn::ops {

struct Requantize {
    int y_zero_point, y_min, y_max;

    explicit Requantize(const ort::Attributes& attributes)
        : y_zero_point(attributes.integer("y_zero_point", -128, 127)),
          y_min(attributes.integer("y_min", -128, 127)),
          y_max(attributes.integer("y_max", -128, 127)) {
        require(y_min <= y_max, "y_min is above y_max");
    }

    bool clamps_above() const { return y_max < 127; }

    // bias [k] and multiplier [k] have to fit the k output channels.
    kernels::Epilogue epilogue(const ort::Tensor& bias, const ort::Tensor& multiplier, int64_t k) const {
        require(bias.shape == ort::Shape{k}, "bias does not have one value per output channel");
        require(multiplier.shape == ort::Shape{k}, "multiplier does not have one value per output channel");
        return {bias.as<const int32_t>(), multiplier.as<const float>(), y_zero_point, y_min, y_max};
    }
};

// The least alignment of what an engine reads and writes.
inline int64_t alignment(const plan::Arguments& a) {
    const int64_t inputs = std::min(plan::alignment_of(a.x), plan::alignment_of(a.w));
    const int64_t vectors =
        std::min(plan::alignment_of(a.epilogue.bias), plan::alignment_of(a.epilogue.multiplier));
    return std::min({inputs, vectors, plan::alignment_of(a.y)});
}

}  // namespace qudnn::ops
