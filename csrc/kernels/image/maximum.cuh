// The maximum of a window.
#pragma once

#include "kernels/common/common.cuh"

namespace qudnn::kernels {

// The maximum of signed bytes over vectors. Two 16-bit maxima per word: one of the word itself, whose
// high bytes decide whatever lies below them, one of the word shifted left to bring up the others.
template <typename V>
struct Maximum;

template <>
struct Maximum<uint4> {
    uint32_t odd[4], even[4];

    __device__ Maximum() {
#pragma unroll
        for (int i = 0; i < 4; ++i) odd[i] = even[i] = 0x80808080u;
    }
    __device__ void take(int i, uint32_t word) {
        odd[i] = __vmaxs2(odd[i], word);
        even[i] = __vmaxs2(even[i], word << 8);
    }
    __device__ void take(const uint4& v) {
        take(0, v.x);
        take(1, v.y);
        take(2, v.z);
        take(3, v.w);
    }
    __device__ uint32_t word(int i) const { return __byte_perm(even[i], odd[i], 0x7351); }
    __device__ uint4 value() const { return {word(0), word(1), word(2), word(3)}; }
};

template <>
struct Maximum<uint8_t> {
    int maximum = -128;

    __device__ void take(uint8_t v) { maximum = max(maximum, static_cast<int>(static_cast<int8_t>(v))); }
    __device__ uint8_t value() const { return static_cast<uint8_t>(maximum); }
};

// Runs the kernel with the types of what a thread takes, 16 channels where they are aligned, and of an index
// that counts as many, and with the side of small square windows; g.c counts vectors then, too.
template <class Geometry, class Run>
cudaError_t run_maximum(Geometry g, int64_t count, const int8_t* x, const int8_t* y, const Run& run) {
    if (count == 0) return cudaSuccess;
    if (g.c % 16 != 0 || !aligned(x, 16) || !aligned(y, 16))
        return run.template operator()<uint8_t, uint64_t, 0>(g, count);
    g.c /= 16;
    count /= 16;
    if (!narrow(count)) return run.template operator()<uint4, uint64_t, 0>(g, count);
    if (g.r == 3 && g.s == 3) return run.template operator()<uint4, uint32_t, 3>(g, count);
    if (g.r == 2 && g.s == 2) return run.template operator()<uint4, uint32_t, 2>(g, count);
    return run.template operator()<uint4, uint32_t, 0>(g, count);
}

}  // namespace qudnn::kernels
