#include "kernels/conv/stem_pool.h"

#include "kernels/common/gpu.h"
#include "kernels/common/launch_limits.h"
#include "kernels/common/refusal.h"
#include "kernels/conv/stem_pool.cuh"

namespace qudnn::kernels {
namespace {

constexpr int64_t kMaxExtent = 1 << 24;  // of images and channels: coordinates are 32 bits wide
constexpr int kBlocksPerMultiprocessor = 2;

StemPool cut(const ConvGeometry& g, const PoolGeometry& pool) {
    const auto narrowed = [](int64_t value) { return static_cast<int>(value); };
    const int64_t strips = std::max<int64_t>(1, ceil_div(pool.q - 1, kStripStep));
    const int64_t rows = g.n * strips * pool.p, column_blocks = g.k / kPoolColumns;
    const int64_t blocks =
        std::max<int64_t>(1, current_gpu().multiprocessors * kBlocksPerMultiprocessor / column_blocks);
    const int64_t chunks_before = ceil_div(g.pad_left, 4);
    return {.h = narrowed(g.h),
            .w = narrowed(g.w),
            .k = narrowed(g.k),
            .r = narrowed(g.r),
            .s = narrowed(g.s),
            .p = narrowed(g.p),
            .q = narrowed(g.q),
            .windows_down = narrowed(pool.p),
            .windows_over = narrowed(pool.q),
            .strips = narrowed(strips),
            .pad_top = narrowed(g.pad_top),
            .chunks_before = narrowed(chunks_before),
            .shift = narrowed(chunks_before * 4 - g.pad_left),
            .rows = narrowed(rows),
            .block_rows = narrowed(ceil_div(rows, blocks)),
            .column_blocks = narrowed(column_blocks),
            .y = PaddedImages<uint32_t>(pool.n, pool.p, pool.q, pool.y_padding)};
}

// Lets the kernel's blocks have more shared memory than those that do not ask for it.
template <typename Image>
cudaError_t run(const ConvGeometry& g, const PoolGeometry& pool, const Image& image, const int8_t* filter,
                const Epilogue& epilogue, int8_t* y, cudaStream_t stream) {
    for (const void* pointer :
         {static_cast<const void*>(image.x), static_cast<const void*>(filter), static_cast<const void*>(y)})
        if (!aligned(pointer, 16)) return cudaErrorMisalignedAddress;
    const cudaError_t status =
        allow_shared_memory(stem_pool_kernel<Image>, static_cast<int>(sizeof(PoolShared)));
    if (status != cudaSuccess) return status;
    const StemPool s = cut(g, pool);
    const auto blocks = static_cast<unsigned>(ceil_div(s.rows, s.block_rows) * s.column_blocks);
    return launch_dependent(stem_pool_kernel<Image>, blocks, kPoolThreads, sizeof(PoolShared), stream, s,
                            image, filter, epilogue, OutputRange(epilogue), y);
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
    if (!narrow(g.n * ceil_div(pool.q, kStripStep) * pool.p) ||
        !narrow(g.n * pool.y_padding.rows(pool.p) * pool.y_padding.columns(pool.q) * (g.k / 16)))
        return "too many results";
    if (g.h * g.w > kMaxExtent * 8) return "more than 2^27 pixels";
    if (current_gpu().major != 9) return "needs a Hopper GPU";
    return kHasHopperCode ? "" : "not compiled for Hopper GPUs";
}

std::string stem_pool_refusal(const ConvGeometry& g, const PoolGeometry& pool, const StemImage& image) {
    if (image.channels != 3) return "an image that has not 3 channels";
    if (!RealImage<float>::takes(image.scale)) return "a scale too small or too large";
    return stem_pool_refusal(g, pool);
}

cudaError_t stem_pool(const ConvGeometry& g, const PoolGeometry& pool, int x_zero_point, const int8_t* x,
                      const int8_t* filter, const Epilogue& epilogue, int8_t* y, cudaStream_t stream) {
    return run(g, pool, QuantizedImage(x, x_zero_point), filter, epilogue, y, stream);
}

cudaError_t stem_pool(const ConvGeometry& g, const PoolGeometry& pool, int x_zero_point,
                      const StemImage& image, const int8_t* filter, const Epilogue& epilogue, int8_t* y,
                      cudaStream_t stream) {
    if (image.half)
        return run(g, pool, RealImage(static_cast<const __half*>(image.x), image.scale, x_zero_point), filter,
                   epilogue, y, stream);
    const auto* const x = static_cast<const float*>(image.x);
    if (image.rounds)
        return run(g, pool, RealImage<float, true>(x, image.scale, x_zero_point), filter, epilogue, y,
                   stream);
    return run(g, pool, RealImage(x, image.scale, x_zero_point), filter, epilogue, y, stream);
}

}  // namespace qudnn::kernels
