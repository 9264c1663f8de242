// Depthwise convolution without tensor cores, for what depthwise_tiles.cuh does not take.
//
// A thread computes kOutputs neighbours along W for 8 channels. It holds all it needs of x in registers,
// transposes 4 pixels x 4 channels at a time, and then one __dp4a sums four taps of a filter row of one
// channel. A window that starts at an odd pixel reads the same words with the filter shifted by a byte.
#pragma once

#include "kernels/common/common.cuh"
#include "kernels/conv/conv.h"
#include "kernels/epilogue/typed_epilogue.cuh"

namespace qudnn::kernels {

constexpr int kMaxGroups = 32;  // groups of 8 channels per block

struct Depthwise {
    int h, w, p, q;
    int64_t c;
    int pad_top, pad_left, stride_h, stride_w, dilation_h, dilation_w;
    uint32_t strips_per_row;  // ceil(q / kOutputs)
    int64_t strips;           // n * p * strips_per_row
    int64_t channel_blocks, strip_blocks;
    int x_zero_point;
    OutputRange range;
};

// Filter words by row and word of the row, quad of channels, thread.
template <int kSize>
struct DepthwiseFilter {
    static constexpr int kWords = (kSize + 3) / 4;
    uint32_t words[kSize * kWords][2][kMaxGroups][4];

    // filter: kSize * kSize bytes for each of `channels` channels.
    __device__ void load(const int8_t* filter, int64_t channels) {
        const int threads = blockDim.x * blockDim.y, thread = threadIdx.y * blockDim.x + threadIdx.x;
        const int block_channels = blockDim.x * 8;
        for (int i = thread; i < kSize * kWords * block_channels; i += threads) {
            const int channel = i % block_channels, row = i / block_channels / kWords;
            const int tap = i / block_channels % kWords * 4;
            uint32_t word = 0;
#pragma unroll
            for (int b = 0; b < 4; ++b) {
                if (tap + b < kSize && channel < channels)
                    word |= static_cast<uint32_t>(
                                static_cast<uint8_t>(filter[(channel * kSize + row) * kSize + tap + b]))
                            << (8 * b);
            }
            words[row * kWords + tap / 4][channel / 4 % 2][channel / 8][channel % 4] = word;
        }
    }
};

// With kOutputs > 1: stride_w is kStride and dilation_w 1.
template <int kSize, int kOutputs, int kStride>
__global__ void __launch_bounds__(kThreads)
    depthwise_kernel(Depthwise g, const int8_t* __restrict__ x, const int8_t* __restrict__ filter,
                     Epilogue epilogue, int8_t* __restrict__ y) {
    constexpr int kStrip = (kOutputs - 1) * kStride + kSize;
    constexpr int kPairs = (kStrip + 1) / 2;
    using Filter = DepthwiseFilter<kSize>;
    __shared__ __align__(16) Filter shared_filter;

    const int64_t block_channel = blockIdx.x % g.channel_blocks * blockDim.x * 8;
    shared_filter.load(filter + block_channel * kSize * kSize, g.c - block_channel);
    __syncthreads();
    const int64_t channel = block_channel + threadIdx.x * 8;
    if (channel >= g.c) return;

    for (int64_t strip = blockIdx.x / g.channel_blocks * blockDim.y + threadIdx.y; strip < g.strips;
         strip += g.strip_blocks * blockDim.y) {
        const uint32_t row = static_cast<uint32_t>(strip) / g.strips_per_row;
        const uint32_t image = row / static_cast<uint32_t>(g.p);
        const int first = static_cast<int>(static_cast<uint32_t>(strip) - row * g.strips_per_row) * kOutputs;
        const int h0 = static_cast<int>(row - image * static_cast<uint32_t>(g.p)) * g.stride_h - g.pad_top;
        const int w0 = first * g.stride_w - g.pad_left;
        const int64_t origin = ((static_cast<int64_t>(image) * g.h + h0) * g.w + w0) * g.c + channel;

        uint2 pixels[kSize][kStrip];
        const uint32_t zero_point = splat(g.x_zero_point);
#pragma unroll
        for (int r = 0; r < kSize; ++r) {
            const int h = h0 + r * g.dilation_h;
            const bool row_inside = h >= 0 && h < g.h;
            const int8_t* source = x + (origin + static_cast<int64_t>(r * g.dilation_h) * g.w * g.c);
#pragma unroll
            for (int i = 0; i < kStrip; ++i) {
                const int w = w0 + i * g.dilation_w;
                pixels[r][i] = {zero_point, zero_point};
                if (row_inside && w >= 0 && w < g.w)
                    pixels[r][i] = *reinterpret_cast<const uint2*>(source + i * g.dilation_w * g.c);
            }
        }

        uint32_t out[kOutputs][2];
#pragma unroll
        for (int quad = 0; quad < 2; ++quad) {
            int acc[kOutputs][4];
            const int4 bias = *reinterpret_cast<const int4*>(epilogue.bias + channel + quad * 4);
#pragma unroll
            for (int o = 0; o < kOutputs; ++o) {
                acc[o][0] = bias.x, acc[o][1] = bias.y, acc[o][2] = bias.z, acc[o][3] = bias.w;
            }
#pragma unroll
            for (int r = 0; r < kSize; ++r) {
                // Bytes of channels 0, 1 and 2, 3 of two neighbouring pixels, alternating.
                uint32_t low[kPairs + 1], high[kPairs + 1];
#pragma unroll
                for (int i = 0; i <= kPairs; ++i) {
                    uint32_t even = 2 * i < kStrip ? (&pixels[r][2 * i].x)[quad] : 0;
                    uint32_t odd = 2 * i + 1 < kStrip ? (&pixels[r][2 * i + 1].x)[quad] : 0;
                    low[i] = __byte_perm(even, odd, 0x5140);
                    high[i] = __byte_perm(even, odd, 0x7362);
                }
#pragma unroll
                for (int j = 0; j <= Filter::kWords; ++j) {
                    uint32_t weights[4], shifted[4];
#pragma unroll
                    for (int i = 0; i < 4; ++i) {
                        const uint32_t (*row_words)[2][kMaxGroups][4] =
                            shared_filter.words + r * Filter::kWords;
                        weights[i] = j < Filter::kWords ? row_words[j][quad][threadIdx.x][i] : 0;
                        shifted[i] = __funnelshift_l(j > 0 ? row_words[j - 1][quad][threadIdx.x][i] : 0,
                                                     weights[i], 8);
                    }
#pragma unroll
                    for (int o = 0; o < kOutputs; ++o) {
                        const int shift = o * kStride % 2;
                        if (4 * j >= kSize + shift) continue;
                        const int pair = o * kStride / 2 + 2 * j;
                        const uint32_t (&filter_words)[4] = shift ? shifted : weights;
                        const uint32_t words[4] = {__byte_perm(low[pair], low[pair + 1], 0x5410),
                                                   __byte_perm(low[pair], low[pair + 1], 0x7632),
                                                   __byte_perm(high[pair], high[pair + 1], 0x5410),
                                                   __byte_perm(high[pair], high[pair + 1], 0x7632)};
#pragma unroll
                        for (int i = 0; i < 4; ++i)
                            acc[o][i] = __dp4a(static_cast<int>(words[i]), static_cast<int>(filter_words[i]),
                                               acc[o][i]);
                    }
                }
            }
            const float4 m = *reinterpret_cast<const float4*>(epilogue.multiplier + channel + quad * 4);
#pragma unroll
            for (int o = 0; o < kOutputs; ++o) {
                out[o][quad] = pack(requantize(acc[o][0], m.x, g.range), requantize(acc[o][1], m.y, g.range),
                                    requantize(acc[o][2], m.z, g.range), requantize(acc[o][3], m.w, g.range));
                if (epilogue.table != nullptr) out[o][quad] = looked_up_word(epilogue.table, out[o][quad]);
            }
        }
        int8_t* target = y + (static_cast<int64_t>(row) * g.q + first) * g.c + channel;
#pragma unroll
        for (int o = 0; o < kOutputs; ++o)
            if (first + o < g.q) *reinterpret_cast<uint2*>(target + o * g.c) = {out[o][0], out[o][1]};
    }
}

template <int kSize, int kOutputs, int kStride>
cudaError_t run_depthwise(const ConvGeometry& g, int x_zero_point, const int8_t* x, const int8_t* filter,
                          const Epilogue& epilogue, int8_t* y, cudaStream_t stream) {
    auto narrowed = [](int64_t value) { return static_cast<int>(value); };
    const int64_t strips_per_row = ceil_div(g.q, kOutputs), strips = g.n * g.p * strips_per_row;
    // Distributes the groups of 8 channels over blocks as evenly as possible, and strips over the threads
    // left.
    const int64_t groups = g.c / 8, channel_blocks = ceil_div(groups, kMaxGroups);
    const int width = narrowed(ceil_div(groups, channel_blocks)), height = kThreads / width;
    const int64_t strip_blocks =
        std::min(ceil_div(strips, height), std::max<int64_t>(4096 / channel_blocks, 1));
    Depthwise d{narrowed(g.h),
                narrowed(g.w),
                narrowed(g.p),
                narrowed(g.q),
                g.c,
                narrowed(g.pad_top),
                narrowed(g.pad_left),
                narrowed(g.stride_h),
                narrowed(g.stride_w),
                narrowed(g.dilation_h),
                narrowed(g.dilation_w),
                static_cast<uint32_t>(strips_per_row),
                strips,
                channel_blocks,
                strip_blocks,
                x_zero_point,
                OutputRange(epilogue)};
    return launch(depthwise_kernel<kSize, kOutputs, kStride>, channel_blocks * strip_blocks,
                  dim3(width, height), stream, d, x, filter, epilogue, y);
}

inline cudaError_t depthwise_dp4a(const ConvGeometry& g, int x_zero_point, const int8_t* x,
                                  const int8_t* filter, const Epilogue& epilogue, int8_t* y,
                                  cudaStream_t stream) {
    auto run = [&](auto kernel) { return kernel(g, x_zero_point, x, filter, epilogue, y, stream); };
    const int64_t stride = g.dilation_w == 1 && g.q > 1 ? g.stride_w : 0;
    switch (g.r) {
        case 3:
            return run(stride == 1   ? run_depthwise<3, 4, 1>
                       : stride == 2 ? run_depthwise<3, 4, 2>
                                     : run_depthwise<3, 1, 1>);
        case 5:
            return run(stride == 1   ? run_depthwise<5, 2, 1>
                       : stride == 2 ? run_depthwise<5, 2, 2>
                                     : run_depthwise<5, 1, 1>);
        default:
            return run(stride == 1 ? run_depthwise<7, 2, 1> : run_depthwise<7, 1, 1>);
    }
}

}  // namespace qudnn::kernels
