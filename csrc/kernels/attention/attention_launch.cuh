// Which kernel of attention.cuh runs, and its launch.
#pragma once

#include <algorithm>
#include <iterator>
#include <string>

#include "kernels/attention/attention.cuh"
#include "kernels/common/gpu.h"
#include "kernels/common/launch_limits.h"
#include "kernels/common/refusal.h"

namespace qudnn::kernels {
namespace {

// By rows of a block.
using Attention128 = MmaMatMulShape<4, 2, 2, 4, 2>;
using Attention64 = MmaMatMulShape<2, 2, 2, 4, 3>;
using Attention32 = MmaMatMulShape<2, 2, 1, 4, 4>;

struct AttentionSize {
    int64_t heads, m, row_vectors, depths;

    explicit AttentionSize(const AttentionGeometry& g)
        : heads(g.batch[0] * g.batch[1] * g.batch[2]),
          m(g.m),
          // An odd number, against bank conflicts.
          row_vectors(ceil_div(g.n, Attention32::kColumns) * (Attention32::kColumns / 16) | 1),
          depths(ceil_div(g.k, Attention32::kDepth)) {}

    template <class S>
    int64_t blocks() const {
        return heads * ceil_div(m, S::kRows);
    }
    // The rows that the multiprocessor with the most blocks computes; starting a block counts as some rows.
    template <class S>
    int64_t rows_in_turn(const Gpu& gpu) const {
        constexpr int64_t kStart = 12;
        return fits<S>(gpu) ? ceil_div(blocks<S>(), gpu.multiprocessors) * (S::kRows + kStart) : INT64_MAX;
    }
    template <class S>
    int64_t bytes() const {
        constexpr int64_t kRing = kAttentionRing * S::kColumns * S::kPitch;
        return 4 * (kScratchWords + kRing) + S::kRows * (row_vectors * 16 + int64_t{sizeof(RowSum)});
    }
    template <class S>
    bool fits(const Gpu& gpu) const {
        return depths * S::kRows * S::kPitch + LaneTables::kWords <= kScratchWords &&
               bytes<S>() <= gpu.shared_bytes && blocks<S>() <= INT_MAX;
    }
};

inline bool rows_aligned(const int64_t (&stride)[4], const int8_t* first) {
    return aligned(first, 16) &&
           std::all_of(std::begin(stride), std::end(stride), [](int64_t s) { return s % 16 == 0; });
}

inline std::string launch_refusal(const AttentionGeometry& g, const AttentionTensors& tensors,
                                  const Gpu& gpu) {
    constexpr int64_t kMostExtent = 1 << 30;
    for (const int64_t extent : {g.m, g.n, g.k, g.columns, g.width})
        if (extent > kMostExtent) return "an extent beyond 2^30";
    if (g.n <= 0) return "no keys";
    if (g.k <= 0) return "heads of no depth";
    if (!rows_aligned(g.q_stride, tensors.q)) return "rows of q that do not start at multiples of 16";
    if (!rows_aligned(g.k_stride, tensors.k)) return "rows of k that do not start at multiples of 16";
    if (!rows_aligned(g.v_stride, tensors.v)) return "rows of v that do not start at multiples of 16";
    if (gpu.major < 8) return gpu_refusal(8);
    if (!AttentionSize(g).fits<Attention32>(gpu)) return "rows of scores or heads too long for shared memory";
    return {};
}

// Bytes per store to y that the alignment allows.
inline int y_vector(const AttentionGeometry& g, const int8_t* y) {
    for (const int bytes : {16, 4}) {
        bool fits = aligned(y, static_cast<size_t>(bytes)) && g.width % bytes == 0;
        for (const int64_t stride : g.y_stride) fits = fits && stride % bytes == 0;
        if (fits) return bytes;
    }
    return 1;
}

template <class S, class Softmax>
cudaError_t launch_shape(const AttentionSize& size, const Gpu& gpu, Attention& problem,
                         const Softmax& softmax, const AttentionTensors& tensors, cudaStream_t stream) {
    const cudaError_t status = allow_shared_memory(attention_kernel<S, Softmax>, gpu.shared_bytes);
    if (status != cudaSuccess) return status;
    problem.row_tiles = Divisor<uint32_t>(ceil_div(size.m, S::kRows));
    attention_kernel<S><<<static_cast<unsigned>(size.blocks<S>()), S::kBlockThreads,
                          static_cast<size_t>(size.bytes<S>()), stream>>>(problem, softmax, tensors);
    return cudaGetLastError();
}

template <class Softmax>
cudaError_t launch_attention(const AttentionGeometry& g, const AttentionMatMul& scores,
                             const AttentionMatMul& result, const Softmax& softmax,
                             const AttentionTensors& tensors, cudaStream_t stream) {
    const Gpu& gpu = current_gpu();
    if (!launch_refusal(g, tensors, gpu).empty()) return cudaErrorNotSupported;
    const AttentionSize size(g);
    if (size.heads * g.m * g.width == 0) return cudaSuccess;
    const auto narrowed = [](int64_t value) { return static_cast<int>(value); };
    Attention problem{.m = narrowed(g.m),
                      .n = narrowed(g.n),
                      .k = narrowed(g.k),
                      .columns = narrowed(g.columns),
                      .width = narrowed(g.width),
                      .pitch = narrowed(size.row_vectors * 4),
                      .scores = AttentionEpilogue(scores, g.k),
                      .result = AttentionEpilogue(result, g.n),
                      .row_tiles = {},
                      .inner = Divisor<uint32_t>(g.batch[2]),
                      .middle = Divisor<uint32_t>(g.batch[1]),
                      .y_vector = y_vector(g, tensors.y)};
    std::copy(std::begin(g.q_stride), std::end(g.q_stride), problem.q_stride);
    std::copy(std::begin(g.k_stride), std::end(g.k_stride), problem.k_stride);
    std::copy(std::begin(g.v_stride), std::end(g.v_stride), problem.v_stride);
    std::copy(std::begin(g.y_stride), std::end(g.y_stride), problem.y_stride);
    // The more rows a block has, the fewer times K and V are read, and the more some multiprocessors idle.
    const int64_t rows128 = size.rows_in_turn<Attention128>(gpu);
    const int64_t rows64 = size.rows_in_turn<Attention64>(gpu);
    const int64_t rows32 = size.rows_in_turn<Attention32>(gpu);
    if (rows128 <= std::min(rows64, rows32))
        return launch_shape<Attention128>(size, gpu, problem, softmax, tensors, stream);
    if (rows64 <= rows32) return launch_shape<Attention64>(size, gpu, problem, softmax, tensors, stream);
    return launch_shape<Attention32>(size, gpu, problem, softmax, tensors, stream);
}

}  // namespace
}  // namespace qudnn::kernels
