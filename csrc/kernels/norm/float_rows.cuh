// Sources, as normalize_to_island.cuh has them, that are rows of float32.
#pragma once

#include "kernels/common/common.cuh"

namespace qudnn::kernels {

struct Floats {
    const float* x;
    int channels;

    bool vectors() const { return aligned(x, sizeof(float4)); }
    __device__ float one(int64_t row, int c) const { return x[row * channels + c]; }
    using Item = float4;
    __device__ Item load(int64_t row, int c) const {
        return *reinterpret_cast<const float4*>(x + row * channels + c);
    }
    __device__ float4 four(const Item& item) const { return item; }
};

struct FloatSum {
    Floats a, b;

    bool vectors() const { return a.vectors() && b.vectors(); }
    __device__ float one(int64_t row, int c) const { return plus(a.one(row, c), b.one(row, c)); }
    struct Item {
        float4 a, b;
    };
    __device__ Item load(int64_t row, int c) const { return {a.load(row, c), b.load(row, c)}; }
    __device__ float4 four(const Item& v) const {
        return {plus(v.a.x, v.b.x), plus(v.a.y, v.b.y), plus(v.a.z, v.b.z), plus(v.a.w, v.b.w)};
    }
};

}  // namespace qudnn::kernels
