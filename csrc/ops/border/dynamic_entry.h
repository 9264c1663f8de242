// Dynamic quantization at an entry: scale and zero point are computed at run time, and passed on as bias and
// multiplier of the matmuls that consume the result.
#pragma once

#include "kernels/border/dynamic_quantize.h"
#include "ops/border/border.h"

namespace qudnn::ops {

// The last two inputs of an op that quantizes dynamically, w_sum [S] int32 and w_scale [S] float32, and its
// last three outputs: y int8, bias [S] int32 and multiplier [S] float32.
class DynamicResult {
  public:
    // input, output: the indices of w_sum and y.
    DynamicResult(Context& context, size_t input, size_t output, const ort::Shape& y);
    int8_t* y() const { return y_.as<int8_t>(); }
    const kernels::DynamicEpilogue& epilogue() const { return epilogue_; }

    // The number of elements of bias and multiplier.
    static void infer(const ort::InferenceContext& context, size_t input, size_t output);

  private:
    ort::Tensor y_;
    std::unique_ptr<plan::Workspace> ranges_;
    kernels::DynamicEpilogue epilogue_;
};

// x float32, w_sum, w_scale -> y, bias, multiplier.
struct DynamicQuantizeToIsland {
    static constexpr Signature kSignature{
        "DynamicQuantizeToIsland",
        {ort::ElementType::float32, ort::ElementType::int32, ort::ElementType::float32},
        {ort::ElementType::int8, ort::ElementType::int32, ort::ElementType::float32}};

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
