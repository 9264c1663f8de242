// The table of kernels of mma_matmul.h for one type of results, and the choice among them.
#pragma once

#include <array>
#include <utility>

#include "kernels/common/gpu.h"
#include "kernels/gemm/mma_matmul.cuh"
#include "kernels/gemm/mma_matmul.h"

namespace qudnn::kernels {
namespace {

template <class Y>
struct MmaMatMulKernel {
    using Run = void (*)(MmaMatMul, const int8_t*, const int8_t*, BatchMatMulEpilogue, OutputRange, Y*);

    int rows, columns, threads;
    int fixed_words, result_words;  // of shared memory
    int buffer_words[2];            // by b_transposed
    Run aligned[2], any[2];         // by b_transposed; null: there is none

    Run run(bool b_transposed, bool is_aligned) const { return (is_aligned ? aligned : any)[b_transposed]; }
    // More buffers than steps are of no use.
    int64_t bytes(bool b_transposed, int64_t steps, int64_t most_buffers) const {
        const int64_t buffers = std::min(steps, most_buffers) * buffer_words[b_transposed];
        return 4 * (fixed_words + std::max<int64_t>(buffers, sizeof(Y) == 1 ? result_words : 0));
    }
};

// kAny: there is one for any alignment.
template <class Y, class S, bool kAny>
constexpr MmaMatMulKernel<Y> entry() {
    MmaMatMulKernel<Y> kernel{S::kRows,
                              S::kColumns,
                              S::kBlockThreads,
                              S::kFixedWords,
                              S::kResultWords,
                              {S::kAcrossWords, S::kTransposedWords},
                              {mma_matmul_kernel<S, false, true, Y>, mma_matmul_kernel<S, true, true, Y>},
                              {nullptr, nullptr}};
    if constexpr (kAny) {
        kernel.any[0] = mma_matmul_kernel<S, false, false, Y>;
        kernel.any[1] = mma_matmul_kernel<S, true, false, Y>;
    }
    return kernel;
}

constexpr int64_t kSlabDepth = 64, kRing = 4;

template <int kRowWarps, int kColumnWarps, int kRowTiles, int kColumnTiles, int kBlocks>
using Shape = MmaMatMulShape<kRowWarps, kColumnWarps, kRowTiles, kColumnTiles, kBlocks>;

template <class Y>
constexpr std::array<MmaMatMulKernel<Y>, 6> kMmaMatMulKernels = {
    entry<Y, Shape<2, 2, 1, 4, 8>, false>(),  // 32 x 64
    entry<Y, Shape<2, 2, 2, 4, 5>, true>(),   // 64 x 64
    entry<Y, Shape<4, 1, 2, 8, 4>, false>(),  // 128 x 64
    entry<Y, Shape<2, 2, 2, 8, 4>, false>(),  // 64 x 128
    entry<Y, Shape<4, 2, 2, 8, 2>, false>(),  // 128 x 128
    entry<Y, Shape<2, 4, 4, 8, 1>, false>(),  // 128 x 256
};

int64_t tiles(const BatchMatMulGeometry& g, int rows, int columns) {
    return g.batch[0] * g.batch[1] * g.batch[2] * ceil_div(g.m, rows) * ceil_div(g.width, columns);
}

// Whether rows of a and b start at multiples of 16.
bool rows_aligned(const BatchMatMulGeometry& g) {
    for (const auto& strides : {g.a_stride, g.b_stride})
        for (int i = 0; i <= BatchMatMulGeometry::kBatchRank; ++i)
            if (strides[i] % 16 != 0) return false;
    return true;
}

// Bytes per store to y that the alignment allows: 16, a word of int8, or a single result.
template <class Y>
int y_vector(const BatchMatMulGeometry& g, const Y* y) {
    for (const int bytes : {16, 4}) {
        bool fits = aligned(y, bytes) && g.width * static_cast<int64_t>(sizeof(Y)) % bytes == 0;
        for (const int64_t stride : g.y_stride)
            fits = fits && stride * static_cast<int64_t>(sizeof(Y)) % bytes == 0;
        if (fits) return bytes;
    }
    return static_cast<int>(sizeof(Y));
}

// The estimated time of a variant, in cycles of its busiest multiprocessor.
double cost(const BatchMatMulGeometry& g, int rows, int columns, int result_bytes, int blocks,
            int multiprocessors) {
    constexpr double kMacs = 2000, kEnd = 120, kBytes = 24, kStart = 1500;
    const auto depth = static_cast<double>(ceil_div(g.k, kSlabDepth) * kSlabDepth);
    const double tile = std::max(rows * columns * (depth + kEnd) / kMacs,
                                 ((rows + columns) * depth + rows * columns * result_bytes) / kBytes);
    const auto each = static_cast<double>(ceil_div(tiles(g, rows, columns), multiprocessors));
    return each * tile + std::ceil(each / blocks) * kStart;
}

}  // namespace

template <class Y>
std::vector<MmaMatMulVariant> mma_matmul_variants(const BatchMatMulGeometry& g, bool pointers_aligned) {
    const Gpu& gpu = current_gpu();
    if (!mma_matmul_refusal(g).empty()) return {};
    std::vector<std::pair<double, MmaMatMulVariant>> variants;
    for (size_t i = 0; i < kMmaMatMulKernels<Y>.size(); ++i) {
        const MmaMatMulKernel<Y>& kernel = kMmaMatMulKernels<Y>[i];
        const auto run = kernel.run(g.b_transposed, pointers_aligned && rows_aligned(g));
        const int64_t bytes = kernel.bytes(g.b_transposed, ceil_div(g.k, kSlabDepth), kRing);
        int blocks = 0;
        if (run == nullptr || tiles(g, kernel.rows, kernel.columns) > INT_MAX || bytes > gpu.shared_bytes ||
            cudaFuncSetAttribute(run, cudaFuncAttributeMaxDynamicSharedMemorySize, gpu.shared_bytes) !=
                cudaSuccess ||
            cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, run, kernel.threads,
                                                          static_cast<size_t>(bytes)) != cudaSuccess ||
            blocks == 0)
            continue;
        variants.emplace_back(cost(g, kernel.rows, kernel.columns, sizeof(Y), blocks, gpu.multiprocessors),
                              MmaMatMulVariant{static_cast<int>(i), kernel.rows, kernel.columns});
    }
    std::stable_sort(variants.begin(), variants.end(),
                     [](const auto& one, const auto& other) { return one.first < other.first; });
    std::vector<MmaMatMulVariant> sorted;
    for (const auto& [cost, variant] : variants) sorted.push_back(variant);
    return sorted;
}

template <class Y>
cudaError_t mma_matmul(const BatchMatMulGeometry& g, const MmaMatMulVariant& variant, const int8_t* a,
                       const int8_t* b, const BatchMatMulEpilogue& epilogue, Y* y, cudaStream_t stream) {
    const MmaMatMulKernel<Y>& kernel = kMmaMatMulKernels<Y>.at(static_cast<size_t>(variant.kernel));
    const auto run = kernel.run(g.b_transposed, aligned(a, 16) && aligned(b, 16) && rows_aligned(g));
    if (run == nullptr) return cudaErrorMisalignedAddress;
    const int64_t count = tiles(g, kernel.rows, kernel.columns);
    if (count == 0) return cudaSuccess;
    const auto narrowed = [](int64_t value) { return static_cast<int>(value); };
    MmaMatMul problem{.m = narrowed(g.m),
                      .n = narrowed(g.n),
                      .k = narrowed(g.k),
                      .width = narrowed(g.width),
                      .steps = narrowed(ceil_div(g.k, kSlabDepth)),
                      .column_tiles = Divisor<uint32_t>(ceil_div(g.width, kernel.columns)),
                      .row_tiles = Divisor<uint32_t>(ceil_div(g.m, kernel.rows)),
                      .inner = Divisor<uint32_t>(g.batch[2]),
                      .middle = Divisor<uint32_t>(g.batch[1]),
                      .y_vector = y_vector(g, y)};
    std::copy(std::begin(g.a_stride), std::end(g.a_stride), problem.a_stride);
    std::copy(std::begin(g.b_stride), std::end(g.b_stride), problem.b_stride);
    std::copy(std::begin(g.y_stride), std::end(g.y_stride), problem.y_stride);
    const auto bytes = static_cast<size_t>(kernel.bytes(g.b_transposed, problem.steps, kRing));
    run<<<static_cast<unsigned>(count), kernel.threads, bytes, stream>>>(
        problem, a, b, epilogue, OutputRange(epilogue.zero_point, epilogue.low, epilogue.high), y);
    return cudaGetLastError();
}

}  // namespace qudnn::kernels
