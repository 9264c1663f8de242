#include "kernels/window.h"

#include <cudaTypedefs.h>

#include <array>

#include "kernels/gpu.h"
#include "kernels/window.cuh"

namespace qudnn::kernels {
namespace {

constexpr double kNanosecondsOfProduct = 1.4e-4;  // of a multiprocessor
constexpr int64_t kMaxRows = 1 << 30, kMaxExtent = 1 << 20, kMaxBox = 256, kMaxKinds = 32;

struct Kernel {
    int rows, columns, lane_group, threads;
    void (*run)(Window, WindowMaps, Epilogue, const int32_t*, OutputRange, WindowAddition, int8_t*);
};

template <class S>
constexpr Kernel entry() {
    return {S::kRows, S::kColumns, S::kLaneGroup, S::kBlockThreads, window_kernel<S>};
}

// The second one adds a residual.
template <int kTiles, int kColumns, int kBlocks>
constexpr std::array<Kernel, 2> entries() {
    return {entry<WindowShape<kTiles, kColumns, false, kBlocks>>(),
            entry<WindowShape<kTiles, kColumns, true, kBlocks>>()};
}

constexpr std::array<std::array<Kernel, 2>, 5> kKernels = {
    entries<1, 64, 3>(),   // 128 x 64
    entries<2, 64, 2>(),   // 256 x 64
    entries<1, 128, 2>(),  // 128 x 128
    entries<2, 128, 1>(),  // 256 x 128
    entries<2, 32, 3>(),   // 256 x 32
};

// The least distance of lines, or of images in lines, at which what lies between them is outside of both,
// where `extent` outputs have taps from `least` to `most` elements after theirs, of `elements`.
int64_t spacing(int64_t extent, int64_t elements, int64_t least, int64_t most) {
    return std::min(extent + most - least, std::max(extent + most, elements - least));
}

int64_t floor_div(int64_t a, int64_t b) { return a >= 0 ? a / b : -ceil_div(-a, b); }

// Taps along one dimension: the image of every n-th element that tap i reads, and how far after the output.
struct Axis {
    int64_t pad, stride, dilation;

    int64_t offset(int64_t i) const { return i * dilation - pad; }
    int64_t shift(int64_t i) const { return floor_div(offset(i), stride); }
    int64_t phase(int64_t i) const { return offset(i) - shift(i) * stride; }
};

// Output elements whose windows reach over the image's start or end.
Border border(const Axis& axis, int64_t taps, int64_t extent, int64_t elements) {
    const auto inside = [&](int64_t i) {
        return i * axis.stride + axis.offset(0) >= 0 && i * axis.stride + axis.offset(taps - 1) < elements;
    };
    Border b{0, 0, static_cast<int>(extent)};
    while (b.before < extent && !inside(b.before)) ++b.before;
    while (b.before + b.after < extent && !inside(extent - 1 - b.after)) ++b.after;
    if (b.before == extent) --b.before;  // so that there is one between
    return b;
}

bool taken(const ConvGeometry& g) {
    for (int64_t side : {g.n, g.p, g.q, g.h, g.w})
        if (side < 1 || side > kMaxRows) return false;
    for (int64_t side : {g.c, g.k, g.r, g.s, g.stride_h, g.stride_w, g.dilation_h, g.dilation_w})
        if (side < 1 || side > kMaxExtent) return false;
    const int64_t taps = g.r * g.s, pixels = g.n * g.y_padding.rows(g.p) * g.y_padding.columns(g.q);
    return g.group == 1 && g.c % 16 == 0 && g.k % 32 == 0 && taps <= kMaxTaps && taps * g.c <= kMaxExtent &&
           g.pad_top >= 0 && g.pad_left >= 0 && narrow(pixels * ceil_div(g.k, 16)) &&
           (g.p - 1) * g.stride_h <= kMaxExtent && (g.q - 1) * g.stride_w <= kMaxRows;
}

bool flat(const ConvGeometry& g) {
    return g.r == 1 && g.s == 1 && g.stride_h == 1 && g.stride_w == 1 && g.pad_top == 0 && g.pad_left == 0 &&
           g.p == g.h && g.q == g.w && !g.y_padding.any();
}

// A geometry cut for a width of x; the rest comes with a variant.
struct Cut {
    Window window{};
    std::array<std::array<int64_t, 2>, kMaxPhases>
        origin{};                 // of each phase's image, its first line and column
    int64_t pitch = 1, rows = 0;  // of the matrix
    bool possible = false;

    Cut(const ConvGeometry& g, int width, bool pads_with_value) {
        const Axis down{g.pad_top, g.stride_h, g.dilation_h}, across{g.pad_left, g.stride_w, g.dilation_w};
        Window& w = window;
        w.width = width, w.widths = static_cast<int>(ceil_div(g.c, width)), w.depth = width / 32;
        w.c = static_cast<int>(g.c), w.k = static_cast<int>(g.k);
        w.images = static_cast<int>(g.n), w.p = static_cast<int>(g.p), w.q = static_cast<int>(g.q);
        w.flat = flat(g);
        const int64_t top = down.shift(0), left = across.shift(0);
        const int64_t bottom = down.shift(g.r - 1), right = across.shift(g.s - 1);
        if (w.flat) {
            rows = g.n * g.p * g.q;
            if (rows > kMaxRows) return;
            w.q = static_cast<int>(rows);
        } else {
            const int64_t h = ceil_div(g.h, g.stride_h), columns = ceil_div(g.w, g.stride_w);
            const int64_t granule = std::max(1, 128 / width);  // boxes go to multiples of 128 bytes
            pitch = ceil_div(spacing(g.q, columns, left, right), granule) * granule;
            const int64_t lines = spacing(g.p, h, top, bottom);
            rows = g.n * lines * pitch;
            if (pitch > kMaxBox || rows > kMaxRows) return;
            w.pitch = Divisor<uint32_t>(pitch), w.lines = Divisor<uint32_t>(lines);
            w.left = static_cast<int>(left), w.top = static_cast<int>(top);
            w.reach = static_cast<int>((bottom - top) * pitch + right - left);
            w.line_bytes = static_cast<int>(pitch * width);
        }
        int taps = 0;
        for (int64_t r = 0; r < g.r; ++r)
            for (int64_t s = 0; s < g.s; ++s) {
                const std::array<int64_t, 2> of_tap{down.phase(r), across.phase(s)};
                int phase = 0;
                while (phase < w.phases && origin[phase] != of_tap) ++phase;
                if (phase == kMaxPhases) return;
                origin[phase] = of_tap;
                w.phases = std::max(w.phases, phase + 1);
            }
        for (int phase = 0; phase < w.phases; ++phase) {
            w.phase[phase].first_tap = taps;
            for (int64_t r = 0; r < g.r; ++r)
                for (int64_t s = 0; s < g.s; ++s) {
                    if (origin[phase] != std::array<int64_t, 2>{down.phase(r), across.phase(s)}) continue;
                    w.tap[taps++] = {static_cast<int>((down.shift(r) - top) * pitch + across.shift(s) - left),
                                     static_cast<int>(r * g.s + s)};
                }
            w.phase[phase].taps = taps - w.phase[phase].first_tap;
        }
        if (pads_with_value) {
            w.row_border = border(down, g.r, g.p, g.h), w.column_border = border(across, g.s, g.q, g.w);
            w.kinds = w.row_border.kinds() * w.column_border.kinds();
        } else {
            w.kinds = 1;
        }
        w.pads_output = g.y_padding.any();
        w.y = PaddedImages<uint32_t>(g.n, g.p, g.q, g.y_padding);
        possible = w.kinds <= kMaxKinds;
    }

    // The most lines of which a tile needs rows.
    int64_t lines(int tile_rows) const { return ceil_div(tile_rows + window.reach + pitch - 1, pitch); }

    // Values to sum.
    double depth() const {
        double taps = 0;
        for (int i = 0; i < window.phases; ++i) taps += window.phase[i].taps;
        return taps * window.widths * window.width;
    }

    void finish(const Kernel& kernel, const WindowVariant& v, int64_t blocks_together = 1) {
        Window& w = window;
        if (w.flat) w.line_bytes = kernel.rows * w.width;
        w.tiles = static_cast<int>(ceil_div(rows, kernel.rows));
        w.column_blocks = static_cast<int>(ceil_div(w.k, kernel.columns));
        w.tile_step = v.blocks / w.column_blocks;
        w.x_stages = v.x_stages, w.w_stages = v.w_stages, w.resident = v.resident;
        w.x_bytes = static_cast<int>(
            ceil_div(w.flat ? w.line_bytes : lines(kernel.rows) * w.line_bytes, 1024) * 1024);
        w.w_bytes = kernel.columns * w.width;
        if (blocks_together > 1 && w.tiles > 4 * w.tile_step)
            w.delay = static_cast<unsigned>(static_cast<double>(kernel.rows) * kernel.columns * depth() *
                                            kNanosecondsOfProduct);
    }
};

// biases[kind][k]: the bias, and what the taps outside the image of a pixel of that kind would have added.
__global__ void __launch_bounds__(128)
    biases_kernel(const __grid_constant__ Border rows, const __grid_constant__ Border columns, Axis down,
                  Axis across, int h, int w, int r, int s, int c, int k, int x_zero_point,
                  const int8_t* __restrict__ filter, const int32_t* __restrict__ bias,
                  int32_t* __restrict__ biases) {
    __shared__ int sums[kMaxTaps];
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

int multiprocessors() {
    static const int of_first = Gpu().multiprocessors;  // those of one generation have about as many
    return of_first;
}

using Encode = PFN_cuTensorMapEncodeTiled_v12000;

Encode encoder() {
    static const Encode found = [] {
        void* function = nullptr;
        cudaDriverEntryPointQueryResult result{};
        if (cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &function, 12000, cudaEnableDefault,
                                             &result) != cudaSuccess ||
            result != cudaDriverEntryPointSuccess)
            function = nullptr;
        return reinterpret_cast<Encode>(function);
    }();
    return found;
}

template <size_t kRank>
bool encode(CUtensorMap& map, const int8_t* tensor, const std::array<int64_t, kRank>& extents,
            const std::array<int64_t, kRank - 1>& strides, const std::array<int64_t, kRank>& box, int width) {
    std::array<cuuint64_t, kRank> sizes;
    std::array<cuuint64_t, kRank - 1> steps;
    std::array<cuuint32_t, kRank> boxes, ones;
    for (size_t i = 0; i < kRank; ++i) {
        sizes[i] = static_cast<cuuint64_t>(extents[i]), boxes[i] = static_cast<cuuint32_t>(box[i]),
        ones[i] = 1;
        if (i + 1 < kRank) steps[i] = static_cast<cuuint64_t>(strides[i]);
    }
    const CUtensorMapSwizzle swizzle = width == 128  ? CU_TENSOR_MAP_SWIZZLE_128B
                                       : width == 64 ? CU_TENSOR_MAP_SWIZZLE_64B
                                                     : CU_TENSOR_MAP_SWIZZLE_32B;
    return encoder()(&map, CU_TENSOR_MAP_DATA_TYPE_UINT8, kRank, const_cast<int8_t*>(tensor), sizes.data(),
                     steps.data(), boxes.data(), ones.data(), CU_TENSOR_MAP_INTERLEAVE_NONE, swizzle,
                     CU_TENSOR_MAP_L2_PROMOTION_L2_128B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE) == CUDA_SUCCESS;
}

bool encode(WindowMaps& maps, const ConvGeometry& g, const Cut& cut, const Kernel& kernel, const int8_t* x,
            const int8_t* filter) {
    const Window& w = cut.window;
    for (int i = 0; i < kMaxPhases; ++i) {
        if (i >= w.phases) {
            maps.x[i] = maps.x[0];
            continue;
        }
        bool good;
        if (w.flat) {
            good = encode<4>(maps.x[i], x, {g.c, cut.rows, 1, 1}, {g.c, cut.rows * g.c, cut.rows * g.c},
                             {w.width, kernel.rows, 1, 1}, w.width);
        } else {
            const auto [line, column] = cut.origin[i];
            // Windows that never reach a phase's image have no taps in it.
            const int64_t lines = ceil_div(g.h - line, g.stride_h),
                          columns = ceil_div(g.w - column, g.stride_w);
            if (lines < 1 || columns < 1) return false;
            good = encode<4>(maps.x[i], x + (line * g.w + column) * g.c, {g.c, columns, lines, g.n},
                             {g.stride_w * g.c, g.stride_h * g.w * g.c, g.h * g.w * g.c},
                             {w.width, cut.pitch, 1, 1}, w.width);
        }
        if (!good) return false;
    }
    const int64_t depth = g.r * g.s * g.c, group = kernel.lane_group;
    return encode<5>(maps.w, filter, {depth, 2, 4, group / 8, ceil_div(g.k, group)},
                     {depth, group / 4 * depth, 2 * depth, group * depth},
                     {w.width, 2, 4, group / 8, kernel.columns / group}, w.width);
}

WindowAddition addition_of(const Residual& residual, const Epilogue& e) {
    const Add add(residual.scales);
    const bool first = residual.y_first;
    return {.r = residual.r,
            .of_result = first ? add.ra : add.rb,
            .of_r = first ? add.rb : add.ra,
            .f = add.f,
            .least = static_cast<float>(e.low - e.zero_point),
            .most = static_cast<float>(e.high - e.zero_point),
            .result_origin = static_cast<float>(e.zero_point + residual.scales.offset) - 12582912.0f,
            .r_origin = add.origin,
            .shift = -kSumOrigin - residual.scales.offset,
            .result_first = first};
}

// What a variant takes, in cycles of its busiest multiprocessor, about.
double cost(const Cut& cut, const Kernel& kernel, const WindowVariant& v, int multiprocessors, bool adds) {
    constexpr double kProducts = 3400, kBytes = 26, kEnd = 160, kStart = 1500;
    const Window& w = cut.window;
    const double depth = cut.depth();
    const double arithmetic = kernel.rows * kernel.columns * (depth + kEnd) / kProducts;
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
           (resident ? " resident" : " w=" + std::to_string(w_stages));
}

std::vector<WindowVariant> window_variants(const ConvGeometry& g, bool pads_with_value, bool adds) {
    const Gpu gpu;
    if (gpu.major != 9 || !taken(g) || encoder() == nullptr) return {};
    std::vector<std::pair<double, WindowVariant>> found;
    for (const int width : kWidths) {
        if (static_cast<double>(ceil_div(g.c, width) * width) > kMostWaste * static_cast<double>(g.c) &&
            width > 32)
            continue;
        const Cut cut(g, width, pads_with_value);
        if (!cut.possible) continue;
        const int64_t all_weights = g.r * g.s * cut.window.widths;
        for (int number = 0; number < static_cast<int>(kKernels.size()); ++number) {
            const Kernel& kernel = kKernels[number][adds ? 1 : 0];
            if (g.k % kernel.lane_group != 0 || (kernel.columns > 32 && kernel.columns / 2 >= g.k)) continue;
            for (const bool resident : {true, false}) {
                WindowVariant v{number, kernel.rows, kernel.columns, width, 0, 0, resident, 0};
                if (resident && all_weights > 512) continue;
                // Two or more blocks on a multiprocessor, or one with more buffers.
                for (const auto [x_stages, w_stages] : {std::array{2, 4}, {3, 4}, {4, 6}, {6, 8}}) {
                    v.x_stages = x_stages;
                    v.w_stages = resident ? static_cast<int>(all_weights) : w_stages;
                    v.blocks = static_cast<int>(ceil_div(g.k, kernel.columns));
                    Cut whole = cut;
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
    return static_cast<size_t>(Cut(g, 32, true).window.kinds) * static_cast<size_t>(g.k) * 4;
}

cudaError_t window_conv(const ConvGeometry& g, const WindowVariant& variant, int x_zero_point,
                        const int8_t* x, const int8_t* filter, const Epilogue& epilogue,
                        const Residual& residual, int8_t* y, void* workspace, cudaStream_t stream) {
    const bool adds = residual.r != nullptr;
    for (const void* pointer : {static_cast<const void*>(x), static_cast<const void*>(filter),
                                static_cast<const void*>(y), static_cast<const void*>(residual.r)})
        if (!aligned(pointer, 16)) return cudaErrorMisalignedAddress;
    const Kernel& kernel = kKernels.at(static_cast<size_t>(variant.kernel))[adds ? 1 : 0];
    const bool pads_with_value = workspace != nullptr;
    Cut cut(g, variant.width, pads_with_value);
    if (adds && cut.window.pads_output) return cudaErrorInvalidValue;
    cut.finish(kernel, variant, ceil_div(variant.blocks, multiprocessors()));
    WindowMaps maps;
    if (!encode(maps, g, cut, kernel, x, filter)) return cudaErrorInvalidValue;
    const int32_t* biases = epilogue.bias;
    if (pads_with_value) {
        const Window& w = cut.window;
        auto* table = static_cast<int32_t*>(workspace);
        auto narrowed = [](int64_t value) { return static_cast<int>(value); };
        biases_kernel<<<static_cast<unsigned>(g.k), 128, 0, stream>>>(
            w.row_border, w.column_border, Axis{g.pad_top, g.stride_h, g.dilation_h},
            Axis{g.pad_left, g.stride_w, g.dilation_w}, narrowed(g.h), narrowed(g.w), narrowed(g.r),
            narrowed(g.s), narrowed(g.c), narrowed(g.k), x_zero_point, filter, epilogue.bias, table);
        if (const cudaError_t status = cudaGetLastError(); status != cudaSuccess) return status;
        biases = table;
    }
    const auto bytes = static_cast<size_t>(WindowShared::bytes(cut.window, kernel.columns));
    kernel.run<<<static_cast<unsigned>(variant.blocks), kernel.threads, bytes, stream>>>(
        cut.window, maps, epilogue, biases, OutputRange(epilogue),
        adds ? addition_of(residual, epilogue) : WindowAddition{}, y);
    return cudaGetLastError();
}

}  // namespace qudnn::kernels
