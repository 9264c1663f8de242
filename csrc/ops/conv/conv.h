// Convolutions of an island: QConv, QConvAdd with the addition after it, QConvTable with the function after
// it, QConvToInt32 with its bare sums, and QConv3D in three dimensions.
#pragma once

#include "kernels/elementwise/binary.h"
#include "kernels/epilogue/residual.h"
#include "ops/shared/output_padding.h"
#include "ops/shared/requantize.h"

namespace qudnn::ops {

// Where a convolution's windows lie, and its groups; in two or three dimensions.
template <size_t kDimensions>
struct Windows {
    std::array<int64_t, 2 * kDimensions>
        pads{};  // before each axis, then after each: top, left, bottom, right
    std::array<int64_t, kDimensions> strides;
    std::array<int64_t, kDimensions> dilations;
    int64_t group;

    // padded: there is an attribute pads.
    Windows(const ort::Attributes& attributes, bool padded);
    // From pixel to pixel, without padding.
    Windows();

    // x [N,H,W,Cp], w [Kp,R,S,Cp/group]; x [N,D,H,W,Cp], w [Kp,T,R,S,Cp/group]. Throws where they do not fit.
    // Without its alignment, and its sizes are not checked: see plan::check_sizes().
    plan::ConvProblem problem(const ort::Shape& x, const ort::Shape& w, int x_zero_point,
                              plan::DataType y_type) const;

    // The shape of the problem's y, padding included.
    static ort::Shape result_shape(const plan::ConvProblem& problem);

    // The same of dimensions, without padding; empty where a shape is not known.
    std::vector<ort::Dim> result_dims(const std::vector<ort::Dim>& x, const std::vector<ort::Dim>& w) const;

    // Output 0 of an op whose x is input 0: [N,P,Q,Kp] within its padding, or [N,Z,P,Q,Kp].
    void infer(const ort::InferenceContext& context, size_t w_index, ort::ElementType type,
               const kernels::OutputPadding& y_padding = {}) const;
};

// x [N,H,W,Cp] int8, w [Kp,R,S,Cp/group] int8, bias [Kp] int32, multiplier [Kp] float32 -> [N,P,Q,Kp] int8,
// within its padding.
struct QConv {
    static constexpr Signature kSignature{
        "QConv",
        {ort::ElementType::int8, ort::ElementType::int8, ort::ElementType::int32, ort::ElementType::float32},
        {ort::ElementType::int8}};

    Windows<2> windows;
    int x_zero_point;
    Requantize requantize;
    kernels::OutputPadding y_padding;

    explicit QConv(const ort::Attributes& attributes);
    void compute(Context& context) const { run(context, nullptr, 0); }
    // Of the results, or where there is a table of what it makes of them.
    void run(Context& context, const int8_t* table, int table_zero_point) const;
    static void infer(const ort::InferenceContext& context);
};

// x, w, bias, multiplier as QConv has them, table [256] int8 -> [N,P,Q,Kp] int8, within its padding.
struct QConvTable {
    static constexpr Signature kSignature{
        "QConvTable",
        {ort::ElementType::int8, ort::ElementType::int8, ort::ElementType::int32, ort::ElementType::float32,
         ort::ElementType::int8},
        {ort::ElementType::int8}};

    QConv conv;
    int table_zero_point;  // of the padding

    explicit QConvTable(const ort::Attributes& attributes);
    void compute(Context& context) const {
        conv.run(context, table_entries(context.input(4)), table_zero_point);
    }
    static void infer(const ort::InferenceContext& context) { QConv::infer(context); }
};

// What is added to a convolution's results: a residual of their shape.
struct ConvAddition {
    kernels::BinaryScales scales;
    bool result_first;
    bool moderate;  // the sums

    explicit ConvAddition(const ort::Attributes& attributes);
    kernels::Residual residual(const int8_t* r) const { return {r, scales, result_first}; }
    // A kernel of its own, in place.
    void add(const plan::ConvProblem& problem, const int8_t* r, void* y, const plan::Host& host) const;
    // Runs the convolution, which adds r; where the sums are not moderate a kernel after it does. So far, the
    // problem and its arguments are those of the convolution alone.
    void run(plan::ConvProblem problem, plan::Arguments arguments, const int8_t* r,
             const plan::Host& host) const;
};

// x, residual [N,P,Q,Kp] int8, w, bias, multiplier as QConv has them -> [N,P,Q,Kp] int8.
struct QConvAdd {
    static constexpr Signature kSignature{
        "QConvAdd",
        {ort::ElementType::int8, ort::ElementType::int8, ort::ElementType::int8, ort::ElementType::int32,
         ort::ElementType::float32},
        {ort::ElementType::int8}};

    Windows<2> windows;
    int x_zero_point;
    Requantize requantize;
    ConvAddition addition;

    explicit QConvAdd(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

// x [N,H,W,Cp] int8, w [Kp,R,S,Cp/group] int8, bias [Kp] int32 -> [N,P,Q,Kp] int32.
struct QConvToInt32 {
    static constexpr Signature kSignature{
        "QConvToInt32",
        {ort::ElementType::int8, ort::ElementType::int8, ort::ElementType::int32},
        {ort::ElementType::int32}};

    Windows<2> windows;
    int x_zero_point;

    explicit QConvToInt32(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

// x [N,D,H,W,Cp] int8, w [Kp,T,R,S,Cp/group] int8, bias [Kp] int32, multiplier [Kp] float32
// -> [N,Z,P,Q,Kp] int8.
struct QConv3D {
    static constexpr Signature kSignature{"QConv3D", QConv::kSignature.inputs, QConv::kSignature.outputs};

    Windows<3> windows;
    int x_zero_point;
    Requantize requantize;

    explicit QConv3D(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

}  // namespace qudnn::ops
