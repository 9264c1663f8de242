#include "kernels/gemm/pointwise.h"

#include <array>

#include "kernels/common/refusal.h"
#include "kernels/gemm/pointwise.cuh"

namespace qudnn::kernels {
namespace {

constexpr int64_t kMaxRows = 1 << 30;  // row numbers are 32 bits wide, and a tile past the last still is
constexpr int64_t kMaxExtent = 1 << 24;

struct Kernel {
    int rows, columns, depth, threads;
    int fixed_words, step_words;  // of shared memory: words = fixed + steps * step
    std::array<void (*)(Pointwise, const int8_t*, const int8_t*, Epilogue, OutputRange, int8_t*), 2>
        run;  // without a table, with one

    int steps(int64_t c) const { return static_cast<int>(ceil_div(c, depth)); }
    int64_t bytes(const PointwiseGeometry& g) const {
        return (fixed_words + ceil_div(g.c, depth) * step_words) * 4 +
               (g.looks_up ? static_cast<int64_t>(sizeof(LaneTables)) : 0);
    }
};

template <class S, int kBlocks>
constexpr Kernel entry() {
    return {S::kRows,
            S::kColumns,
            S::kDepth,
            S::kBlockThreads,
            S::words(0),
            S::words(1) - S::words(0),
            {pointwise_kernel<S, kBlocks, false>, pointwise_kernel<S, kBlocks, true>}};
}

// A step of less than 128 values is for a c that it divides better.
template <int kRowWarps, int kColumnWarps, int kRowTiles, int kColumnTiles, int kBlocks>
constexpr std::array<Kernel, 2> entries() {
    return {entry<PointwiseShape<kRowWarps, kColumnWarps, kRowTiles, kColumnTiles, 64>, kBlocks>(),
            entry<PointwiseShape<kRowWarps, kColumnWarps, kRowTiles, kColumnTiles, 128>, kBlocks>()};
}

constexpr std::array<std::array<Kernel, 2>, 8> kKernels = {
    entries<2, 1, 1, 4, 8>(),  // 32 x 32
    entries<2, 2, 1, 4, 4>(),  // 32 x 64
    entries<2, 2, 2, 4, 4>(),  // 64 x 64
    entries<4, 1, 2, 8, 4>(),  // 128 x 64
    entries<2, 2, 2, 8, 4>(),  // 64 x 128
    entries<4, 2, 2, 8, 2>(),  // 128 x 128
    entries<1, 4, 2, 8, 4>(),  // 32 x 256
    entries<2, 4, 2, 8, 2>(),  // 64 x 256
};

const Kernel& kernel_of(int number, int64_t c) {
    const auto& [shallow, deep] = kKernels.at(static_cast<size_t>(number));
    return shallow.steps(c) * shallow.depth < deep.steps(c) * deep.depth ? shallow : deep;
}

Pointwise cut(const PointwiseGeometry& g, const Kernel& kernel, int blocks) {
    auto narrowed = [](int64_t value) { return static_cast<int>(value); };
    const int column_blocks = narrowed(ceil_div(g.k, kernel.columns));
    return {.m = narrowed(g.m()),
            .k = narrowed(g.k),
            .c = narrowed(g.c),
            .steps = kernel.steps(g.c),
            .tiles = narrowed(ceil_div(g.m(), kernel.rows)),
            .tile_step = blocks / column_blocks,
            .column_blocks = column_blocks,
            .strided = g.strided(),
            .q = Divisor<uint32_t>(g.q),
            .p = Divisor<uint32_t>(g.p),
            .image = g.h * g.w,
            .line = g.w * g.stride_h,
            .stride_w = narrowed(g.stride_w),
            .pads_output = g.y_padding.any(),
            .y = PaddedImages<uint32_t>(g.n, g.p, g.q, g.y_padding)};
}

// The estimated time of a variant, in cycles of its busiest multiprocessor.
double cost(const PointwiseGeometry& g, const Kernel& kernel, int blocks, int multiprocessors) {
    constexpr double kMacs = 2500, kEnd = 120, kBytes = 32, kStepLatency = 250, kStart = 800;
    const double column_blocks = static_cast<double>(ceil_div(g.k, kernel.columns));
    const auto tiles =
        static_cast<double>(ceil_div(ceil_div(g.m(), kernel.rows) * ceil_div(g.k, kernel.columns), blocks));
    const auto together = static_cast<double>(ceil_div(blocks, multiprocessors));
    const double c = kernel.steps(g.c) * kernel.depth, rows = kernel.rows, columns = kernel.columns;
    const double tile = std::max(rows * columns * (c + kEnd) / kMacs, rows * (c + columns) / kBytes);
    return kStart + together * columns * c / kBytes + column_blocks +
           tiles * std::max(together * tile, kernel.steps(g.c) * kStepLatency);
}

}  // namespace

std::string pointwise_refusal(const PointwiseGeometry& g) {
    if (g.c % 16 != 0 || g.k % 16 != 0) return "channels not in sixteens";
    for (int64_t side : {g.n, g.p, g.q, g.h, g.w})
        if (side < 1 || side > kMaxRows) return "a side of images too large, or none";
    for (int64_t side : {g.c, g.k, g.stride_h, g.stride_w})
        if (side < 1 || side > kMaxExtent) return "too many channels, a stride too large, or none";
    if (g.p * g.q > kMaxRows || g.m() > kMaxRows ||
        !narrow(g.n * g.y_padding.rows(g.p) * g.y_padding.columns(g.q) * ceil_div(g.k, 16)))
        return "too many results";
    if ((g.p - 1) * g.stride_h >= g.h || (g.q - 1) * g.stride_w >= g.w) return "windows beyond the image";
    return gpu_refusal(8);
}

std::vector<PointwiseVariant> pointwise_variants(const PointwiseGeometry& g) {
    const Gpu& gpu = current_gpu();
    if (!pointwise_refusal(g).empty()) return {};
    std::vector<std::pair<double, PointwiseVariant>> variants;
    for (int number = 0; number < static_cast<int>(kKernels.size()); ++number) {
        const Kernel& kernel = kernel_of(number, g.c);
        // Half as many columns would do.
        if (kernel.columns > 32 && kernel.columns / 2 >= g.k) continue;
        const int64_t column_blocks = ceil_div(g.k, kernel.columns), bytes = kernel.bytes(g);
        int blocks = 0;
        if (bytes > gpu.shared_bytes || column_blocks * ceil_div(g.m(), kernel.rows) > kMaxRows ||
            cudaFuncSetAttribute(kernel.run[g.looks_up], cudaFuncAttributeMaxDynamicSharedMemorySize,
                                 gpu.shared_bytes) != cudaSuccess ||
            cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, kernel.run[g.looks_up], kernel.threads,
                                                          static_cast<size_t>(bytes)) != cudaSuccess ||
            blocks == 0)
            continue;
        const int64_t most = std::max<int64_t>(1, blocks * gpu.multiprocessors / column_blocks);
        blocks = static_cast<int>(column_blocks * std::min(most, ceil_div(g.m(), kernel.rows)));
        const PointwiseVariant v{number, kernel.rows, kernel.columns, blocks};
        variants.emplace_back(cost(g, kernel, blocks, gpu.multiprocessors), v);
    }
    std::stable_sort(variants.begin(), variants.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<PointwiseVariant> sorted;
    for (const auto& [cost, variant] : variants) sorted.push_back(variant);
    return sorted;
}

cudaError_t pointwise(const PointwiseGeometry& g, const PointwiseVariant& variant, const int8_t* x,
                      const int8_t* w, const Epilogue& epilogue, int8_t* y, cudaStream_t stream) {
    for (const void* pointer :
         {static_cast<const void*>(x), static_cast<const void*>(w), static_cast<const void*>(y)})
        if (!aligned(pointer, 16)) return cudaErrorMisalignedAddress;
    if (g.looks_up != (epilogue.table != nullptr)) return cudaErrorInvalidValue;
    const Kernel& kernel = kernel_of(variant.kernel, g.c);
    const auto bytes = static_cast<size_t>(kernel.bytes(g));
    // Not as a dependent launch. Timed one after the other these kernels are faster then, and more of them
    // are chosen; but ResNet-50 took 0.389 ms for 0.357 at batch 8 on an H200.
    return launch_with(kernel.run[g.looks_up], variant.blocks, kernel.threads, bytes, stream,
                       cut(g, kernel, variant.blocks), x, w, epilogue, OutputRange(epilogue), y);
}

}  // namespace qudnn::kernels
