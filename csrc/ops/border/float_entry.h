// AddToIsland and MulToIsland: entries that compute the sum or product of two float32 tensors.
#pragma once

#include "kernels/border/float_entry.h"
#include "ops/border/border.h"

namespace qudnn::ops {

// What both have: operands transposed by perms of their own, and what is clipped and quantized.
struct FloatBinaryEntry {
    Entry entry;
    std::vector<int64_t> a_perm, b_perm;
    kernels::FloatEntry formula;

    explicit FloatBinaryEntry(const ort::Attributes& attributes);
};

// a, b, bias, divisor float32, broadcast -> int8.
struct AddToIsland : FloatBinaryEntry {
    static constexpr Signature kSignature{"AddToIsland",
                                          {ort::ElementType::float32, ort::ElementType::float32,
                                           ort::ElementType::float32, ort::ElementType::float32},
                                          {ort::ElementType::int8}};

    using FloatBinaryEntry::FloatBinaryEntry;
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

// a, b, divisor float32, broadcast -> int8.
struct MulToIsland : FloatBinaryEntry {
    static constexpr Signature kSignature{
        "MulToIsland",
        {ort::ElementType::float32, ort::ElementType::float32, ort::ElementType::float32},
        {ort::ElementType::int8}};

    bool gelu;
    kernels::FloatGate gate;

    explicit MulToIsland(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

}  // namespace qudnn::ops
