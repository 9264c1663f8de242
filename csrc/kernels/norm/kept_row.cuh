// Layer normalization of a row that a warp keeps in registers: everything it reads is on its way at once, and
// only the order of the sums of squares takes shared memory.
#pragma once

#include "kernels/norm/row_mean.cuh"

namespace qudnn::kernels {

constexpr int kStepChannels = 32 * 4;  // of a row, that a warp takes at a time
constexpr int kMostSteps = 8, kMostKept = kMostSteps * kStepChannels;

// A row in shared memory, by what is added up together: every eighth channel. The pitch puts channels that
// are stored or loaded together in different banks.
template <int kSteps>
struct Chains {
    static constexpr int kStepItems = kStepChannels / kLanes, kPitch = kSteps * kStepItems + 4;

    alignas(16) float values[kLanes * kPitch];

    __device__ float operator[](int c) const { return values[c % kLanes * kPitch + c / kLanes]; }

    // The four channels of a lane, of each step.
    __device__ void store(int lane, const float (&row)[kSteps * 4]) {
        float* const mine = values + lane % 2 * 4 * kPitch + lane / 2;
#pragma unroll
        for (int s = 0; s < kSteps; ++s)
#pragma unroll
            for (int i = 0; i < 4; ++i) mine[i * kPitch + s * kStepItems] = row[s * 4 + i];
    }

    // Of the differences of channels lane, lane + 8, ... from the mean.
    __device__ float squares(int lane, int channels, float mean) const {
        const float* const mine = values + lane * kPitch;
        const int count = channels / kLanes;
        float squares = 0;
        const auto add = [&](float value) {
            const float difference = plus(value, -mean);
            squares = fused_multiply_add(difference, difference, squares);
        };
        int i = 0;
#pragma unroll 8
        for (; i + 4 <= count; i += 4) {
            const float4 four = *reinterpret_cast<const float4*>(mine + i);
            add(four.x), add(four.y), add(four.z), add(four.w);
        }
#pragma unroll 1
        for (; i < count; ++i) add(mine[i]);
        return squares;
    }
};

// An aligned row of up to kSteps * kStepChannels, normalized in the registers of a warp: of each step a
// thread has four channels, and zeros beyond the row. k: what ToIsland says of rows, of its results only
// `total`. kAhead: gamma and beta are on their way while the squares are finished, in 8 * kSteps registers
// more: where warps are too few to wait for each other.
template <bool kAhead = true, int kSteps, typename Rows, typename Source>
__device__ void normalize_kept_row(const Rows& k, const Source& source, int64_t row, Chains<kSteps>& chains,
                                   float (&values)[kSteps * 4]) {
    const int lane = threadIdx.x % 32;
    const auto channel = [&](int step) { return step * kStepChannels + lane * 4; };
    typename Source::Item items[kSteps] = {};
#pragma unroll
    for (int s = 0; s < kSteps; ++s)
        if (channel(s) < k.channels) items[s] = source.load(row, channel(s));

#pragma unroll
    for (int s = 0; s < kSteps; ++s) {
        const bool is_inside = channel(s) < k.channels;
        const float4 four = source.four(items[s]);
        if (is_inside && k.total != nullptr)
            *reinterpret_cast<float4*>(k.total + row * k.channels + channel(s)) = four;
        values[s * 4] = is_inside ? four.x : 0, values[s * 4 + 1] = is_inside ? four.y : 0;
        values[s * 4 + 2] = is_inside ? four.z : 0, values[s * 4 + 3] = is_inside ? four.w : 0;
    }
    chains.store(lane, values);
    __syncwarp();

    const auto value = [&](int c) { return chains[c]; };
    const float mean = mean_of_row(values, k.channels, k.reciprocal, value);
    float squares = 0;
    if (lane < kLanes) squares = chains.squares(lane, k.channels, mean);
    float4 gamma[kSteps] = {}, beta[kSteps] = {};
    const auto load_parameters = [&](int s) {
        gamma[s] = *reinterpret_cast<const float4*>(k.gamma + channel(s));
        beta[s] = *reinterpret_cast<const float4*>(k.beta + channel(s));
    };
    if constexpr (kAhead) {
#pragma unroll
        for (int s = 0; s < kSteps; ++s)
            if (channel(s) < k.channels) load_parameters(s);
    }
    squares = with_last_squares(sum_of_lanes(squares), k.channels, mean, value);
    const float inverse = __shfl_sync(kAll, divide(1.0f, deviation(squares, k.channels, k.epsilon)), 0);
#pragma unroll
    for (int s = 0; s < kSteps; ++s) {
        if (channel(s) >= k.channels) break;
        if constexpr (!kAhead) load_parameters(s);
        const auto normalize = [&](float& value, float scale, float shift) {
            value = fused_multiply_add(multiply(plus(value, -mean), inverse), scale, shift);
        };
        normalize(values[s * 4], gamma[s].x, beta[s].x);
        normalize(values[s * 4 + 1], gamma[s].y, beta[s].y);
        normalize(values[s * 4 + 2], gamma[s].z, beta[s].z);
        normalize(values[s * 4 + 3], gamma[s].w, beta[s].w);
    }
}

}  // namespace qudnn::kernels
