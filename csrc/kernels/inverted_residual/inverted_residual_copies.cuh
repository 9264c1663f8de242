// What a block of inverted_residual.h's kernel works on, and its copies of x and weights.
#pragma once

#include "kernels/common/ampere.cuh"
#include "kernels/inverted_residual/inverted_residual_task.cuh"

namespace qudnn::kernels {

// What a block works on.
struct InvertedBand {
    int rank, image, first_line;  // of y
    int first_x_line;             // that windows reach, -1 where that is padding

    __device__ InvertedBand(const InvertedTask& t, int stride) {
        const int block = static_cast<int>(blockIdx.x), cluster = block / t.blocks;
        rank = block % t.blocks;
        image = cluster / t.bands, first_line = cluster % t.bands * t.lines;
        first_x_line = first_line * stride - 1;
    }
};

// A buffer of the weights and constants of 32 channels.
struct InvertedWeights {
    uint8_t* start;
    const InvertedTask* t;

    __device__ uint8_t* first() const { return start; }
    __device__ uint8_t* last() const { return start + t->last_w; }
    __device__ uint8_t* window() const { return start + t->window_w; }
    __device__ int32_t* bias(int step) const {
        return reinterpret_cast<int32_t*>(start + t->constants) + step * 2 * kInvertedChannels;
    }
    __device__ float* multiplier(int step) const {
        return reinterpret_cast<float*>(bias(step) + kInvertedChannels);
    }
};

__device__ __forceinline__ void copy_vector(uint8_t* shared, const void* global) {
    copy_async<4>(reinterpret_cast<uint32_t*>(shared), global);
}

// Starts copying the weights of channels `channel` and up.
__device__ __forceinline__ void copy_weights(const InvertedTask& t, const InvertedEnds& ends, int channel,
                                             const InvertedWeights& to) {
    const auto thread = static_cast<int>(threadIdx.x);
    const int channels = min(kInvertedChannels, t.m - channel), vectors = t.c / 16;
    for (int i = thread; i < channels * vectors; i += kInvertedThreads) {
        const int n = static_cast<int>(t.vectors.quotient(i)), v = i - n * vectors;
        // Columns 2 t and 2 t + 1 of all mmas are neighbouring channels.
        const int place = n % 8 / 2 * 8 + n / 8 * 2 + n % 2;
        copy_vector(to.first() + place * t.x_pitch + v * 16,
                    ends.of[0].w + static_cast<int64_t>(channel + n) * t.c + v * 16);
    }
    for (int i = thread; i < t.k * 2; i += kInvertedThreads) {
        uint8_t* const target = to.last() + i / 2 * kInvertedPitch + i % 2 * 16;
        if (i % 2 * 16 < channels)
            copy_vector(target, ends.of[2].w + static_cast<int64_t>(i / 2) * t.m + channel + i % 2 * 16);
        else  // what the other steps have there does not matter then
            *reinterpret_cast<uint4*>(target) = {0, 0, 0, 0};
    }
    if (thread < channels * 9 / 16)
        copy_vector(to.window() + thread * 16, ends.of[1].w + channel * 9 + thread * 16);
    const int array = thread / 8, v = thread % 8;
    if (array < 4 && v * 4 < channels) {
        const InvertedEnd& end = array < 2 ? ends.of[0] : ends.of[1];
        const void* const source = array % 2 == 0 ? static_cast<const void*>(end.bias + channel + v * 4)
                                                  : end.multiplier + channel + v * 4;
        copy_vector(reinterpret_cast<uint8_t*>(to.bias(0)) + thread * 16, source);
    }
}

// Starts copying the lines of x that exist.
__device__ __forceinline__ void copy_lines(const InvertedTask& t, const InvertedBand& band, const int8_t* x,
                                           uint8_t* shared) {
    const int vectors = t.c / 16, first = max(-band.first_x_line, 0) * t.w,
              end = min(t.x_lines, t.h - band.first_x_line) * t.w;
    const int8_t* const source = x + (static_cast<int64_t>(band.image) * t.h + band.first_x_line) * t.w * t.c;
    for (int i = first * vectors + static_cast<int>(threadIdx.x); i < end * vectors; i += kInvertedThreads) {
        const int row = static_cast<int>(t.vectors.quotient(i)), v = i - row * vectors;
        copy_vector(shared + row * t.x_pitch + v * 16, source + static_cast<int64_t>(i) * 16);
    }
}

}  // namespace qudnn::kernels
