// Elementwise operators of two int8 tensors that may be broadcast.
//
// An Operator is a struct of constants with
//   uint32_t word(uint32_t a, uint32_t b) const    four elements in a word each
//   uint32_t element(uint32_t a, uint32_t b) const   the lowest byte alone; right for all constants
//   bool large                                     whether word() is not
#pragma once

#include "kernels/broadcast.h"
#include "kernels/common.cuh"
#include "kernels/divisor.cuh"

namespace qudnn::kernels {

// 16 elements of a tensor, read or repeated from one.
template <bool kRepeated>
__device__ inline uint4 load_vector(const int8_t* source) {
    if constexpr (kRepeated) {
        const uint32_t word = splat(*source);
        return {word, word, word, word};
    } else {
        return *reinterpret_cast<const uint4*>(source);
    }
}

// Three dimensions, the inner one in vectors; strides in elements.
struct VectorBroadcast {
    Divisor<uint32_t> inner, middle;
    int64_t a_outer, a_middle, b_outer, b_middle;
};

// kRepeated: the operand has one element for the whole inner dimension.
template <typename Operator, bool kRepeatedA, bool kRepeatedB, int kUnroll>
__global__ void __launch_bounds__(kThreads)
    binary_vectors(uint32_t count, VectorBroadcast g, Operator op, const int8_t* __restrict__ a,
                   const int8_t* __restrict__ b, uint4* __restrict__ y) {
    const uint32_t stride = gridDim.x * (kThreads * kUnroll);
    for (uint32_t first = blockIdx.x * (kThreads * kUnroll) + threadIdx.x; first < count; first += stride) {
        uint4 va[kUnroll], vb[kUnroll];
#pragma unroll
        for (int u = 0; u < kUnroll; ++u) {
            if (first + u * kThreads >= count) break;
            uint32_t outer = first + u * kThreads;
            const uint32_t vector = split(outer, g.inner), middle = split(outer, g.middle);
            va[u] = load_vector<kRepeatedA>(a + (outer * g.a_outer + middle * g.a_middle) +
                                            (kRepeatedA ? 0 : vector * int64_t{16}));
            vb[u] = load_vector<kRepeatedB>(b + (outer * g.b_outer + middle * g.b_middle) +
                                            (kRepeatedB ? 0 : vector * int64_t{16}));
        }
#pragma unroll
        for (int u = 0; u < kUnroll; ++u) {
            if (first + u * kThreads >= count) break;
            y[first + u * kThreads] = {op.word(va[u].x, vb[u].x), op.word(va[u].y, vb[u].y),
                                       op.word(va[u].z, vb[u].z), op.word(va[u].w, vb[u].w)};
        }
    }
}

template <typename Index>
struct ElementBroadcast {
    int rank;
    Divisor<Index> extent[kMaxBroadcastRank];
    int64_t a_stride[kMaxBroadcastRank], b_stride[kMaxBroadcastRank];
};

template <typename Operator, typename Index>
__global__ void __launch_bounds__(kThreads)
    binary_elements(Index count, const __grid_constant__ ElementBroadcast<Index> g, Operator op,
                    const int8_t* __restrict__ a, const int8_t* __restrict__ b, int8_t* __restrict__ y) {
    const Index stride = static_cast<Index>(gridDim.x) * kThreads;
    for (Index i = static_cast<Index>(blockIdx.x) * kThreads + threadIdx.x; i < count; i += stride) {
        Index rest = i;
        int64_t where_a = 0, where_b = 0;
        for (int d = g.rank - 1; d >= 0; --d) {
            const auto at = static_cast<int64_t>(split(rest, g.extent[d]));
            where_a += at * g.a_stride[d];
            where_b += at * g.b_stride[d];
        }
        y[i] = static_cast<int8_t>(
            op.element(static_cast<uint8_t>(a[where_a]), static_cast<uint8_t>(b[where_b])));
    }
}

template <typename Index, typename Operator>
cudaError_t run_elements(const Broadcast& g, const Operator& op, const int8_t* a, const int8_t* b, int8_t* y,
                         cudaStream_t stream) {
    ElementBroadcast<Index> e{};
    e.rank = g.rank;
    for (int d = 0; d < g.rank; ++d) {
        e.extent[d] = Divisor<Index>(g.extent[d]);
        e.a_stride[d] = g.a_stride[d];
        e.b_stride[d] = g.b_stride[d];
    }
    const int64_t count = g.count();
    return launch(binary_elements<Operator, Index>, ceil_div(count, kThreads), kThreads, stream,
                  static_cast<Index>(count), e, op, a, b, y);
}

// Whether y falls into vectors, `inner` to a row, that a and b give as wholes or as one repeated element.
inline bool vectorizable(const Broadcast& g, int64_t inner, const int8_t* a, const int8_t* b,
                         const int8_t* y) {
    auto operand = [&](const int8_t* data, const int64_t* stride) {
        if (stride[g.rank - 1] == 0) return true;
        bool whole = stride[g.rank - 1] == 1 && aligned(data, 16);
        for (int d = 0; d + 1 < g.rank; ++d) whole = whole && stride[d] % 16 == 0;
        return whole;
    };
    return inner > 0 && g.rank <= 3 && narrow(g.count() / 16) && aligned(y, 16) && operand(a, g.a_stride) &&
           operand(b, g.b_stride) && (g.a_stride[g.rank - 1] != 0 || g.b_stride[g.rank - 1] != 0);
}

template <typename Operator>
cudaError_t binary(const Broadcast& g, const Operator& op, const int8_t* a, const int8_t* b, int8_t* y,
                   cudaStream_t stream) {
    const int64_t count = g.count();
    if (count == 0) return cudaSuccess;
    const int last = g.rank - 1;
    const int64_t inner = g.extent[last] / 16, tail = g.extent[last] % 16;
    const bool vectors = !op.large && vectorizable(g, inner, a, b, y) && (g.rank == 1 || tail == 0);
    if (!vectors) {
        return narrow(count) ? run_elements<uint32_t>(g, op, a, b, y, stream)
                             : run_elements<uint64_t>(g, op, a, b, y, stream);
    }
    auto stride = [&](const int64_t* strides, int outwards) {
        return outwards < g.rank ? strides[last - outwards] : 0;
    };
    const VectorBroadcast v{Divisor<uint32_t>(inner), Divisor<uint32_t>(g.rank > 1 ? g.extent[last - 1] : 1),
                            stride(g.a_stride, 2),    stride(g.a_stride, 1),
                            stride(g.b_stride, 2),    stride(g.b_stride, 1)};
    const auto vector_count = static_cast<uint32_t>(count / 16);
    auto run = [&](auto kernel, int unroll) {
        return launch(kernel, ceil_div(vector_count, kThreads * unroll), kThreads, stream, vector_count, v,
                      op, a, b, reinterpret_cast<uint4*>(y));
    };
    const bool repeated_a = g.a_stride[last] == 0, repeated_b = g.b_stride[last] == 0;
    const bool many = vector_count >= kManyVectors;
    const cudaError_t status = repeated_a   ? (many ? run(binary_vectors<Operator, true, false, 4>, 4)
                                                    : run(binary_vectors<Operator, true, false, 1>, 1))
                               : repeated_b ? (many ? run(binary_vectors<Operator, false, true, 4>, 4)
                                                    : run(binary_vectors<Operator, false, true, 1>, 1))
                                            : (many ? run(binary_vectors<Operator, false, false, 4>, 4)
                                                    : run(binary_vectors<Operator, false, false, 1>, 1));
    if (status != cudaSuccess || tail == 0) return status;
    Broadcast rest = g;
    rest.extent[0] = tail;
    const int64_t done = inner * 16;
    return run_elements<uint32_t>(rest, op, a + done * g.a_stride[0], b + done * g.b_stride[0], y + done,
                                  stream);
}

}  // namespace qudnn::kernels
