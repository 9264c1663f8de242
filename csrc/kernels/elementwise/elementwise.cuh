// Elementwise operators of 8-bit tensors that may be broadcast.
//
// An Operator is a struct of constants with
//   static constexpr int kOperands
//   uint32_t word(const uint32_t (&v)[kOperands]) const      four elements in a word each
//   uint32_t element(const uint32_t (&v)[kOperands]) const   the lowest byte alone; right for all constants
//   bool large                                               whether word() is not
#pragma once

#include <utility>

#include "kernels/common/broadcast.h"
#include "kernels/common/common.cuh"
#include "kernels/common/dependent_launch.cuh"
#include "kernels/common/divisor.cuh"

namespace qudnn::kernels {

template <int kOperands>
struct Operands {
    const int8_t* data[kOperands];
};

// 4 * kWords elements of a tensor, read or repeated from one.
template <int kWords>
__device__ inline void load_words(uint32_t (&v)[kWords], const int8_t* source, bool repeated) {
    if (repeated) {
        const uint32_t word = splat(*source);
#pragma unroll
        for (uint32_t& w : v) w = word;
    } else if constexpr (kWords == 4) {
        const uint4 four = *reinterpret_cast<const uint4*>(source);
        v[0] = four.x, v[1] = four.y, v[2] = four.z, v[3] = four.w;
    } else {
        v[0] = *reinterpret_cast<const uint32_t*>(source);
    }
}

// Three dimensions, the inner one in vectors; strides in elements.
template <int kOperands>
struct VectorBroadcast {
    Divisor<uint32_t> inner, middle;
    int64_t outer_stride[kOperands], middle_stride[kOperands];
};

// Vectors of kWords words. Bit i of kRepeated: operand i has one element for the whole inner dimension.
template <typename Operator, int kWords, unsigned kRepeated, int kUnroll>
__global__ void __launch_bounds__(kThreads)
    elementwise_vectors(uint32_t count, const __grid_constant__ VectorBroadcast<Operator::kOperands> g,
                        Operator op, Operands<Operator::kOperands> operands, int8_t* __restrict__ y) {
    constexpr int kOperands = Operator::kOperands;
    const uint32_t stride = gridDim.x * (kThreads * kUnroll);
    follow_kernels_before();
    for (uint32_t first = blockIdx.x * (kThreads * kUnroll) + threadIdx.x; first < count; first += stride) {
        uint32_t v[kUnroll][kOperands][kWords];
#pragma unroll
        for (int u = 0; u < kUnroll; ++u) {
            if (first + u * kThreads >= count) break;
            uint32_t outer = first + u * kThreads;
            const uint32_t vector = split(outer, g.inner), middle = split(outer, g.middle);
#pragma unroll
            for (int i = 0; i < kOperands; ++i) {
                constexpr int64_t kElements = 4 * kWords;
                const bool repeated = kRepeated >> i & 1;
                const int64_t at = outer * g.outer_stride[i] + middle * g.middle_stride[i];
                load_words(v[u][i], operands.data[i] + at + (repeated ? 0 : vector * kElements), repeated);
            }
        }
#pragma unroll
        for (int u = 0; u < kUnroll; ++u) {
            if (first + u * kThreads >= count) break;
            uint32_t results[kWords];
#pragma unroll
            for (int w = 0; w < kWords; ++w) {
                uint32_t words[kOperands];
#pragma unroll
                for (int i = 0; i < kOperands; ++i) words[i] = v[u][i][w];
                results[w] = op.word(words);
            }
            if constexpr (kWords == 4)
                reinterpret_cast<uint4*>(y)[first + u * kThreads] = {results[0], results[1], results[2],
                                                                     results[3]};
            else
                reinterpret_cast<uint32_t*>(y)[first + u * kThreads] = results[0];
        }
    }
}

template <typename Index, int kOperands>
struct ElementBroadcast {
    int rank;
    Divisor<Index> extent[kMaxBroadcastRank];
    int64_t stride[kOperands][kMaxBroadcastRank];
};

template <typename Operator, typename Index>
__global__ void __launch_bounds__(kThreads)
    elementwise_elements(Index count, const __grid_constant__ ElementBroadcast<Index, Operator::kOperands> g,
                         Operator op, Operands<Operator::kOperands> operands, int8_t* __restrict__ y) {
    constexpr int kOperands = Operator::kOperands;
    const Index stride = static_cast<Index>(gridDim.x) * kThreads;
    for (Index i = static_cast<Index>(blockIdx.x) * kThreads + threadIdx.x; i < count; i += stride) {
        Index rest = i;
        int64_t where[kOperands] = {};
        for (int d = g.rank - 1; d >= 0; --d) {
            const auto at = static_cast<int64_t>(split(rest, g.extent[d]));
#pragma unroll
            for (int o = 0; o < kOperands; ++o) where[o] += at * g.stride[o][d];
        }
        uint32_t elements[kOperands];
#pragma unroll
        for (int o = 0; o < kOperands; ++o) elements[o] = static_cast<uint8_t>(operands.data[o][where[o]]);
        y[i] = static_cast<int8_t>(op.element(elements));
    }
}

template <typename Index, typename Operator, int kOperands = Operator::kOperands>
cudaError_t run_elements(const Broadcast<kOperands>& g, const Operator& op,
                         const Operands<kOperands>& operands, int8_t* y, cudaStream_t stream) {
    ElementBroadcast<Index, kOperands> e{};
    e.rank = g.rank;
    for (int d = 0; d < g.rank; ++d) {
        e.extent[d] = Divisor<Index>(g.extent[d]);
        for (int o = 0; o < kOperands; ++o) e.stride[o][d] = g.stride[o][d];
    }
    const int64_t count = g.count();
    return launch(elementwise_elements<Operator, Index>, ceil_div(count, kThreads), kThreads, stream,
                  static_cast<Index>(count), e, op, operands, y);
}

// Whether y can be split into vectors of that many elements, for each of which an operand has a vector or one
// repeated element, not all of them the latter. A single row may have a rest.
template <int kOperands>
bool vectorizable(const Broadcast<kOperands>& g, int64_t elements, const Operands<kOperands>& operands,
                  const int8_t* y) {
    const int last = g.rank - 1;
    bool some = false;
    for (int o = 0; o < kOperands; ++o) {
        const int64_t* stride = g.stride[o];
        if (stride[last] == 0) continue;
        some = true;
        if (stride[last] != 1 || !aligned(operands.data[o], elements)) return false;
        for (int d = 0; d < last; ++d)
            if (stride[d] % elements != 0) return false;
    }
    const bool divisible = g.extent[last] % elements == 0 || (g.rank == 1 && g.extent[last] > elements);
    return some && divisible && g.rank <= 3 && narrow(g.count() / elements) && aligned(y, elements);
}

// The kernel for the operands that are repeated, a bit each.
template <typename Operator, int kWords, int kUnroll, unsigned... kRepeated>
auto vector_kernel(unsigned repeated, std::integer_sequence<unsigned, kRepeated...>) {
    using Kernel = decltype(&elementwise_vectors<Operator, kWords, 0, kUnroll>);
    constexpr Kernel kKernels[] = {elementwise_vectors<Operator, kWords, kRepeated, kUnroll>...};
    return kKernels[repeated];
}

template <int kWords, typename Operator, int kOperands = Operator::kOperands>
cudaError_t run_vectors(const Broadcast<kOperands>& g, const Operator& op,
                        const Operands<kOperands>& operands, int8_t* y, cudaStream_t stream) {
    constexpr int kElements = 4 * kWords;
    const int last = g.rank - 1;
    const int64_t inner = g.extent[last] / kElements, tail = g.extent[last] % kElements;
    VectorBroadcast<kOperands> v{
        Divisor<uint32_t>(inner), Divisor<uint32_t>(last > 0 ? g.extent[last - 1] : 1), {}, {}};
    unsigned repeated = 0;
    for (int o = 0; o < kOperands; ++o) {
        v.middle_stride[o] = last > 0 ? g.stride[o][last - 1] : 0;
        v.outer_stride[o] = last > 1 ? g.stride[o][last - 2] : 0;
        if (g.stride[o][last] == 0) repeated |= 1u << o;
    }
    using AllButEveryOne = std::make_integer_sequence<unsigned, (1u << kOperands) - 1>;
    const auto count = static_cast<uint32_t>(g.count() / kElements);
    const int unroll = count >= kManyVectors ? 4 : 1;
    const auto kernel = unroll == 1 ? vector_kernel<Operator, kWords, 1>(repeated, AllButEveryOne{})
                                    : vector_kernel<Operator, kWords, 4>(repeated, AllButEveryOne{});
    const cudaError_t status = launch_dependent(kernel, ceil_div(count, kThreads * unroll), kThreads, 0,
                                                stream, count, v, op, operands, y);
    if (status != cudaSuccess || tail == 0) return status;
    Broadcast<kOperands> rest = g;
    rest.extent[0] = tail;
    Operands<kOperands> at = operands;
    for (int o = 0; o < kOperands; ++o) at.data[o] += inner * kElements * g.stride[o][0];
    return run_elements<uint32_t>(rest, op, at, y + inner * kElements, stream);
}

template <typename Operator, int kOperands = Operator::kOperands>
cudaError_t elementwise(const Broadcast<kOperands>& g, const Operator& op,
                        const Operands<kOperands>& operands, int8_t* y, cudaStream_t stream) {
    const int64_t count = g.count();
    if (count == 0) return cudaSuccess;
    if (!op.large && vectorizable(g, 16, operands, y)) return run_vectors<4>(g, op, operands, y, stream);
    if (!op.large && vectorizable(g, 4, operands, y)) return run_vectors<1>(g, op, operands, y, stream);
    return narrow(count) ? run_elements<uint32_t>(g, op, operands, y, stream)
                         : run_elements<uint64_t>(g, op, operands, y, stream);
}

}  // namespace qudnn::kernels
