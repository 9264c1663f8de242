// Sources, as normalize_to_island.cuh has them, that are rows of a tensor inside, and of one outside beside
// it.
#pragma once

#include "kernels/norm/float_rows.cuh"
#include "kernels/norm/normalize_to_island.h"

namespace qudnn::kernels {

struct Dequantized {
    const int8_t* x;
    int64_t stride;
    float origin, scale;

    explicit Dequantized(const DequantizedRows& rows)
        : x(rows.x), stride(rows.stride), origin(byte_origin(rows.zero_point)), scale(rows.scale) {}

    bool vectors() const { return stride % 4 == 0 && aligned(x, 4); }
    __device__ float of(uint32_t word, uint32_t i) const {
        return multiply(byte_to_float(word ^ kByteBias, i, origin), scale);
    }
    __device__ float one(int64_t row, int c) const {
        return of(static_cast<uint8_t>(x[row * stride + c]), 0);
    }
    using Item = uint32_t;
    __device__ Item load(int64_t row, int c) const {
        return *reinterpret_cast<const uint32_t*>(x + row * stride + c);
    }
    __device__ float4 four(Item word) const { return {of(word, 0), of(word, 1), of(word, 2), of(word, 3)}; }
};

// A float32 residual, less a zero point, times a scale.
struct Scaled {
    Floats floats;
    float scale, zero_point;

    Scaled(const FloatRows& rows, int channels)
        : floats{rows.x, channels}, scale(rows.scale), zero_point(rows.zero_point) {}

    bool vectors() const { return floats.vectors(); }
    __device__ float of(float value) const { return multiply(plus(value, -zero_point), scale); }
    __device__ float one(int64_t row, int c) const { return of(floats.one(row, c)); }
    using Item = float4;
    __device__ Item load(int64_t row, int c) const { return floats.load(row, c); }
    __device__ float4 four(const Item& v) const { return {of(v.x), of(v.y), of(v.z), of(v.w)}; }
};

// (x + bias) + residual; kBiasLast: (x + residual) + bias.
template <typename Residual, bool kBiasLast>
struct Total {
    Dequantized x;
    const float* bias;
    Residual residual;

    bool vectors() const { return x.vectors() && residual.vectors() && aligned(bias, sizeof(float4)); }
    __device__ static float of(float x, float bias, float residual) {
        return kBiasLast ? plus(plus(x, residual), bias) : plus(plus(x, bias), residual);
    }
    __device__ float one(int64_t row, int c) const {
        return of(x.one(row, c), bias[c], residual.one(row, c));
    }
    struct Item {
        Dequantized::Item x;
        typename Residual::Item residual;
        float4 bias;
    };
    __device__ Item load(int64_t row, int c) const {
        return {x.load(row, c), residual.load(row, c), *reinterpret_cast<const float4*>(bias + c)};
    }
    __device__ float4 four(const Item& item) const {
        const float4 v = x.four(item.x), r = residual.four(item.residual), b = item.bias;
        return {of(v.x, b.x, r.x), of(v.y, b.y, r.y), of(v.z, b.z, r.z), of(v.w, b.w, r.w)};
    }
};

}  // namespace qudnn::kernels
