#include "kernels/conv/stem_pool.h"

#include "kernels/common/refusal.h"
#include "kernels/conv/stem_pool.cuh"

namespace qudnn::kernels {
namespace {

constexpr int64_t kMaxExtent = 1 << 24;  // of images and channels: coordinates are 32 bits wide
constexpr int kBlocksPerMultiprocessor = 2;

StemPool cut(const ConvGeometry& g, const PoolGeometry& pool, int x_zero_point, int multiprocessors) {
    const auto narrowed = [](int64_t value) { return static_cast<int>(value); };
    const int strips = narrowed(ceil_div(pool.q, kStripWindows));
    const int first = narrowed(-4 - g.pad_left);  // the first pixel that the first warp's first lane reads
    const int left = -narrowed(ceil_div(-first, 4)) * 4;
    const int rows = narrowed(g.n * strips * pool.p), column_blocks = narrowed(g.k / kPoolColumns);
    const int blocks = std::max(1, multiprocessors * kBlocksPerMultiprocessor / column_blocks);
    return {.h = narrowed(g.h),
            .w = narrowed(g.w),
            .k = narrowed(g.k),
            .r = narrowed(g.r),
            .s = narrowed(g.s),
            .p = narrowed(g.p),
            .q = narrowed(g.q),
            .windows_down = narrowed(pool.p),
            .windows_over = narrowed(pool.q),
            .strips = strips,
            .pad_top = narrowed(g.pad_top),
            .left = left,
            .shift = first - left,
            .rows = rows,
            .block_rows = narrowed(ceil_div(rows, blocks)),
            .column_blocks = column_blocks,
            .zero_point = splat(x_zero_point),
            .y = PaddedImages<uint32_t>(pool.n, pool.p, pool.q, pool.y_padding)};
}

}  // namespace

std::string stem_pool_refusal(const ConvGeometry& g, const PoolGeometry& pool) {
    if (g.deep()) return "three dimensions";
    if (g.c != 4) return "not 4 channels";
    if (g.group != 1) return "groups";
    if (g.k % kPoolColumns != 0) return "output channels not in sixty-fours";
    if (g.r > kFilterRows || g.s > 8) return "a filter larger than 7 x 8";
    if (g.stride_h != 2 || g.stride_w != 2) return "strides other than 2";
    if (g.dilation_h != 1 || g.dilation_w != 1) return "a dilation";
    if (g.w % 4 != 0) return "rows not in fours of pixels";
    if (pool.r != 3 || pool.s != 3 || pool.stride_h != 2 || pool.stride_w != 2 || pool.pad_top != 1 ||
        pool.pad_left != 1 || pool.dilation_h != 1 || pool.dilation_w != 1)
        return "a pool other than 3 x 3 with strides of 2 and padding of 1";
    // The middle of each window is a result.
    if (2 * pool.p > g.p + 1 || 2 * pool.q > g.q + 1) return "windows over the edge";
    for (int64_t side : {g.n, g.h, g.w, g.k, g.p, g.q, pool.p, pool.q})
        if (side < 1 || side > kMaxExtent) return "a side larger than 2^24, or none";
    for (int64_t pad : {g.pad_top, g.pad_left})
        if (pad < 0 || pad > kMaxExtent) return "padding larger than 2^24";
    if (!narrow(g.n * ceil_div(pool.q, kStripWindows) * pool.p) ||
        !narrow(g.n * pool.y_padding.rows(pool.p) * pool.y_padding.columns(pool.q) * (g.k / 16)))
        return "too many results";
    if (Gpu().major != 9) return "needs a Hopper GPU";
    return kHasHopperCode ? "" : "not compiled for Hopper GPUs";
}

cudaError_t stem_pool(const ConvGeometry& g, const PoolGeometry& pool, int x_zero_point, const int8_t* x,
                      const int8_t* filter, const Epilogue& epilogue, int8_t* y, cudaStream_t stream) {
    for (const void* pointer :
         {static_cast<const void*>(x), static_cast<const void*>(filter), static_cast<const void*>(y)})
        if (!aligned(pointer, 16)) return cudaErrorMisalignedAddress;
    const StemPool s = cut(g, pool, x_zero_point, Gpu().multiprocessors);
    const auto blocks = static_cast<unsigned>(ceil_div(s.rows, s.block_rows) * s.column_blocks);
    return launch_dependent(stem_pool_kernel, blocks, kPoolWarps * 32, sizeof(PoolShared), stream, s, x,
                            filter, epilogue, OutputRange(epilogue), y);
}

}  // namespace qudnn::kernels
