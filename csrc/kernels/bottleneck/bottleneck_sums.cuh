// The mmas of bottleneck.h's kernel.
#pragma once

#include "kernels/bottleneck/bottleneck_task.cuh"

namespace qudnn::kernels {

// A matrix as mmas take it, see matrix_at(): its lower half, to which sixteens of bytes are added. Its other
// half is known. All that is computed for an mma is in uniform registers, whose instructions take long.
template <int kWidth>
__device__ __forceinline__ uint32_t place_of(uint32_t shared) {
    return static_cast<uint32_t>(matrix_at(shared, kWidth));
}
template <int kWidth>
__device__ __forceinline__ uint64_t matrix_in(uint32_t place) {
    return matrix_at(0, kWidth) >> 32 << 32 | place;
}

// Calls work with the width of rows, in bytes.
template <class Work>
__device__ __forceinline__ void with_width(int width, const Work& work) {
    width == 128 ? work.template operator()<128>() : work.template operator()<64>();
}

// Where a warp is in a ring of buffers.
struct BottleneckRing : Ring {
    uint32_t first, bytes, at;

    __device__ BottleneckRing(int stages, uint32_t first, int bytes)
        : Ring(stages), first(first), bytes(static_cast<uint32_t>(bytes)), at(first) {}
    __device__ void advance() {
        Ring::advance();
        at = stage == 0 ? first : at + bytes;
    }
};

struct BottleneckRings {
    BottleneckRing x, w;

    __device__ BottleneckRings(const BottleneckTask& t, const BottleneckShared& shared)
        : x(t.x_stages, shared.x, t.x_bytes), w(t.w_stages, shared.w, t.w_bytes) {}

    // Waits for weights; where all have a buffer, these stay full.
    __device__ void wait_for_weights(const BottleneckTask& t, const BottleneckShared& shared) const {
        wait_for(shared.w_full + w.stage * 8, t.keeps_weights ? 0 : w.parity);
    }
    // The barrier that says that they were read; 0 where nobody waits for it.
    __device__ uint32_t weights_empty(const BottleneckTask& t, const BottleneckShared& shared) const {
        return t.keeps_weights ? 0 : shared.w_empty + w.stage * 8;
    }
};

// Signals that buffers were read, one step late: the mmas of the last one may still run.
struct LateSignal {
    uint32_t x = 0, w = 0;

    __device__ void send(bool by_this_lane) const {
        if (!by_this_lane) return;
        if (x != 0) arrive(x);
        if (w != 0) arrive(w);
    }
};

// Adds the products of all channels of x to the sums, kWidth channels at a time.
template <class S, int kWidth>
__device__ __forceinline__ void add_x(int32_t (&acc)[S::kTiles][S::kColumns / 2], const BottleneckTask& t,
                                      const BottleneckShared& shared, int group, BottleneckRings& rings) {
    constexpr int kDepth = kWidth / (S::kSharesDepth ? S::kGroups : 1);  // of a group
    const bool signals = threadIdx.x % 32 == 0;
    auto& [x, w] = rings;
    const int first_a = S::kSharesDepth ? group * kDepth : group * 64 * kWidth,
              first_b = S::kSharesDepth ? group * kDepth : 0;
    LateSignal read;
    for (int width = 0; width < t.x_widths; ++width, x.advance(), w.advance()) {
        wait_for(shared.x_full + x.stage * 8, x.parity);
        rings.wait_for_weights(t, shared);
        const uint32_t a = place_of<kWidth>(x.at + first_a), b = place_of<kWidth>(w.at + first_b);
        fence_wgmma();
#pragma unroll
        for (int depth = 0; depth < kDepth; depth += 32)
#pragma unroll
            for (int i = 0; i < S::kTiles; ++i)
                multiply_add<S::kColumns>(acc[i],
                                          matrix_in<kWidth>(a + (i * S::kGroups * 64 * kWidth + depth) / 16),
                                          matrix_in<kWidth>(b + depth / 16));
        commit_wgmma();
        wait_for_wgmma<1>();
        read.send(signals);
        read = {shared.x_empty + x.stage * 8, rings.weights_empty(t, shared)};
    }
    wait_for_wgmma<0>();
    read.send(signals);
}

// Starts the mmas of 64 rows and kDepth of the channels between, rows of weights of kWidth of these. a: the
// first of the matrices that hold the channels of a block each, from one to the next `matrix`.
template <class S, int kWidth, int kDepth, int kColumns>
__device__ __forceinline__ void multiply_width(int32_t (&acc)[kColumns / 2], uint32_t a, uint32_t matrix,
                                               uint32_t b) {
#pragma unroll
    for (int depth = 0; depth < kDepth; depth += 32)
        multiply_add<kColumns>(
            acc, matrix_in<S::kColumns>(a + depth / S::kColumns * matrix + depth % S::kColumns / 16),
            matrix_in<kWidth>(b + depth / 16));
}

// Waits for the weights of all taps, which stay.
__device__ __forceinline__ void wait_for_kept_weights(const BottleneckTask& t,
                                                      const BottleneckShared& shared) {
    for (int stage = t.x_widths; stage < t.w_stages; ++stage) wait_for(shared.w_full + stage * 8, 0);
}

// Adds the products of all taps and all channels between to the sums. kKept: all weights are there.
template <class S, int kWidth, bool kKept>
__device__ __forceinline__ void add_taps(int32_t (&acc)[S::kColumns / 2], const BottleneckTask& t,
                                         const BottleneckShared& shared, int group, BottleneckRings& rings) {
    constexpr int kDepth = kWidth / (S::kWindowSharesDepth ? S::kGroups : 1);  // of a group
    const bool signals = threadIdx.x % 32 == 0;
    const uint32_t matrix = t.reduced_rows * S::kColumns / 16;
    uint32_t first = place_of<S::kColumns>(shared.reduced);
    if constexpr (S::kWindowSharesDepth)
        first += group * (kDepth / S::kColumns * matrix + kDepth % S::kColumns / 16);
    else
        first += group * (64 * S::kColumns / 16);
    const int first_b = S::kWindowSharesDepth ? group * kDepth : 0;
    LateSignal read;
    if constexpr (kKept) fence_wgmma();
    for (int width = 0; width < t.m_widths; ++width, first += kWidth / S::kColumns * matrix)
#pragma unroll
        for (int tap = 0; tap < kBottleneckTaps; ++tap, rings.w.advance()) {
            if constexpr (!kKept) rings.wait_for_weights(t, shared), fence_wgmma();
            multiply_width<S, kWidth, kDepth, S::kColumns>(acc, first + t.tap_rows[tap] * (S::kColumns / 16),
                                                           matrix, place_of<kWidth>(rings.w.at + first_b));
            if constexpr (kKept) continue;
            commit_wgmma();
            wait_for_wgmma<1>();
            read.send(signals);
            read.w = rings.weights_empty(t, shared);
        }
    if constexpr (kKept) commit_wgmma();
    wait_for_wgmma<0>();
    if constexpr (!kKept) read.send(signals);
}

// Adds the products of all channels between, of the last step's pass of that number, to the sums.
template <class S, int kWidth>
__device__ __forceinline__ void add_last(int32_t (&acc)[kLastColumns / 2], const BottleneckTask& t,
                                         const BottleneckShared& shared, int tile, int pass) {
    constexpr uint32_t kMatrix = S::kWindowRows * S::kColumns / 16;
    uint32_t a = place_of<S::kColumns>(shared.window + tile * 64 * S::kColumns),
             b = place_of<kWidth>(shared.last_w + pass * t.m_widths * kLastColumns * kWidth);
    fence_wgmma();
    for (int width = 0; width < t.m_widths; ++width) {
        multiply_width<S, kWidth, kWidth, kLastColumns>(acc, a, kMatrix, b);
        a += kWidth / S::kColumns * kMatrix, b += kLastColumns * kWidth / 16;
    }
    commit_wgmma();
    wait_for_wgmma<0>();
}

// Sums start with their bias. Each is read by itself: mmas do not overlap with copies of registers.
template <class S>
__device__ __forceinline__ void start_sums(int32_t (&acc)[S::kColumns / 2], const int32_t* bias) {
    const volatile int32_t* starts = bias + threadIdx.x % 4 * 4;
#pragma unroll
    for (int j = 0; j < S::kColumns / 8; ++j)
#pragma unroll
        for (int i = 0; i < 4; ++i) acc[j * 4 + i] = starts[j / 2 * 16 + j % 2 * 2 + i % 2];
}

// The sums of a group's half of the rows, of those that the groups have of all rows; biases are added.
template <class S>
__device__ __forceinline__ void add_up(const int32_t (&acc)[S::kColumns / 2], int4* shared_sums,
                                       const int32_t* bias, int group, int4 (&sums)[S::kColumns / 16]) {
    constexpr int kVectors = S::kColumns / 16, kGroupThreads = S::kThreads / S::kGroups;
    const int thread = static_cast<int>(threadIdx.x) % kGroupThreads;
    const auto added = [](int32_t a, int32_t b, int32_t c) { return wrapping_add(wrapping_add(a, b), c); };
    const auto of_half = [&](int vector, bool second) {
        const int32_t* first = acc + vector * 8;
        return second ? int4{first[2], first[3], first[6], first[7]}
                      : int4{first[0], first[1], first[4], first[5]};
    };
#pragma unroll
    for (int v = 0; v < kVectors; ++v)
        shared_sums[(group * kVectors + v) * kGroupThreads + thread] = of_half(v, group == 0);
    meet(S::kThreads);
#pragma unroll
    for (int v = 0; v < kVectors; ++v) {
        const int4 own = of_half(v, group == 1),
                   other = shared_sums[((1 - group) * kVectors + v) * kGroupThreads + thread],
                   start = reinterpret_cast<const int4*>(bias)[v * 4 + thread % 4];
        sums[v] = {added(own.x, other.x, start.x), added(own.y, other.y, start.y),
                   added(own.z, other.z, start.z), added(own.w, other.w, start.w)};
    }
}

}  // namespace qudnn::kernels
