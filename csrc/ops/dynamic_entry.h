// Dynamic quantization on the way into an island: scale and zero point are found at run time, and stay on the
// GPU.
#pragma once

#include "kernels/dynamic_quantize.h"
#include "ops/border.h"

namespace qudnn::ops {

// The last three outputs of an op that quantizes dynamically: y int8, scale [] float32, zero_point [] int8,
// and what a kernel needs to find the scale.
class DynamicResult {
  public:
    // first: the index of y.
    DynamicResult(Context& context, size_t first, const ort::Shape& y);
    int8_t* y() const { return y_.as<int8_t>(); }
    kernels::DynamicScale scale() const { return scale_; }

    static void infer_scale(const ort::InferenceContext& context, size_t first);

  private:
    ort::Tensor y_;
    std::unique_ptr<plan::Workspace> ranges_;
    kernels::DynamicScale scale_;
};

// x float32 -> y, scale, zero_point.
struct DynamicQuantizeToIsland {
    static constexpr Signature kSignature{
        "DynamicQuantizeToIsland",
        {ort::ElementType::float32},
        {ort::ElementType::int8, ort::ElementType::float32, ort::ElementType::int8}};

    Entry entry;

    explicit DynamicQuantizeToIsland(const ort::Attributes& attributes) : entry(attributes) {}
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

// The same of Gelu(x).
struct DynamicGeluToIsland {
    static constexpr Signature kSignature{"DynamicGeluToIsland", DynamicQuantizeToIsland::kSignature.inputs,
                                          DynamicQuantizeToIsland::kSignature.outputs};

    Entry entry;
    float factor;  // of erf's argument

    explicit DynamicGeluToIsland(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

}  // namespace qudnn::ops
