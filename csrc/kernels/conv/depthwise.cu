#include "kernels/conv/depthwise.h"

#include <span>

#include "kernels/common/gpu.h"
#include "kernels/conv/depthwise.cuh"
#include "kernels/conv/depthwise_kernels.h"

namespace qudnn::kernels {
namespace {

constexpr int kMaxSharedBytes = 56 * 1024;  // a few blocks share a multiprocessor

template <int kSize, int kStride, int kBlocks>
constexpr TilesKernel entry() {
    return {kSize, kStride, 1, kBlocks, depthwise_tiles_kernel<kSize, kStride, 1, kBlocks>};
}

constexpr TilesKernel kTilesKernels[] = {entry<3, 1, 5>(), entry<3, 2, 5>(), entry<5, 1, 4>(),
                                         entry<5, 2, 4>(), entry<7, 1, 3>(), entry<7, 2, 3>()};

const TilesKernel* tiles_kernel(const ConvGeometry& g) {
    const auto takes = [&](const TilesKernel& kernel) {
        return g.r == kernel.size && g.stride_h == kernel.stride && g.stride_w == kernel.stride &&
               g.c == g.group * kernel.group;
    };
    for (const std::span<const TilesKernel> kernels :
         {std::span<const TilesKernel>(kTilesKernels), grouped_tiles_kernels()})
        for (const TilesKernel& kernel : kernels)
            if (takes(kernel)) return &kernel;
    return nullptr;
}

DepthwiseTiles cut(const ConvGeometry& g, const DepthwiseVariant& variant, int x_zero_point) {
    auto narrowed = [](int64_t value) { return static_cast<int>(value); };
    const int warp_rows = variant.narrow ? 2 * kDepthwiseRows : kDepthwiseRows;
    const int rows = kDepthwiseWarps / variant.slabs * warp_rows, columns = variant.narrow ? 8 : 16;
    const int stride = narrowed(g.stride_w), size = narrowed(g.r);
    const int width = (columns - 1) * stride + size, pixels = kDepthwiseWarps * 32 / variant.slabs;
    const int tiles_down = narrowed(ceil_div(g.p, rows)), tiles_over = narrowed(ceil_div(g.q, columns));
    return {.h = narrowed(g.h),
            .w = narrowed(g.w),
            .c = narrowed(g.c),
            .p = narrowed(g.p),
            .q = narrowed(g.q),
            .pad_top = narrowed(g.pad_top),
            .pad_left = narrowed(g.pad_left),
            .slab_bits = variant.slabs == 4 ? 2 : variant.slabs - 1,
            .channel_blocks = narrowed(ceil_div(g.c, variant.slabs * kSlabChannels)),
            .tile_rows = rows,
            .tile_columns = columns,
            .warp_rows = warp_rows,
            .lower_row = variant.narrow ? kDepthwiseRows : 0,
            .lower_column = variant.narrow ? 0 : 8,
            .down = Divisor<uint32_t>(tiles_down),
            .over = Divisor<uint32_t>(tiles_over),
            .tiles = narrowed(g.n * tiles_down * tiles_over),
            .step = 0,
            .patch_height = (rows - 1) * stride + size,
            .patch_width = width,
            .pitch = (columns - 1) * stride + (size + 3) / 4 * 4,
            .row_step = pixels / width,
            .column_step = pixels % width,
            .zero_point = splat(x_zero_point)};
}

constexpr int kReservedBytes = 1024;  // of shared memory, for each block

// looks_up: there is a table.
int shared_bytes(const DepthwiseTiles& g, bool looks_up) {
    return 2 * g.slabs() * g.patch_pixels() * static_cast<int>(sizeof(uint4)) +
           (looks_up ? static_cast<int>(sizeof(LaneTables)) : 0);
}

// Offsets within an image, the pixels of a tile beyond it included, are computed in 32 bits.
bool fits(const ConvGeometry& g) {
    return narrow((g.h + 64) * (g.w + 64) * g.c) && narrow((g.p + 64) * (g.q + 64) * g.c) &&
           narrow(g.c / g.group * g.c * g.r * g.s);
}

// The estimated time of a variant, in instructions: those of the warps, and those that copy pixels.
double cost(const ConvGeometry& g, const DepthwiseTiles& d) {
    const int steps = (static_cast<int>(g.r) + 3) / 4;
    const auto parts = static_cast<double>(std::max<int64_t>(g.c / g.group / 8, 1));  // of mmas
    const double warp = kDepthwiseRows * (16.0 * parts * steps * static_cast<double>(g.r) + 80) + 60;
    const double pixel = d.slabs() == 1 ? 0.8 : 0.5;  // a slab alone takes half of the bytes that come
    const double patch = d.patch_height * d.patch_width * d.slabs() * pixel;
    return static_cast<double>(d.tiles) * d.channel_blocks * (kDepthwiseWarps * warp + patch);
}

}  // namespace

std::string DepthwiseVariant::text() const {
    if (slabs == 0) return "dp4a";
    return std::to_string(slabs) + " slabs of " + (narrow ? "8 x 8" : "4 x 16");
}

std::string depthwise_refusal(const ConvGeometry& g) {
    if (g.deep()) return "three dimensions";
    if (g.group == 1 || g.k != g.c) return "not one filter for each channel, nor one for each of a group's";
    if (g.c % 8 != 0) return "channels not in eights";
    if (g.y_padding.any()) return "results within padding";
    if (!narrow(g.n * g.p * g.q)) return "2^31 pixels or more";
    if (g.group != g.c) {
        if (g.c % kSlabChannels != 0) return "channels not in sixteens";
        if (tiles_kernel(g) == nullptr || g.r != g.s) return "groups, filters or strides without a kernel";
        if (g.dilation_h != 1 || g.dilation_w != 1) return "dilated filters of groups";
        if (!fits(g)) return "images of 2^31 bytes or more";
        return conv_refusal(g);
    }
    if (g.r != g.s || (g.r != 3 && g.r != 5 && g.r != 7)) return "a filter other than 3x3, 5x5 and 7x7";
    return conv_refusal(g);
}

std::vector<DepthwiseVariant> depthwise_variants(const ConvGeometry& g, bool looks_up) {
    if (!depthwise_refusal(g).empty()) return {};
    std::vector<std::pair<double, DepthwiseVariant>> variants;
    const TilesKernel* const kernel = tiles_kernel(g);
    if (kernel != nullptr && g.c % kSlabChannels == 0 && fits(g) && g.dilation_h == 1 && g.dilation_w == 1 &&
        current_gpu().major >= 8)
        for (bool narrow : {false, true})
            for (int slabs : {2, 4, 1}) {
                if (slabs * kSlabChannels < g.c / g.group) continue;
                const DepthwiseVariant variant{slabs, narrow};
                const DepthwiseTiles d = cut(g, variant, 0);
                if (shared_bytes(d, looks_up) <= kMaxSharedBytes &&
                    cudaFuncSetAttribute(kernel->run, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                         kMaxSharedBytes) == cudaSuccess)
                    variants.emplace_back(cost(g, d), variant);
            }
    std::stable_sort(variants.begin(), variants.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<DepthwiseVariant> sorted;
    for (const auto& [cost, variant] : variants) sorted.push_back(variant);
    if (g.group == g.c) sorted.push_back({0, false});
    return sorted;
}

cudaError_t depthwise(const ConvGeometry& g, const DepthwiseVariant& variant, int x_zero_point,
                      const int8_t* x, const int8_t* filter, const Epilogue& epilogue, int8_t* y,
                      cudaStream_t stream) {
    for (const void* pointer :
         {static_cast<const void*>(x), static_cast<const void*>(y), static_cast<const void*>(epilogue.bias),
          static_cast<const void*>(epilogue.multiplier)})
        if (!aligned(pointer, 16)) return cudaErrorMisalignedAddress;
    if (variant.slabs == 0) return depthwise_dp4a(g, x_zero_point, x, filter, epilogue, y, stream);
    DepthwiseTiles d = cut(g, variant, x_zero_point);
    const TilesKernel& kernel = *tiles_kernel(g);
    const int bytes = shared_bytes(d, epilogue.table != nullptr);
    // As many blocks as run at once: each loops over tiles of the same channels and copies ahead.
    const Gpu& gpu = current_gpu();
    const int together = std::min(kernel.blocks, gpu.shared_bytes / (bytes + kReservedBytes));
    const int most = together * gpu.multiprocessors / d.channel_blocks;
    d.step = std::min(std::max(most, 1), d.tiles);
    return launch_dependent(kernel.run, d.channel_blocks * d.step, kDepthwiseWarps * 32,
                            static_cast<size_t>(bytes), stream, d, x, filter, epilogue, OutputRange(epilogue),
                            y);
}

}  // namespace qudnn::kernels
