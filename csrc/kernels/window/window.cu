#include "kernels/window/window.h"

#include <array>

#include "kernels/common/dependent_launch.cuh"
#include "kernels/common/gpu.h"
#include "kernels/elementwise/add.cuh"
#include "kernels/window/window_kernels.h"
#include "kernels/window/window_maps.cuh"

namespace qudnn::kernels {
namespace {

#ifdef QUDNN_SM90A  // compiled for sm_90a, which the host's side cannot see
constexpr bool kHasCode = true;
#else
constexpr bool kHasCode = false;
#endif

// biases[kind][k]: the bias, and what the taps outside the image of a pixel of that kind would have added.
__global__ void __launch_bounds__(128)
    biases_kernel(const __grid_constant__ WindowBorder rows, const __grid_constant__ WindowBorder columns,
                  Axis down, Axis across, int h, int w, int r, int s, int c, int k, int x_zero_point,
                  const int8_t* __restrict__ filter, const int32_t* __restrict__ bias,
                  int32_t* __restrict__ biases) {
    __shared__ int sums[kMaxTaps];
    let_next_kernel_start();
    wait_for_kernels_before();
    const int channel = blockIdx.x, lane = threadIdx.x % 32;
    for (int tap = threadIdx.x / 32; tap < r * s; tap += 4) {
        const int8_t* weights = filter + (static_cast<int64_t>(channel) * r * s + tap) * c;
        int sum = 0;
        for (int i = lane * 4; i < c; i += 128)
            sum = __dp4a(*reinterpret_cast<const int*>(weights + i), 0x01010101, sum);
        sum = __reduce_add_sync(~0u, sum);
        if (lane == 0) sums[tap] = sum;
    }
    __syncthreads();
    for (int kind = threadIdx.x; kind < rows.kinds() * columns.kinds(); kind += 128) {
        const int64_t p = rows.example(kind / columns.kinds()), q = columns.example(kind % columns.kinds());
        int32_t outside = 0;
        for (int i = 0; i < r; ++i)
            for (int j = 0; j < s; ++j) {
                const int64_t row = p * down.stride + i * down.dilation - down.pad;
                const int64_t column = q * across.stride + j * across.dilation - across.pad;
                if (row < 0 || row >= h || column < 0 || column >= w) outside += sums[i * s + j];
            }
        biases[static_cast<int64_t>(kind) * k + channel] = wrapping_add(
            bias[channel],
            static_cast<int32_t>(static_cast<uint32_t>(outside) * static_cast<uint32_t>(x_zero_point)));
    }
}

const WindowKernels& window_kernels(const ConvGeometry& g, bool adds) {
    static const std::array<WindowKernels, 4> kernels{direct_kernels(), direct_kernels_that_add(),
                                                      flat_kernels(), flat_kernels_that_add()};
    return kernels[(flat_results(g) ? 2 : 0) + (adds ? 1 : 0)];
}

int multiprocessors() {
    static const int of_first = Gpu().multiprocessors;  // those of one generation have about as many
    return of_first;
}

WindowAddition float_addition_of(const Residual& residual) {
    const BinaryScales& s = residual.scales;
    return {.r = residual.r,
            .of_result = 0,
            .of_r = s.b_scale,
            .f = 0,
            .least = -IntegerDivisor::kMostQuotient * s.y_scale,
            .most = IntegerDivisor::kMostQuotient * s.y_scale,
            .result_origin = 0,
            .r_origin = byte_origin(s.b_zero_point),
            .unsigned_ = false,
            .result_first = false,
            .in_float = true,
            .scale = IntegerDivisor(s.y_scale)};
}

WindowAddition addition_of(const Residual& residual, const Epilogue& e) {
    if (residual.in_float) return float_addition_of(residual);
    const Add add(residual.scales);
    const bool first = residual.y_first;
    return {.r = residual.r,
            .of_result = first ? add.ra : add.rb,
            .of_r = first ? add.rb : add.ra,
            .f = add.f,
            .least = static_cast<float>(e.low - e.zero_point),
            .most = static_cast<float>(e.high - e.zero_point),
            .result_origin = static_cast<float>(e.zero_point + residual.scales.offset) - kRoundingShift,
            .r_origin = add.origin,
            .unsigned_ = residual.scales.offset == 128,
            .result_first = first};
}

// The estimated time of a variant, in cycles of its busiest multiprocessor.
double cost(const WindowCut& cut, const WindowKernel& kernel, const WindowVariant& v, int multiprocessors,
            bool adds) {
    constexpr double kMacs = 3400, kBytes = 26, kEnd = 160, kStart = 1500;
    const Window& w = cut.window;
    const double depth = cut.depth();
    const double arithmetic = kernel.rows * kernel.columns * (depth + kEnd) / kMacs;
    double bytes = static_cast<double>(w.phases) * w.widths * w.x_bytes +
                   kernel.rows * kernel.columns * (adds ? 2.0 : 1.0);
    const double weights = depth * kernel.columns;
    if (!v.resident) bytes += weights;
    const auto rounds = static_cast<double>(ceil_div(int64_t{w.tiles} * w.column_blocks, v.blocks));
    const auto together = static_cast<double>(ceil_div(v.blocks, multiprocessors));
    return kStart + (v.resident ? together * weights / kBytes : 0) +
           rounds * together * std::max(arithmetic, bytes / kBytes);
}

constexpr int kWidths[] = {128, 64, 32};
constexpr double kMostWaste = 1.34;

}  // namespace

std::string WindowVariant::text() const {
    return "rows=" + std::to_string(rows) + " columns=" + std::to_string(columns) +
           " width=" + std::to_string(width) + " x=" + std::to_string(x_stages) +
           (resident ? " resident" : " w=" + std::to_string(w_stages)) +
           (y_stages ? " y=" + std::to_string(y_stages) : "");
}

std::vector<WindowVariant> window_variants(const ConvGeometry& g, bool pads_with_value, bool adds) {
    const Gpu gpu;
    if (!kHasCode || gpu.major != 9 || !taken(g) || encoder() == nullptr) return {};
    const WindowKernels& kernels = window_kernels(g, adds);
    std::vector<std::pair<double, WindowVariant>> found;
    for (const int width : kWidths) {
        if (static_cast<double>(ceil_div(g.c, width) * width) > kMostWaste * static_cast<double>(g.c) &&
            width > 32)
            continue;
        const WindowCut cut(g, width, pads_with_value);
        if (!cut.possible) continue;
        const int64_t all_weights = g.r * g.s * cut.window.widths;
        for (int number = 0; number < static_cast<int>(kernels.size()); ++number) {
            const WindowKernel& kernel = kernels[number];
            if (g.k % kernel.lane_group != 0 || (kernel.columns > 32 && kernel.columns / 2 >= g.k)) continue;
            for (const bool resident : {true, false}) {
                WindowVariant v{number, kernel.rows, kernel.columns, width, 0, 0, 0, resident, 0};
                if (resident && all_weights > 512) continue;
                // Two or more blocks on a multiprocessor, or one with more buffers.
                for (const auto [x_stages, w_stages, y_stages] :
                     {std::array{2, 4, 2}, {3, 4, 2}, {3, 4, 3}, {4, 6, 3}, {6, 8, 4}}) {
                    if (y_stages > 2 && !(flat_results(g) && adds) && x_stages < 4)
                        continue;  // as the one before
                    v.x_stages = x_stages;
                    v.y_stages = !flat_results(g) ? 0 : adds ? y_stages : 2;
                    v.w_stages = resident ? static_cast<int>(all_weights) : w_stages;
                    v.blocks = static_cast<int>(ceil_div(g.k, kernel.columns));
                    WindowCut whole = cut;
                    whole.finish(kernel, v);
                    const int64_t bytes = WindowShared::bytes(whole.window, kernel.columns);
                    int blocks = 0;
                    if (bytes > gpu.shared_bytes ||
                        cudaFuncSetAttribute(kernel.run, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                             gpu.shared_bytes) != cudaSuccess ||
                        cudaOccupancyMaxActiveBlocksPerMultiprocessor(
                            &blocks, kernel.run, kernel.threads, static_cast<size_t>(bytes)) != cudaSuccess ||
                        blocks == 0)
                        continue;
                    const int64_t column_blocks = whole.window.column_blocks;
                    const int64_t most = std::max<int64_t>(1, blocks * gpu.multiprocessors / column_blocks);
                    v.blocks = static_cast<int>(column_blocks * std::min<int64_t>(most, whole.window.tiles));
                    found.emplace_back(cost(whole, kernel, v, gpu.multiprocessors, adds), v);
                }
            }
        }
    }
    std::stable_sort(found.begin(), found.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<WindowVariant> sorted;
    for (const auto& [cost, variant] : found) sorted.push_back(variant);
    return sorted;
}

size_t window_workspace(const ConvGeometry& g, bool pads_with_value) {
    if (!pads_with_value) return 0;
    return static_cast<size_t>(WindowCut(g, 32, true).window.kinds) * static_cast<size_t>(g.k) * 4;
}

cudaError_t window_conv(const ConvGeometry& g, const WindowVariant& variant, int x_zero_point,
                        const int8_t* x, const int8_t* filter, const Epilogue& epilogue,
                        const Residual& residual, int8_t* y, void* workspace, cudaStream_t stream) {
    const bool adds = residual.r != nullptr;
    if (residual.in_float && !divides_exactly(residual.scales.y_scale)) return cudaErrorInvalidValue;
    for (const void* pointer : {static_cast<const void*>(x), static_cast<const void*>(filter),
                                static_cast<const void*>(y), static_cast<const void*>(residual.r)})
        if (!aligned(pointer, 16)) return cudaErrorMisalignedAddress;
    const WindowKernel& kernel = window_kernels(g, adds).at(static_cast<size_t>(variant.kernel));
    const bool pads_with_value = workspace != nullptr;
    WindowCut cut(g, variant.width, pads_with_value);
    if (adds && cut.window.pads_output) return cudaErrorInvalidValue;
    cut.finish(kernel, variant, ceil_div(variant.blocks, multiprocessors()));
    WindowMaps maps;
    if (!encode(maps, g, cut, kernel, x, filter, residual.r, y)) return cudaErrorInvalidValue;
    const int32_t* biases = epilogue.bias;
    if (pads_with_value) {
        const Window& w = cut.window;
        auto* table = static_cast<int32_t*>(workspace);
        auto narrowed = [](int64_t value) { return static_cast<int>(value); };
        const cudaError_t status = launch_dependent(
            biases_kernel, static_cast<unsigned>(g.k), 128, 0, stream, w.row_border, w.column_border,
            Axis{g.pad_top, g.stride_h, g.dilation_h}, Axis{g.pad_left, g.stride_w, g.dilation_w},
            narrowed(g.h), narrowed(g.w), narrowed(g.r), narrowed(g.s), narrowed(g.c), narrowed(g.k),
            x_zero_point, filter, epilogue.bias, table);
        if (status != cudaSuccess) return status;
        biases = table;
    }
    const auto bytes = static_cast<size_t>(WindowShared::bytes(cut.window, kernel.columns));
    return launch_dependent(kernel.run, static_cast<unsigned>(variant.blocks),
                            static_cast<unsigned>(kernel.threads), bytes, stream, cut.window, maps, epilogue,
                            biases, OutputRange(epilogue),
                            adds ? addition_of(residual, epilogue) : WindowAddition{}, y);
}

}  // namespace qudnn::kernels
