// What the kernels of border.h move: quads, which are four elements outside and four bytes of a word inside,
// and the conversions between the two.
#pragma once

#include <type_traits>

#include "kernels/common/common.cuh"
#include "kernels/common/float_divisor.cuh"

namespace qudnn::kernels {

// --- Quads of outside elements.

template <typename T>
struct Quad;

template <>
struct Quad<float> {
    float v[4];

    // Elements first..last of those at p[i * stride]; vector: stride is 1 and p + 4 elements aligned.
    __device__ void load(const float* p, int64_t stride, int first, int last, bool vector) {
        if (vector && first == 0 && last == 4) {
            const float4 q = *reinterpret_cast<const float4*>(p);
            v[0] = q.x, v[1] = q.y, v[2] = q.z, v[3] = q.w;
            return;
        }
#pragma unroll
        for (int i = 0; i < 4; ++i) v[i] = i >= first && i < last ? p[i * stride] : 0.0f;
    }
    __device__ void store(float* p, int64_t stride, int first, int last, bool vector) const {
        if (vector && first == 0 && last == 4) {
            *reinterpret_cast<float4*>(p) = {v[0], v[1], v[2], v[3]};
            return;
        }
#pragma unroll
        for (int i = 0; i < 4; ++i)
            if (i >= first && i < last) p[i * stride] = v[i];
    }
};

template <>
struct Quad<uint8_t> {
    uint32_t word;

    __device__ void load(const uint8_t* p, int64_t stride, int first, int last, bool vector) {
        if (vector && first == 0 && last == 4) {
            word = *reinterpret_cast<const uint32_t*>(p);
            return;
        }
        word = 0;
#pragma unroll
        for (int i = 0; i < 4; ++i)
            if (i >= first && i < last) word |= static_cast<uint32_t>(p[i * stride]) << (8 * i);
    }
    __device__ void store(uint8_t* p, int64_t stride, int first, int last, bool vector) const {
        if (vector && first == 0 && last == 4) {
            *reinterpret_cast<uint32_t*>(p) = word;
            return;
        }
#pragma unroll
        for (int i = 0; i < 4; ++i)
            if (i >= first && i < last) p[i * stride] = static_cast<uint8_t>(word >> (8 * i));
    }
};

// --- Conversion of the values. kEnter: from outside to inside. Every thread of a kernel calls prepared()
// first, all threads of a block together, and converts with what it returns.

struct Quantize {
    using Outside = float;
    static constexpr bool kEnter = true;
    OutputRange range;
    IntegerDivisor scale;
    float most;  // the largest dividend; larger ones exceed all bounds anyway; 0: the divisor does not take
                 // the scale
    uint32_t fill;

    Quantize(int zero_point, float scale)
        : range(zero_point),
          scale(scale),
          most(IntegerDivisor::takes(scale) ? IntegerDivisor::kMostQuotient * scale : 0),
          fill(splat(zero_point)) {}

    __device__ const Quantize& prepared() const { return *this; }
    __device__ uint32_t inward(const Quad<float>& q) const {
        uint32_t y[4];
        if (most > 0) {
#pragma unroll
            for (int i = 0; i < 4; ++i)  // NaN becomes the least
                y[i] = quantize(scale.quotient(fminf(fmaxf(q.v[i], -most), most)), range);
        } else {
#pragma unroll
            for (int i = 0; i < 4; ++i) y[i] = quantize(divide(q.v[i], scale.value), range);
        }
        return pack(y[0], y[1], y[2], y[3]);
    }
};

struct Dequantize {
    using Outside = float;
    static constexpr bool kEnter = false;
    float origin, scale;

    __device__ const Dequantize& prepared() const { return *this; }
    __device__ Quad<float> outward(uint32_t word) const {
        Quad<float> q;
#pragma unroll
        for (uint32_t i = 0; i < 4; ++i) q.v[i] = multiply(byte_to_float(word ^ kByteBias, i, origin), scale);
        return q;
    }
};

struct ShiftIn {
    using Outside = uint8_t;
    static constexpr bool kEnter = true;
    uint32_t flip, fill;

    __device__ const ShiftIn& prepared() const { return *this; }
    __device__ uint32_t inward(const Quad<uint8_t>& q) const { return q.word ^ flip; }
};

struct ShiftOut {
    using Outside = uint8_t;
    static constexpr bool kEnter = false;
    uint32_t flip;

    __device__ const ShiftOut& prepared() const { return *this; }
    __device__ Quad<uint8_t> outward(uint32_t word) const { return {word ^ flip}; }
};

template <typename Convert>
using OutsidePointer =
    std::conditional_t<Convert::kEnter, const typename Convert::Outside*, typename Convert::Outside*>;
template <typename Convert>
using InsidePointer = std::conditional_t<Convert::kEnter, int8_t*, const int8_t*>;

// The converted quad, with the fill where nothing was loaded.
template <typename Convert>
__device__ uint32_t inward(const Convert& convert, const Quad<typename Convert::Outside>& q, int first,
                           int last) {
    uint32_t word = convert.inward(q);
    if (first == 0 && last == 4) return word;
    uint32_t kept =
        first < last ? static_cast<uint32_t>((uint64_t{1} << (8 * last)) - (uint64_t{1} << (8 * first))) : 0;
    return (word & kept) | (convert.fill & ~kept);
}

}  // namespace qudnn::kernels
