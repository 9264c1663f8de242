// LSTM layers whose inputs and states are quantized dynamically.
#pragma once

#include <array>

#include "kernels/recurrent/lstm.h"
#include "ops/shared/op.h"

namespace qudnn::ops {

// x [T,N,C] float32, w [D,4H,Cp] and r [D,4H,Hp] int8, of each of them scale float32 and zero point int8, [D]
// or [D,4H]; as options b [D,8H], sequence_lens int32 [N], initial_h and initial_c [D,N,H], p [D,3H] -> y
// [T,D,N,H], y_h and y_c [D,N,H] float32.
struct DynamicQLSTM {
    static constexpr Signature kSignature{
        .name = "DynamicQLSTM",
        .inputs = {ort::ElementType::float32, ort::ElementType::int8, ort::ElementType::int8,
                   ort::ElementType::float32, ort::ElementType::int8, ort::ElementType::float32,
                   ort::ElementType::int8, ort::ElementType::float32, ort::ElementType::int32,
                   ort::ElementType::float32, ort::ElementType::float32, ort::ElementType::float32},
        .outputs = {ort::ElementType::float32, ort::ElementType::float32, ort::ElementType::float32},
        .optional_inputs = 5};

    int64_t hidden, channels;
    int directions;
    bool reversed, input_forget;
    float clip;
    std::array<std::array<kernels::LstmActivation, 3>, 2> activations;

    explicit DynamicQLSTM(const ort::Attributes& attributes);
    void compute(Context& context) const;
    static void infer(const ort::InferenceContext& context);
};

}  // namespace qudnn::ops
