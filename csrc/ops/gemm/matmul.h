// Matmuls of an island with constant weights: QMatMul, QMatMulTable with the function after it, QMatMulAdd
// with the addition of a constant after it, QMatMulAddTable with both, QProjections with zero points for each
// output channel, and QMatMulToFloat with dequantized results.
#pragma once

#include "ops/shared/binary.h"
#include "ops/shared/requantize.h"

namespace qudnn::ops {

// The problem of x [...,Cp] times w [K,Cp] transposed, without its alignment; throws if they do not fit. Its
// sizes are not checked: see plan::check_sizes().
plan::MatMulProblem matmul_problem(const ort::Shape& x, const ort::Shape& w, plan::DataType y_type);

// The shape of the result, [...,K].
ort::Shape result_shape(const ort::Shape& x, const plan::MatMulProblem& problem);

// Output 0 of an op whose x is input 0: [...,K].
void infer_matmul(const ort::InferenceContext& context, size_t w_index, ort::ElementType type);

// x [...,Cp] int8, w [Kp,Cp] int8, bias [Kp] int32, multiplier [Kp] float32 -> [...,Kp] int8.
struct QMatMul {
    static constexpr Signature kSignature{
        "QMatMul",
        {ort::ElementType::int8, ort::ElementType::int8, ort::ElementType::int32, ort::ElementType::float32},
        {ort::ElementType::int8}};

    Requantize requantize;

    explicit QMatMul(const ort::Attributes& attributes) : requantize(attributes) {}
    void compute(Context& context) const { run(context, nullptr); }
    // Of the results, or where there is a table of what it makes of them.
    void run(Context& context, const int8_t* table) const;
    static void infer(const ort::InferenceContext& context);
};

// x, w, bias, multiplier as QMatMul has them, table [256] int8 -> [...,Kp] int8.
struct QMatMulTable {
    static constexpr Signature kSignature{
        "QMatMulTable",
        {ort::ElementType::int8, ort::ElementType::int8, ort::ElementType::int32, ort::ElementType::float32,
         ort::ElementType::int8},
        {ort::ElementType::int8}};

    QMatMul matmul;

    explicit QMatMulTable(const ort::Attributes& attributes) : matmul(attributes) {}
    void compute(Context& context) const { matmul.run(context, table_entries(context.input(4))); }
    static void infer(const ort::InferenceContext& context) { QMatMul::infer(context); }
};

// x [...,Cp] int8, constant [Kp] int8, w, bias, multiplier as QMatMul has them -> [...,Kp] int8.
struct QMatMulAdd {
    static constexpr Signature kSignature{
        "QMatMulAdd",
        {ort::ElementType::int8, ort::ElementType::int8, ort::ElementType::int8, ort::ElementType::int32,
         ort::ElementType::float32},
        {ort::ElementType::int8}};

    Requantize requantize;
    kernels::BinaryScales scales;
    bool result_first;
    bool moderate;  // the sums

    explicit QMatMulAdd(const ort::Attributes& attributes);
    void compute(Context& context) const { run(context, nullptr); }
    // Of the sums, or where there is a table of what it makes of them.
    void run(Context& context, const int8_t* table) const;
    static void infer(const ort::InferenceContext& context);
};

// x, constant, w, bias, multiplier as QMatMulAdd has them, table [256] int8 -> [...,Kp] int8.
struct QMatMulAddTable {
    static constexpr Signature kSignature{
        "QMatMulAddTable",
        {ort::ElementType::int8, ort::ElementType::int8, ort::ElementType::int8, ort::ElementType::int32,
         ort::ElementType::float32, ort::ElementType::int8},
        {ort::ElementType::int8}};

    QMatMulAdd matmul;

    explicit QMatMulAddTable(const ort::Attributes& attributes) : matmul(attributes) {}
    void compute(Context& context) const { matmul.run(context, table_entries(context.input(5))); }
    static void infer(const ort::InferenceContext& context) { QMatMulAdd::infer(context); }
};

// x [...,Cp] int8, w [Kp,Cp] int8, bias [Kp] int32, multiplier and y_zero_point [Kp] float32 -> [...,Kp]
// int8.
struct QProjections {
    static constexpr Signature kSignature{
        "QProjections",
        {ort::ElementType::int8, ort::ElementType::int8, ort::ElementType::int32, ort::ElementType::float32,
         ort::ElementType::float32},
        {ort::ElementType::int8}};

    explicit QProjections(const ort::Attributes&) {}
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

// x [...,Cp] int8, w [K,Cp] int8, bias [K] int32, multiplier and addend [K] float32 -> [...,K] float32.
struct QMatMulToFloat {
    static constexpr Signature kSignature{
        "QMatMulToFloat",
        {ort::ElementType::int8, ort::ElementType::int8, ort::ElementType::int32, ort::ElementType::float32,
         ort::ElementType::float32},
        {ort::ElementType::float32}};

    explicit QMatMulToFloat(const ort::Attributes&) {}
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

}  // namespace qudnn::ops
