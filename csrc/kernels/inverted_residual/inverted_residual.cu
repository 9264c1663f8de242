#include "kernels/inverted_residual/inverted_residual.h"

#include <algorithm>
#include <memory>
#include <tuple>

#include "kernels/common/launch_limits.h"
#include "kernels/common/refusal.h"
#include "kernels/inverted_residual/inverted_residual.cuh"
#include "kernels/window/window_addition.cuh"

namespace qudnn::kernels {
namespace {

constexpr int kMostBlocks = 8;  // of a cluster on every GPU that has them
constexpr int64_t kMostExtent = 1 << 14, kMostChannels = 1 << 12, kMostImages = 1 << 16;

struct InvertedKernel {
    int rows, columns, stride, sums_pitch, resident;
    void (*run)(InvertedTask, const int8_t*, InvertedEnds, WindowAddition, int8_t*);
};

template <int kRowTiles, int kColumnTiles, int kColumnWarps, int kStride>
constexpr InvertedKernel entry() {
    using S = InvertedShape<kRowTiles, kColumnTiles, kColumnWarps, kStride>;
    return {S::kRows, S::kColumns, kStride, S::kSumsPitch, S::kResident, inverted_residual_kernel<S>};
}

// Those of few columns first.
constexpr std::array kKernels{entry<2, 4, 1, 1>(),  entry<2, 4, 1, 2>(),  entry<1, 8, 1, 1>(),
                              entry<1, 8, 1, 2>(),  entry<1, 12, 1, 1>(), entry<1, 12, 1, 2>(),
                              entry<1, 10, 2, 1>(), entry<1, 10, 2, 2>(), entry<2, 10, 4, 1>(),
                              entry<2, 10, 4, 2>()};

const InvertedKernel* kernel_of(const InvertedResidual& g) {
    const auto found = std::find_if(kKernels.begin(), kKernels.end(), [&](const InvertedKernel& kernel) {
        return kernel.stride == g.stride && kernel.columns >= g.k;
    });
    return found == kKernels.end() ? nullptr : &*found;
}

// A variant, ready to run.
struct Prepared {
    InvertedVariant variant;
    InvertedTask task;
    int64_t blocks;
    double microseconds;  // about, on an H200
};

int rounded_up(int64_t value, int64_t to) { return static_cast<int>(ceil_div(value, to) * to); }

InvertedTask task_of(const InvertedResidual& g, const InvertedVariant& v, const InvertedKernel& kernel) {
    const auto narrowed = [](int64_t value) { return static_cast<int>(value); };
    InvertedTask t{};
    t.h = narrowed(g.h), t.w = narrowed(g.w), t.c = narrowed(g.c), t.m = narrowed(g.m);
    t.p = narrowed(g.p()), t.q = narrowed(g.q()), t.k = narrowed(g.k);
    t.lines = v.lines, t.bands = narrowed(ceil_div(g.p(), v.lines));
    t.x_lines = narrowed((v.lines - 1) * g.stride + 3);
    t.blocks = v.blocks, t.chunks = narrowed(ceil_div(g.m, kInvertedChannels));
    t.columns = Divisor<uint32_t>(g.w), t.y_columns = Divisor<uint32_t>(g.q());
    t.octets = Divisor<uint32_t>(ceil_div(g.q(), 8)), t.vectors = Divisor<uint32_t>(g.c / 16);
    t.depth = narrowed(ceil_div(g.c, 32)), t.x_pitch = t.depth * 32 + 16;
    // A window of a pair of lines reaches beyond the last one, one of eight pixels beyond a line.
    const int64_t pixels = (t.x_lines + g.stride) * (g.w + 2) + 16;
    t.slab_bytes = rounded_up(pixels * 16 + 64, 128) - 64;  // the slabs lie in different banks
    t.expanded = rounded_up(t.rows(), 16) * t.x_pitch;
    t.window = t.expanded + 2 * t.slab_bytes;
    t.weights = t.window + kernel.rows * kInvertedPitch;
    t.last_w = kInvertedChannels * t.x_pitch;
    t.window_w = t.last_w + kernel.columns * kInvertedPitch;
    t.constants = t.window_w + kInvertedChannels * 9;
    t.weight_bytes = t.constants + 4 * kInvertedChannels * 4;
    t.bytes = std::max(t.weights + kInvertedBuffers * t.weight_bytes, kernel.rows * kernel.sums_pitch * 4);
    return t;
}

// What a multiprocessor's schedulers issue for a block, then what no cut makes shorter.
double microseconds(const InvertedTask& t, const InvertedKernel& kernel, int64_t blocks, const Gpu& gpu) {
    constexpr double kCyclesPerMicrosecond = 1700, kOfBlock = 3.5, kOfCluster = 1.0, kSchedulers = 4;
    const double expand = ceil_div(t.rows(), 16) * (t.depth * 12.0 + 110);
    const double window = 2.0 * t.octets.value * ceil_div(t.lines, 2) * 70;
    const double last = kernel.rows / 16.0 * kernel.columns / 8 * 2 + 8 * 40;
    const auto rounds = static_cast<double>(ceil_div(t.chunks, t.blocks));
    const double issue = rounds * (expand + window + last) / kSchedulers / kCyclesPerMicrosecond;
    const int64_t resident = std::min<int64_t>(kernel.resident, (gpu.shared_bytes + 1024) / (t.bytes + 1024));
    const auto waves = static_cast<double>(ceil_div(blocks, gpu.multiprocessors * resident));
    return waves * (kOfBlock + (t.blocks > 1 ? kOfCluster : 0)) +
           issue * static_cast<double>(ceil_div(blocks, gpu.multiprocessors));
}

std::string geometry_refusal(const InvertedResidual& g) {
    for (const int64_t side : {g.h, g.w})
        if (side < 1 || side > kMostExtent) return "a size that is none, or too large";
    for (const int64_t channels : {g.c, g.m, g.k})
        if (channels < 16 || channels % 16 != 0 || channels > kMostChannels)
            return "channels that are not in sixteens, or too many";
    if (g.n < 1 || g.n > kMostImages) return "no images, or too many";
    if (g.stride != 1 && g.stride != 2) return "a stride that is neither 1 nor 2";
    if (kernel_of(g) == nullptr) return "more output channels than a block has sums for";
    return gpu_refusal(8);
}

using AllPrepared = std::vector<Prepared>;

AllPrepared prepare_all(const InvertedResidual& g) {
    AllPrepared all;
    if (!geometry_refusal(g).empty()) return all;
    const InvertedKernel& kernel = *kernel_of(g);
    const Gpu& gpu = current_gpu();
    if (cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel.run),
                             cudaFuncAttributeMaxDynamicSharedMemorySize, gpu.shared_bytes) != cudaSuccess) {
        cudaGetLastError();  // it is no one else's
        return all;
    }
    const int most = gpu.major >= 9 ? kMostBlocks : 1;
    for (int lines = 1; lines <= g.p() && lines * g.q() <= kernel.rows; ++lines) {
        // As many bands of fewer lines compute less twice.
        if (lines > 1 && ceil_div(g.p(), lines) == ceil_div(g.p(), lines - 1)) continue;
        for (int blocks = 1; blocks <= most; blocks *= 2) {
            const InvertedVariant variant{lines, blocks};
            const InvertedTask task = task_of(g, variant, kernel);
            if (blocks > task.chunks || task.bytes > gpu.shared_bytes) continue;
            const int64_t in_all = g.n * task.bands * blocks;
            if (in_all > INT_MAX) continue;
            all.push_back({variant, task, in_all, microseconds(task, kernel, in_all, gpu)});
        }
    }
    std::stable_sort(all.begin(), all.end(),
                     [](const Prepared& x, const Prepared& y) { return x.microseconds < y.microseconds; });
    return all;
}

// The same, made once in a thread.
std::shared_ptr<const AllPrepared> prepared(const InvertedResidual& g) {
    return made_once_in_thread(g, prepare_all);
}

}  // namespace

std::vector<InvertedVariant> inverted_residual_variants(const InvertedResidual& g) {
    std::vector<InvertedVariant> variants;
    for (const Prepared& p : *prepared(g)) variants.push_back(p.variant);
    return variants;
}

std::string inverted_residual_refusal(const InvertedResidual& g) {
    if (!prepared(g)->empty()) return {};
    const std::string refusal = geometry_refusal(g);
    return refusal.empty() ? "lines that are too long for a block" : refusal;
}

cudaError_t inverted_residual(const InvertedResidual& g, const int8_t* x,
                              const std::array<ConvStep, 3>& steps, int window_zero_point,
                              const Residual& residual, int8_t* y, cudaStream_t stream,
                              const InvertedVariant* variant) {
    const auto all = prepared(g);
    const auto chosen = std::find_if(all->begin(), all->end(), [&](const Prepared& p) {
        return variant == nullptr || *variant == p.variant;
    });
    if (chosen == all->end()) return cudaErrorInvalidConfiguration;
    if (residual.per_channel || residual.in_float) return cudaErrorInvalidValue;
    for (const void* pointer :
         {static_cast<const void*>(x), static_cast<const void*>(y), static_cast<const void*>(residual.r)})
        if (!aligned(pointer, 16)) return cudaErrorMisalignedAddress;
    for (const ConvStep& step : steps)
        for (const void* pointer :
             {static_cast<const void*>(step.w), static_cast<const void*>(step.epilogue.bias),
              static_cast<const void*>(step.epilogue.multiplier)})
            if (!aligned(pointer, 16)) return cudaErrorMisalignedAddress;
    const auto end = [&](size_t i) {
        const Epilogue& e = steps[i].epilogue;
        return InvertedEnd{steps[i].w, e.bias, e.multiplier, OutputRange(e)};
    };
    InvertedTask task = chosen->task;
    task.window_zero_point = window_zero_point;
    const InvertedEnds ends{{end(0), end(1), end(2)}};
    const WindowAddition addition =
        residual.r == nullptr ? WindowAddition{} : addition_of(residual, steps[2].epilogue);
    const auto kernel = kernel_of(g)->run;
    const auto bytes = static_cast<size_t>(task.bytes);
    if (current_gpu().major < 9)
        return launch_with(kernel, chosen->blocks, kInvertedThreads, bytes, stream, task, x, ends, addition,
                           y);
    return launch_dependent_clusters(kernel, static_cast<unsigned>(task.blocks),
                                     static_cast<unsigned>(chosen->blocks), kInvertedThreads, bytes, stream,
                                     task, x, ends, addition, y);
}

}  // namespace qudnn::kernels
