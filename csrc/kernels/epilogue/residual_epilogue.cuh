// The epilogue of a convolution that adds a residual in float32: see residual.h.
#pragma once

#include "kernels/epilogue/residual.h"
#include "kernels/epilogue/typed_epilogue.cuh"

namespace qudnn::kernels {

// As TypedEpilogue<int8_t>, but that a result depends on its place in y.
struct ResidualEpilogue {
    using Result = uint32_t;
    using Channel = TypedEpilogue<int8_t>::Channel;
    const int32_t* bias;
    const float* multiplier;
    const int8_t* r;
    float r_zero_point, r_scale, y_scale;
    OutputRange range;

    ResidualEpilogue(const Epilogue& e, const Residual& residual)
        : bias(e.bias),
          multiplier(e.multiplier),
          r(residual.r),
          r_zero_point(static_cast<float>(residual.scales.b_zero_point)),
          r_scale(residual.scales.b_scale),
          y_scale(residual.scales.y_scale),
          range(e) {}
    __device__ Channel channel(int64_t k) const { return {bias[k], multiplier[k]}; }
    __device__ Result result(int32_t accumulator, const Channel& c, int64_t place) const {
        const float sum = __int2float_rn(wrapping_add(accumulator, c.bias));
        const float other = multiply(plus(static_cast<float>(r[place]), -r_zero_point), r_scale);
        return quantize(divide(plus(multiply(sum, c.multiplier), other), y_scale), range);
    }
    __device__ static void store4(int8_t* target, const Result (&r)[4]) {
        TypedEpilogue<int8_t>::store4(target, r);
    }
};

// What the epilogue makes of an accumulator, at this place in y.
template <class E>
__device__ typename E::Result result_at(const E& epilogue, int32_t accumulator,
                                        const typename E::Channel& channel, int64_t place) {
    if constexpr (requires { epilogue.result(accumulator, channel, place); })
        return epilogue.result(accumulator, channel, place);
    else
        return epilogue.result(accumulator, channel);
}

}  // namespace qudnn::kernels
