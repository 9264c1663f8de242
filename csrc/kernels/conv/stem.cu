#include "kernels/conv/stem.h"

#include <array>

#include "kernels/common/refusal.h"
#include "kernels/conv/stem.cuh"

namespace qudnn::kernels {
namespace {

constexpr int64_t kMaxSide = 8;          // of filters, and strides
constexpr int64_t kMaxExtent = 1 << 24;  // of images and channels: coordinates are 32 bits wide
constexpr int64_t kMaxTiles = 1 << 30;
constexpr int kMaxSharedBytes = 48 * 1024;  // what a block gets without asking
constexpr int kTileRows[] = {1, 2, 4, 8};

struct Kernel {
    int quads, steps, columns;
    void (*run)(Stem, const int8_t*, const int8_t*, Epilogue, OutputRange, int8_t*);

    int filter_rows() const { return steps * 2 / quads; }
    bool takes(const ConvGeometry& g) const { return g.r <= filter_rows() && g.s <= quads * 4; }
};

template <int kQuads, int kSteps, int kTiles, int kBlocks>
constexpr Kernel entry() {
    return {kQuads, kSteps, kTiles * 8, stem_kernel<kQuads, kSteps, kTiles, kBlocks>};
}

// By filter size, smallest first, then by columns.
constexpr std::array kKernels = {
    entry<1, 2, 2, 6>(), entry<1, 2, 4, 6>(), entry<1, 2, 6, 5>(), entry<1, 2, 8, 5>(),
    entry<2, 6, 2, 6>(), entry<2, 6, 4, 5>(), entry<2, 6, 6, 3>(), entry<2, 6, 8, 3>(),
    entry<2, 7, 2, 6>(), entry<2, 7, 4, 5>(), entry<2, 7, 6, 3>(), entry<2, 7, 8, 2>(),
    entry<2, 8, 2, 5>(), entry<2, 8, 4, 4>(), entry<2, 8, 6, 3>(), entry<2, 8, 8, 2>(),
};
constexpr int kColumnChoices = 4;

Stem cut(const ConvGeometry& g, const Kernel& kernel, int rows, int x_zero_point, bool looks_up) {
    auto narrowed = [](int64_t value) { return static_cast<int>(value); };
    const int tiles_down = narrowed(ceil_div(g.p, rows)), tiles_over = narrowed(ceil_div(g.q, kTileWidth));
    const int width = (kTileWidth - 1) * narrowed(g.stride_w) + 4 * kernel.quads;
    return {.h = narrowed(g.h),
            .w = narrowed(g.w),
            .k = narrowed(g.k),
            .r = narrowed(g.r),
            .s = narrowed(g.s),
            .p = narrowed(g.p),
            .q = narrowed(g.q),
            .pad_top = narrowed(g.pad_top),
            .pad_left = narrowed(g.pad_left),
            .stride_h = narrowed(g.stride_h),
            .stride_w = narrowed(g.stride_w),
            .rows = rows,
            .tiles_down = tiles_down,
            .tiles_over = tiles_over,
            .tiles = narrowed(g.n) * tiles_down * tiles_over,
            .step = 0,
            .column_blocks = narrowed(ceil_div(g.k, kernel.columns)),
            .patch_height = (rows - 1) * narrowed(g.stride_h) + kernel.filter_rows(),
            .patch_width = width + width % 2,
            .pairs = g.w % 2 == 0 && g.pad_left % 2 == 0,
            .zero_point = splat(x_zero_point),
            .y = PaddedImages<uint32_t>(g.n, g.p, g.q, g.y_padding),
            .looks_up = looks_up};
}

// Of a block's shared memory.
int block_bytes(const Stem& s, int columns, int warps) {
    return stem_words(s, columns, warps) * 4 + (s.looks_up ? static_cast<int>(sizeof(LaneTables)) : 0);
}

// The estimated time of a variant, in instructions of a warp, each of which waits for those of its neighbours
// and for latencies. The constants are fitted to times on an H200.
double cost(const Stem& s, const Kernel& kernel, const StemVariant& v, int multiprocessors) {
    constexpr int kLatency = 30;  // warps that would have to run to hide it
    const int tiles = kernel.columns / 8, warps = v.blocks / s.column_blocks * v.warps;
    const double row = tiles * (kernel.steps + 27) + 4 * kernel.steps + 20;
    const double patch = 30.0 * s.patch_height * s.patch_width / (s.pairs ? 64 : 32) + 40;
    const double filters =
        60.0 * ceil_div(kernel.columns * s.r * s.s, v.warps * 128) + 6 * tiles * kernel.steps;
    const auto resident = static_cast<double>(ceil_div(v.blocks, multiprocessors) * v.warps);
    return (static_cast<double>(ceil_div(s.tiles, warps)) * (s.rows * row + patch) + filters) *
           (resident + kLatency);
}

}  // namespace

std::string stem_refusal(const ConvGeometry& g) {
    if (g.deep()) return "three dimensions";
    if (g.c != 4) return "not 4 channels";
    if (g.group != 1) return "groups";
    if (g.k % 16 != 0) return "output channels not in sixteens";
    if (g.dilation_h != 1 || g.dilation_w != 1) return "a dilation";
    for (int64_t side : {g.r, g.s, g.stride_h, g.stride_w})
        if (side < 1 || side > kMaxSide) return "a filter or stride larger than 8";
    for (int64_t side : {g.n, g.h, g.w, g.k, g.p, g.q})
        if (side < 1 || side > kMaxExtent) return "a side larger than 2^24, or none";
    for (int64_t pad : {g.pad_top, g.pad_left})
        if (pad < 0 || pad > kMaxExtent) return "padding larger than 2^24";
    if (g.n * g.p * ceil_div(g.q, kTileWidth) > kMaxTiles ||
        !narrow(g.n * g.y_padding.rows(g.p) * g.y_padding.columns(g.q) * (g.k / 16)))
        return "too many results";
    return gpu_refusal(8);
}

std::vector<StemVariant> stem_variants(const ConvGeometry& g, bool looks_up) {
    const Gpu& gpu = current_gpu();
    if (!stem_refusal(g).empty()) return {};
    const auto first = std::find_if(kKernels.begin(), kKernels.end(), [&](auto& k) { return k.takes(g); });
    std::vector<std::pair<double, StemVariant>> variants;
    for (auto kernel = first; kernel != first + kColumnChoices; ++kernel) {
        for (int rows : kTileRows) {
            if (rows / 2 >= g.p) continue;  // half as many rows do
            const Stem s = cut(g, *kernel, rows, 0, looks_up);
            const int64_t work = int64_t{s.tiles} * s.column_blocks;
            const int warps = work < gpu.multiprocessors * 8 ? 2 : 4;
            const int bytes = block_bytes(s, kernel->columns, warps);
            int blocks = 0;
            if (bytes > kMaxSharedBytes ||
                cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, kernel->run, warps * 32, bytes) !=
                    cudaSuccess ||
                blocks == 0)
                continue;
            const int64_t most = std::max(1, blocks * gpu.multiprocessors / s.column_blocks);
            blocks = s.column_blocks * static_cast<int>(std::min(most, ceil_div(s.tiles, warps)));
            const StemVariant v{static_cast<int>(kernel - kKernels.begin()), kernel->columns, rows, warps,
                                blocks};
            variants.emplace_back(cost(s, *kernel, v, gpu.multiprocessors), v);
        }
    }
    std::stable_sort(variants.begin(), variants.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<StemVariant> sorted;
    for (const auto& [cost, variant] : variants) sorted.push_back(variant);
    return sorted;
}

cudaError_t stem(const ConvGeometry& g, const StemVariant& variant, int x_zero_point, const int8_t* x,
                 const int8_t* filter, const Epilogue& epilogue, int8_t* y, cudaStream_t stream) {
    for (const void* pointer :
         {static_cast<const void*>(x), static_cast<const void*>(filter), static_cast<const void*>(y)})
        if (!aligned(pointer, 16)) return cudaErrorMisalignedAddress;
    const Kernel& kernel = kKernels.at(static_cast<size_t>(variant.kernel));
    Stem s = cut(g, kernel, variant.rows, x_zero_point, epilogue.table != nullptr);
    s.step = variant.blocks / s.column_blocks * variant.warps;
    const int bytes = block_bytes(s, kernel.columns, variant.warps);
    return launch_dependent(kernel.run, variant.blocks, variant.warps * 32, static_cast<size_t>(bytes),
                            stream, s, x, filter, epilogue, OutputRange(epilogue), y);
}

}  // namespace qudnn::kernels
