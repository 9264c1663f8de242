#include "kernels/bottleneck/bottleneck.h"

#include <algorithm>
#include <array>
#include <memory>
#include <tuple>

#include "kernels/bottleneck/bottleneck.cuh"
#include "kernels/bottleneck/bottleneck_cut.cuh"
#include "kernels/common/launch_limits.h"
#include "kernels/common/tensor_maps.cuh"
#include "kernels/window/window.h"
#include "kernels/window/window_addition.cuh"

namespace qudnn::kernels {
namespace {

constexpr int64_t kMostExtent = 1 << 20, kMostPixels = 1 << 30;
constexpr int kMostBlocks = 16;  // of a cluster on a Hopper GPU

template <int kTiles, int kWindowTiles, int kColumns>
constexpr BottleneckKernel entry() {
    return {kTiles, kWindowTiles, kColumns,
            bottleneck_kernel<BottleneckShape<kTiles, kWindowTiles, kColumns>>};
}

constexpr std::array kKernels{entry<0, 1, 32>(), entry<0, 1, 64>(), entry<1, 1, 32>(), entry<1, 2, 32>(),
                              entry<2, 1, 32>(), entry<2, 2, 32>(), entry<1, 1, 64>(), entry<1, 2, 64>(),
                              entry<2, 1, 64>(), entry<2, 2, 64>()};

const BottleneckKernel* kernel_of(const BottleneckCut& cut, int columns) {
    for (const BottleneckKernel& kernel : kKernels)
        if (kernel.tiles == cut.tiles && kernel.window_tiles == cut.window_tiles && kernel.columns == columns)
            return &kernel;
    return nullptr;
}

cudaLaunchConfig_t configuration(const BottleneckCut& cut, cudaLaunchAttribute& cluster) {
    cluster.id = cudaLaunchAttributeClusterDimension;
    cluster.val.clusterDim = {static_cast<unsigned>(cut.task.blocks), 1, 1};
    cudaLaunchConfig_t c{};
    c.gridDim = static_cast<unsigned>(cut.blocks());
    c.blockDim = kBottleneckThreads;
    c.dynamicSmemBytes = static_cast<size_t>(cut.shared_bytes);
    c.attrs = &cluster, c.numAttrs = 1;
    return c;
}

// How many clusters run at once; 0 where none does.
int clusters_at_once(const BottleneckCut& cut, const BottleneckKernel& kernel, const Gpu& gpu) {
    const auto* const function = reinterpret_cast<const void*>(kernel.run);
    int clusters = 0;
    cudaLaunchAttribute cluster{};
    const cudaLaunchConfig_t c = configuration(cut, cluster);
    if (cudaFuncSetAttribute(function, cudaFuncAttributeMaxDynamicSharedMemorySize, gpu.shared_bytes) !=
            cudaSuccess ||
        cudaFuncSetAttribute(function, cudaFuncAttributeNonPortableClusterSizeAllowed, 1) != cudaSuccess ||
        cudaOccupancyMaxActiveClusters(&clusters, function, &c) != cudaSuccess) {
        cudaGetLastError();  // it is no one else's
        return 0;
    }
    return clusters;
}

std::string geometry_refusal(const Bottleneck& b) {
    for (const int64_t side : {b.n, b.h, b.w, b.c, b.m, b.k})
        if (side < 1 || side > kMostExtent) return "a size that is none, or too large";
    if (b.n * b.h * b.w > kMostPixels) return "too many pixels";
    if (b.stride != 1 && b.stride != 2) return "a stride that is neither 1 nor 2";
    if (b.c % 64 != 0) return "input channels not in multiples of 64";
    if (b.m % 64 != 0 || b.k % 64 != 0) return "other channels not in multiples of 64";
    return window_refusal();
}

// A variant, ready to run.
struct Prepared {
    BottleneckVariant variant;
    BottleneckCut cut;
    const BottleneckKernel* kernel;
    uint64_t number;  // of its maps
    double microseconds;
};

// Those of a block, the one likely to be the fastest first, or why there is none.
struct AllPrepared {
    std::vector<Prepared> variants;
    std::string refusal;
};

void add(AllPrepared& all, const Bottleneck& b, const BottleneckVariant& v, const Gpu& gpu) {
    for (const bool loops : {false, true}) {
        BottleneckCut cut(b, v, loops, gpu);
        const BottleneckKernel* const kernel = cut.possible ? kernel_of(cut, v.columns) : nullptr;
        if (kernel == nullptr || cut.task.blocks > kMostBlocks) continue;
        const int64_t at_once = clusters_at_once(cut, *kernel, gpu);
        if (at_once == 0 || (at_once < cut.tasks) != loops) continue;
        cut.task.clusters = static_cast<int>(std::min(cut.tasks, at_once));
        all.variants.push_back({v, cut, kernel, number_of_kept_maps(),
                                cut.microseconds(cut.blocks() > gpu.multiprocessors ? 2 : 1)});
    }
}

AllPrepared prepare_all(const Bottleneck& b) {
    AllPrepared all;
    all.refusal = geometry_refusal(b);
    if (!all.refusal.empty()) return all;
    const Gpu& gpu = current_gpu();
    for (int lines = 1; lines <= b.p(); ++lines) {
        // As many bands of fewer lines compute less twice.
        if (lines > 1 && ceil_div(b.p(), lines) == ceil_div(b.p(), lines - 1)) continue;
        for (const int columns : {32, 64})
            for (const int width : {128, 64})
                for (int resident = 1; resident <= kMostResident; ++resident)
                    add(all, b, {lines, columns, width, resident}, gpu);
    }
    std::stable_sort(all.variants.begin(), all.variants.end(),
                     [](const Prepared& x, const Prepared& y) { return x.microseconds < y.microseconds; });
    if (all.variants.empty()) all.refusal = "more channels, or longer lines, than fit shared memory";
    return all;
}

// The same, made once in a thread.
std::shared_ptr<const AllPrepared> prepared(const Bottleneck& b) {
    return made_once_in_thread(b, prepare_all);
}

bool encode_filter(CUtensorMap& map, const int8_t* filter, int64_t depth, int64_t k, int64_t group,
                   int width) {
    return encode<5>(map, filter, {depth, 2, 4, group / 8, k / group},
                     {depth, group / 4 * depth, 2 * depth, group * depth}, {width, 2, 4, group / 8, 1},
                     width);
}

bool find_maps(LaunchMaps<BottleneckMaps>& maps, const Bottleneck& b, const Prepared& p, const int8_t* x,
               const std::array<ConvStep, 3>& steps, KeptMaps* kept) {
    const BottleneckTask& t = p.cut.task;
    const int64_t rows = b.n * b.h * b.w, columns = p.variant.columns;
    const KeptMaps::Tensors tensors{x, steps[0].w, steps[1].w, steps[2].w};
    return maps.find(p.number, tensors, kept, [&](BottleneckMaps& made, const KeptMaps::Tensors& known) {
        return (known[0] == tensors[0] ||
                encode<4>(made.x, x, {b.c, rows, 1, 1}, {b.c, rows * b.c, rows * b.c},
                          {t.x_width, t.x_rows, 1, 1}, t.x_width)) &&
               (known[1] == tensors[1] ||
                encode_filter(made.w[0], steps[0].w, b.c, b.m, columns, t.x_width)) &&
               (known[2] == tensors[2] ||
                encode_filter(made.w[1], steps[1].w, kBottleneckTaps * b.m, b.m, columns, t.m_width)) &&
               (known[3] == tensors[3] ||
                encode_filter(made.w[2], steps[2].w, b.m, b.k, kLastColumns, t.m_width));
    });
}

}  // namespace

std::vector<BottleneckVariant> bottleneck_variants(const Bottleneck& b) {
    std::vector<BottleneckVariant> variants;
    for (const Prepared& p : prepared(b)->variants) variants.push_back(p.variant);
    return variants;
}

std::string bottleneck_refusal(const Bottleneck& b) { return prepared(b)->refusal; }

cudaError_t bottleneck(const Bottleneck& b, const int8_t* x, const std::array<ConvStep, 3>& steps,
                       int window_zero_point, const Residual& residual, int8_t* y, KeptMaps* kept,
                       cudaStream_t stream, const BottleneckVariant* variant) {
    const auto all = prepared(b);
    const auto chosen = std::find_if(all->variants.begin(), all->variants.end(), [&](const Prepared& p) {
        return variant == nullptr || *variant == p.variant;
    });
    if (chosen == all->variants.end()) return cudaErrorInvalidConfiguration;
    if (residual.r == nullptr || residual.per_channel) return cudaErrorInvalidValue;
    if (residual.in_float && !divides_exactly(residual.scales.y_scale)) return cudaErrorInvalidValue;
    for (const void* pointer : {static_cast<const void*>(x), static_cast<const void*>(y),
                                static_cast<const void*>(residual.r), static_cast<const void*>(steps[0].w),
                                static_cast<const void*>(steps[1].w), static_cast<const void*>(steps[2].w)})
        if (!aligned(pointer, 16)) return cudaErrorMisalignedAddress;
    LaunchMaps<BottleneckMaps> maps;
    if (!find_maps(maps, b, *chosen, x, steps, kept)) return cudaErrorInvalidValue;
    const auto end = [&](size_t i) {
        const Epilogue& e = steps[i].epilogue;
        return BottleneckEnd{e.bias, e.multiplier, OutputRange(e)};
    };
    BottleneckTask task = chosen->cut.task;
    task.window_zero_point = window_zero_point;
    return launch_dependent_clusters(
        chosen->kernel->run, static_cast<unsigned>(task.blocks), static_cast<unsigned>(chosen->cut.blocks()),
        kBottleneckThreads, static_cast<size_t>(chosen->cut.shared_bytes), stream, task, maps.maps(),
        BottleneckEnds{{end(0), end(1), end(2)}}, addition_of(residual, steps[2].epilogue), y);
}

}  // namespace qudnn::kernels
