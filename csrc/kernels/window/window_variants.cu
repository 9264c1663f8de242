// Which variants of window.h's kernel there are for a geometry.
#include <array>

#include "kernels/common/gpu.h"
#include "kernels/window/window.h"
#include "kernels/window/window_kernels.h"
#include "kernels/window/window_maps.cuh"

namespace qudnn::kernels {
namespace {

// The estimated time of a variant, in cycles of its busiest multiprocessor.
double cost(const WindowCut& cut, const WindowKernel& kernel, const WindowVariant& v, int multiprocessors,
            bool adds) {
    constexpr double kMacs = 3400, kBytes = 26, kEnd = 160, kStart = 1500, kSum = 1000, kSumBytes = 50;
    const Window& w = cut.window;
    const double depth = cut.depth();
    const double arithmetic = kernel.rows * kernel.columns * (depth + kEnd) / kMacs;
    double bytes = static_cast<double>(w.phases) * w.widths * w.x_bytes +
                   kernel.rows * kernel.columns * (adds ? 2.0 : 1.0);
    const double weights = depth * kernel.columns;
    if (!v.resident) bytes += weights;
    const auto rounds = static_cast<double>(ceil_div(int64_t{w.tiles} * w.column_blocks, v.blocks));
    const auto together = static_cast<double>(ceil_div(v.blocks, multiprocessors));
    const double sum = v.split > 1 ? kSum + 4.0 * kernel.rows * kernel.columns / kSumBytes : 0;
    return kStart + sum + (v.resident ? together * weights / kBytes : 0) +
           rounds * together * std::max(arithmetic, bytes / kBytes);
}

constexpr int kWidths[] = {128, 64, 32};
constexpr int kSplits[] = {2, 4, 8};
constexpr double kMostWaste = 1.34;
constexpr int kMostBlocksOfSplit = 2;  // of a multiprocessor: more of them fill it without

using Costs = std::vector<std::pair<double, WindowVariant>>;

// Bytes of shared memory for a block, and prepares the GPU for them; 0 if they do not fit.
int64_t prepared_bytes(const Gpu& gpu, const WindowCut& whole, const WindowKernel& kernel) {
    const int64_t bytes = WindowShared::bytes(whole.window, kernel.columns);
    const bool fits = bytes <= gpu.shared_bytes &&
                      cudaFuncSetAttribute(kernel.run, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                           gpu.shared_bytes) == cudaSuccess;
    return fits ? bytes : 0;
}

bool too_wide(const WindowKernel& kernel, const ConvGeometry& g) {
    return g.k % kernel.lane_group != 0 || (kernel.columns > 32 && kernel.columns / 2 >= g.k);
}

// Adds the variants that split tiles: each block has one part of one.
void add_splits(Costs& found, const Gpu& gpu, const ConvGeometry& g, const WindowCut& cut,
                const WindowOptions& options) {
    if (cut.window.pads_output && options.adds) return;
    const WindowKernels& kernels = window_kernels(cut.flat_results, options, true);
    for (int number = 0; number < static_cast<int>(kernels.size()); ++number) {
        const WindowKernel& kernel = kernels[number];
        if (too_wide(kernel, g)) continue;
        const int64_t tiles = ceil_div(cut.rows, kernel.rows) * ceil_div(g.k, kernel.columns);
        for (const int split : kSplits) {
            if (cut.window.widths % split != 0 || tiles * split > kMostBlocksOfSplit * gpu.multiprocessors)
                continue;
            const int64_t widths = cut.window.widths / split, weights = cut.taps() * widths;
            for (const bool resident : {true, false}) {
                if (!resident && weights <= 6) continue;
                WindowVariant v{number, kernel.rows, kernel.columns, cut.window.width,  0,
                                0,      0,           resident,       cut.window.im2col, 0};
                v.x_stages = static_cast<int>(std::min<int64_t>(widths * cut.window.phases, 4));
                v.w_stages = static_cast<int>(resident ? weights : 6);
                v.blocks = static_cast<int>(tiles * split), v.split = split;
                WindowCut whole = cut;
                whole.finish(kernel, v);
                if (prepared_bytes(gpu, whole, kernel) == 0) continue;
                found.emplace_back(cost(whole, kernel, v, gpu.multiprocessors, options.adds), v);
            }
        }
    }
}

// Adds the variants whose blocks loop over tiles.
void add_loops(Costs& found, const Gpu& gpu, const ConvGeometry& g, const WindowCut& cut,
               const WindowOptions& options) {
    const WindowKernels& kernels = window_kernels(cut.flat_results, options, false);
    const int64_t all_weights = cut.taps() * cut.window.widths;
    for (int number = 0; number < static_cast<int>(kernels.size()); ++number) {
        const WindowKernel& kernel = kernels[number];
        if (too_wide(kernel, g)) continue;
        for (const bool resident : {true, false}) {
            WindowVariant v{number, kernel.rows, kernel.columns, cut.window.width,  0,
                            0,      0,           resident,       cut.window.im2col, 0};
            if (resident && all_weights > 512) continue;
            // Two or more blocks on a multiprocessor, or one with more buffers.
            for (const auto [x_stages, w_stages, y_stages] :
                 {std::array{2, 4, 2}, {3, 4, 2}, {3, 4, 3}, {4, 6, 3}, {6, 8, 4}, {9, 12, 4}}) {
                if (y_stages > 2 && !(cut.flat_results && options.adds) && x_stages < 4)
                    continue;  // as the one before
                v.x_stages = x_stages;
                v.y_stages = !cut.flat_results ? 0 : options.adds ? y_stages : 2;
                v.w_stages = resident ? static_cast<int>(all_weights) : w_stages;
                v.blocks = static_cast<int>(ceil_div(g.k, kernel.columns));
                WindowCut whole = cut;
                whole.finish(kernel, v);
                const int64_t bytes = prepared_bytes(gpu, whole, kernel);
                int blocks = 0;
                if (bytes == 0 ||
                    cudaOccupancyMaxActiveBlocksPerMultiprocessor(
                        &blocks, kernel.run, kernel.threads, static_cast<size_t>(bytes)) != cudaSuccess ||
                    blocks == 0)
                    continue;
                const int64_t column_blocks = whole.window.column_blocks;
                const int64_t most = std::max<int64_t>(1, blocks * gpu.multiprocessors / column_blocks);
                v.blocks = static_cast<int>(column_blocks * std::min<int64_t>(most, whole.window.tiles));
                found.emplace_back(cost(whole, kernel, v, gpu.multiprocessors, options.adds), v);
            }
        }
    }
}

}  // namespace

const WindowKernels& window_kernels(bool flat_results, const WindowOptions& options, bool split) {
    static const std::array<std::array<WindowKernels, 3>, 3> kernels{{
        {direct_kernels(), direct_kernels_that_add(), direct_kernels_with_function()},
        {flat_kernels(), flat_kernels_that_add(), flat_kernels_with_function()},
        {split_kernels(), split_kernels_that_add(), split_kernels_with_function()},
    }};
    return kernels[split          ? 2
                   : flat_results ? 1
                                  : 0][options.adds                                ? 1
                                       : options.adds_constant || options.looks_up ? 2
                                                                                   : 0];
}

std::string WindowVariant::text() const {
    return std::string(im2col ? "im2col " : "") + (split > 1 ? "split=" + std::to_string(split) + " " : "") +
           "rows=" + std::to_string(rows) + " columns=" + std::to_string(columns) +
           " width=" + std::to_string(width) + " x=" + std::to_string(x_stages) +
           (resident ? " resident" : " w=" + std::to_string(w_stages)) +
           (y_stages ? " y=" + std::to_string(y_stages) : "");
}

std::string window_refusal() {
    if (current_gpu().major != 9) return "needs a Hopper GPU";
    if (!kHasHopperCode) return "not compiled for Hopper GPUs";
    return encoder() == nullptr || im2col_encoder() == nullptr ? "the driver makes no tensor maps" : "";
}

std::vector<WindowVariant> window_variants(const ConvGeometry& g, const WindowOptions& options) {
    const Gpu gpu;
    if (!window_refusal().empty() || !taken(g) ||
        (options.adds && (options.adds_constant || options.looks_up)))
        return {};
    Costs found;
    for (const int width : kWidths) {
        if (static_cast<double>(ceil_div(g.c, width) * width) > kMostWaste * static_cast<double>(g.c) &&
            width > 32)
            continue;
        for (const bool im2col : {false, true}) {
            const WindowCut cut(g, width, options, im2col);
            if (!cut.possible) continue;
            add_splits(found, gpu, g, cut, options);
            add_loops(found, gpu, g, cut, options);
        }
    }
    std::stable_sort(found.begin(), found.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<WindowVariant> sorted;
    for (const auto& [cost, variant] : found) sorted.push_back(variant);
    return sorted;
}

}  // namespace qudnn::kernels
