// QSqueezeExcitation, the gates of an image's channels and the product with them.
#pragma once

#include "kernels/elementwise/binary.h"
#include "kernels/image/squeeze_excitation.h"
#include "ops/shared/requantize.h"

namespace qudnn::ops {

// x [N,H,W,Cp], w [Kp,1,1,Cp] and w [Cp,1,1,Kp] with bias and multiplier as QConv has them and a table [256]
// after each -> [N,H,W,Cp] int8.
struct QSqueezeExcitation {
    static constexpr Signature kSignature{
        "QSqueezeExcitation",
        {ort::ElementType::int8, ort::ElementType::int8, ort::ElementType::int32, ort::ElementType::float32,
         ort::ElementType::int8, ort::ElementType::int8, ort::ElementType::int32, ort::ElementType::float32,
         ort::ElementType::int8},
        {ort::ElementType::int8}};

    float x_scale, mean_scale;
    int x_zero_point, mean_zero_point;
    Requantize squeezed, excited;
    kernels::BinaryScales product;

    explicit QSqueezeExcitation(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);

  private:
    // One of the two products, from input `first` on: k results of c channels each.
    static kernels::Excitation layer(const Context& context, size_t first, int64_t k, int64_t c,
                                     const Requantize& requantize);
    // The ops one after the other.
    void compute_each(const kernels::SqueezeExcitation& s, const kernels::Excitation& squeeze,
                      const kernels::Excitation& excite, const ort::Tensor& x, const ort::Tensor& y,
                      const Context& context) const;
};

}  // namespace qudnn::ops
