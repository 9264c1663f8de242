// The ops that carry a tensor across an island's border.
#pragma once

#include "kernels/border/border.h"
#include "ops/shared/op.h"

namespace qudnn::ops {

// The attribute of this name, a permutation.
std::vector<int64_t> read_perm(const ort::Attributes& attributes, const char* name);

// An entry: transposes by perm, then pads.
struct Entry {
    std::vector<int64_t> perm;
    std::vector<int64_t> before, after;

    explicit Entry(const ort::Attributes& attributes);
    ort::Shape inside(const ort::Shape& outside) const;
    kernels::BorderGeometry geometry(const ort::Shape& outside) const;
    void infer(const ort::InferenceContext& context) const;
    // outside: the dims of what enters.
    void infer_of(const std::vector<ort::Dim>& outside, const ort::InferenceContext& context) const;
};

// An exit: takes the first channels, at most as many as there are, then transposes by perm.
struct Exit {
    std::vector<int64_t> perm;
    int64_t channels;

    explicit Exit(const ort::Attributes& attributes);
    ort::Shape outside(const ort::Shape& inside) const;
    kernels::BorderGeometry geometry(const ort::Shape& inside) const;
    void infer(const ort::InferenceContext& context, ort::ElementType type) const;
};

// x float32 -> int8.
struct QuantizeToIsland {
    static constexpr Signature kSignature{
        "QuantizeToIsland", {ort::ElementType::float32}, {ort::ElementType::int8}};

    Entry entry;
    float scale;
    int zero_point;

    explicit QuantizeToIsland(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

// The same of x rounded to float16.
struct QuantizeHalfToIsland {
    static constexpr Signature kSignature{"QuantizeHalfToIsland", QuantizeToIsland::kSignature.inputs,
                                          QuantizeToIsland::kSignature.outputs};

    QuantizeToIsland to_island;

    explicit QuantizeHalfToIsland(const ort::Attributes& attributes) : to_island(attributes) {}
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context) { QuantizeToIsland::infer(context); }
};

// x uint8 or int8 (attribute dtype) -> int8.
struct ConvertToIsland {
    static constexpr Signature kSignature{
        "ConvertToIsland", {ort::ElementType::undefined}, {ort::ElementType::int8}};

    Entry entry;
    ort::ElementType type;
    int zero_point;

    explicit ConvertToIsland(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

// x int8 -> float32.
struct DequantizeFromIsland {
    static constexpr Signature kSignature{
        "DequantizeFromIsland", {ort::ElementType::int8}, {ort::ElementType::float32}};

    Exit exit;
    float scale;
    int zero_point;

    explicit DequantizeFromIsland(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

// x int8 -> uint8 or int8 (attribute dtype).
// NOTE: x is declared of any type because ORT allows an output of any type only beside such an input.
struct ConvertFromIsland {
    static constexpr Signature kSignature{
        "ConvertFromIsland", {ort::ElementType::undefined}, {ort::ElementType::undefined}};

    Exit exit;
    ort::ElementType type;

    explicit ConvertFromIsland(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

}  // namespace qudnn::ops
