// LSTM layers whose inputs and states are quantized dynamically, with the bits of onnxruntime's CPU kernel
// (DynamicQuantizeLSTM) on one thread.
//
// Three steps: lstm_inputs() quantizes the inputs of all steps at once, an int8 matmul multiplies them by the
// weights, and lstm_steps() goes through the sequences. Everything is float32, one rounding after each
// operation:
//   gates = float((q - z) * (w - w_zero_point)) * (scale * w_scale)       of the inputs x
//         + float((q - z) * (r - r_zero_point)) * (scale * r_scale)       of the states h
// where q, z and scale are DynamicQuantizeLinear's of x, up to the longest sequence's end, and in each step
// those of the states h of all sequences together.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "kernels/border/dynamic_quantize.h"

namespace qudnn::kernels {

// Weights' parameters: one for each direction, or one for each of its outputs.
template <typename T>
struct LstmParameter {
    const T* values;
    bool per_output;
};

struct LstmInputs {
    int64_t steps, batch, channels, padded_channels;
    int64_t directions, outputs;  // outputs: of a direction, four for each state
    const float* x;               // [steps,batch,channels]
    const int32_t* lengths;       // [batch]; null: all sequences have all steps
    const int8_t* w;              // [directions,outputs,padded_channels], padded with 0
    LstmParameter<float> scale;
    LstmParameter<int8_t> zero_point;
};

// The matmul's operand, and what makes gates of its results, which are int32:
//   gates = float((q * w + bias) - w_zero_point * sums) * multiplier
struct LstmQuantized {
    int8_t* q;          // [steps,batch,padded_channels]
    int32_t* sums;      // [steps,batch]: of q
    int32_t* bias;      // [directions,outputs]
    float* multiplier;  // [directions,outputs]
    Range* ranges;      // [kMostRanges], to work with
};

cudaError_t lstm_inputs(const LstmInputs& inputs, const LstmQuantized& to, cudaStream_t stream);

constexpr int kMostLstmStates = 4096;  // of a direction; all sizes fit an int then
constexpr int kMostLstmBlocks = 8;     // that share a direction
constexpr int64_t kLstmWork = 160;     // bytes for each state

// As the operator's attribute activation_kinds counts them.
enum class LstmFunction : int {
    sigmoid,
    tanh,
    relu,
    affine,
    leaky_relu,
    thresholded_relu,
    hard_sigmoid,
    softsign,
    scaled_tanh,
    elu,
    softplus
};

struct LstmActivation {
    LstmFunction function;
    float alpha, beta;
};

// w and r have the gates i, o, f, c one after the other, a row for each state.
struct LstmLayer {
    int64_t steps, batch, hidden, padded_hidden;
    int directions;
    bool reversed;  // the first direction; the second one always is
    bool input_forget;
    float clip;
    LstmActivation activations[2][3];  // f, g, h
    // of the inputs: [steps,batch,directions,4 hidden], what the matmul gave, and LstmQuantized's
    const int32_t* products;
    const int32_t* sums;
    const float* multiplier;
    LstmParameter<int8_t> w_zero_point;
    const int8_t* r;  // [directions,4 hidden,padded_hidden], padded with 0
    LstmParameter<float> r_scale;
    LstmParameter<int8_t> r_zero_point;
    // null where there is none
    const float* bias;       // [directions,8 hidden]
    const int32_t* lengths;  // [batch]; those below 0 count as 0, those beyond the steps as all of them
    const float* initial_h;  // [directions,batch,hidden]
    const float* initial_c;
    const float* peepholes;  // [directions,3 hidden], i, o, f
    float* y;                // [steps,directions,batch,hidden]
    float* y_h;              // [directions,batch,hidden]
    float* y_c;
    // to work with
    float* h;      // [2,directions,batch,hidden]
    float* c;      // [directions,batch,hidden]
    int8_t* work;  // [directions,kLstmWork,hidden + kMostLstmBlocks]
};

// One kernel for all steps: a block or a cluster for each direction, its weights in shared memory where they
// fit. hidden <= kMostLstmStates.
cudaError_t lstm_steps(const LstmLayer& layer, cudaStream_t stream);

}  // namespace qudnn::kernels
