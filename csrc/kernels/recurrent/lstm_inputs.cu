#include "kernels/border/dynamic_range.cuh"
#include "kernels/recurrent/lstm.h"
#include "kernels/recurrent/lstm_lengths.cuh"
#include "kernels/recurrent/lstm_sums.cuh"

namespace qudnn::kernels {
namespace {

constexpr int64_t kFewestOfBlock = kThreads * 8;  // elements that are worth a block

__global__ void __launch_bounds__(kThreads) range_kernel(LstmInputs inputs, DynamicEpilogue to) {
    const int64_t longest = longest_length(inputs.lengths, inputs.steps, inputs.batch);
    const int64_t count = longest * inputs.batch * inputs.channels;
    Range range{0, 0};
    for (int64_t i = index_in_grid(); i < count; i += threads_of_grid())
        widen(range, inputs.x[i], inputs.x[i]);
    keep_range(to, range);
}

// Quantizes a row of x, by a warp.
__device__ void quantize_row(const LstmInputs& inputs, const LstmQuantized& to, const FoundScale& found,
                             int64_t row) {
    const OutputRange range(found.zero_point);
    const int lane = threadIdx.x % 32;
    const float* const x = inputs.x + row * inputs.channels;
    auto* const q = reinterpret_cast<uint32_t*>(to.q + row * inputs.padded_channels);
    int32_t sum = 0;
    for (int64_t word = lane; word < inputs.padded_channels / 4; word += 32) {
        uint32_t bytes[4]{};
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            const int64_t channel = word * 4 + i;
            if (channel < inputs.channels) bytes[i] = quantize(divide(x[channel], found.scale), range);
        }
        q[word] = pack(bytes[0], bytes[1], bytes[2], bytes[3]);
        sum = __dp4a(static_cast<int>(q[word]), kOnes, sum);
    }
    sum = sum_of_parts<32>(sum);
    if (lane == 0) to.sums[row] = sum;
}

// The bias and the multiplier of an output, by a warp.
__device__ void finish_output(const LstmInputs& inputs, const LstmQuantized& to, const FoundScale& found,
                              int64_t output) {
    const int lane = threadIdx.x % 32;
    const auto* const w = reinterpret_cast<const int*>(inputs.w + output * inputs.padded_channels);
    int32_t sum = 0;
    for (int64_t word = lane; word < inputs.padded_channels / 4; word += 32)
        sum = __dp4a(w[word], kOnes, sum);
    sum = sum_of_parts<32>(sum);
    if (lane != 0) return;
    const int64_t direction = output / inputs.outputs;
    const int zero_point = inputs.zero_point.values[inputs.zero_point.per_output ? output : direction];
    const auto centered = static_cast<uint32_t>(sum) -
                          static_cast<uint32_t>(inputs.channels) * static_cast<uint32_t>(zero_point);
    to.bias[output] = static_cast<int32_t>(static_cast<uint32_t>(-found.zero_point) * centered);
    to.multiplier[output] =
        multiply(found.scale, inputs.scale.values[inputs.scale.per_output ? output : direction]);
}

// A warp for each row of x, then for each output.
__global__ void __launch_bounds__(kThreads)
    quantize_kernel(LstmInputs inputs, LstmQuantized to, DynamicEpilogue from, int ranges) {
    const FoundScale found = found_scale(from, ranges);
    const int64_t rows = inputs.steps * inputs.batch, outputs = inputs.directions * inputs.outputs;
    for (int64_t i = index_in_grid() / 32; i < rows + outputs; i += threads_of_grid() / 32) {
        if (i < rows)
            quantize_row(inputs, to, found, i);
        else
            finish_output(inputs, to, found, i - rows);
    }
}

}  // namespace

cudaError_t lstm_inputs(const LstmInputs& inputs, const LstmQuantized& to, cudaStream_t stream) {
    const int64_t rows = inputs.steps * inputs.batch, warps = rows + inputs.directions * inputs.outputs;
    const auto ranges = static_cast<int>(
        std::clamp<int64_t>(ceil_div(rows * inputs.channels, kFewestOfBlock), 1, kMostRanges));
    DynamicEpilogue kept{};
    kept.ranges = to.ranges;
    const cudaError_t status = launch(range_kernel, ranges, kThreads, stream, inputs, kept);
    if (status != cudaSuccess) return status;
    return launch(quantize_kernel, ceil_div(warps, kThreads / 32), kThreads, stream, inputs, to, kept,
                  ranges);
}

}  // namespace qudnn::kernels
