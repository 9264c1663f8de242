// The activation beside a float32 operator.
#pragma once

namespace qudnn::kernels {

// x * sigmoid(x) with silu, else x clipped to [low, high], where NaN stays.
struct FloatActivation {
    float low, high;
    bool silu;
};

}  // namespace qudnn::kernels
