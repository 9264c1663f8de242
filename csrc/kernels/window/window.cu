#include "kernels/window/window.h"

#include <array>
#include <memory>

#include "kernels/common/dependent_launch.cuh"
#include "kernels/common/gpu.h"
#include "kernels/window/window_addition.cuh"
#include "kernels/window/window_kernels.h"
#include "kernels/window/window_maps.cuh"

namespace qudnn::kernels {
namespace {

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
#if __CUDA_ARCH__ >= 800  // older ones do not declare it, and run none of this
        sum = __reduce_add_sync(~0u, sum);
#endif
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

}  // namespace

// What does not depend on addresses.
struct WindowConv::Prepared {
    ConvGeometry geometry;
    WindowOptions options;
    WindowCut cut;
    const WindowKernel* kernel;
    Window with_old_table;
    unsigned split, blocks;
    size_t shared_bytes;
    uint64_t number;  // of its maps

    Prepared(const ConvGeometry& g, const WindowVariant& variant, const WindowOptions& options)
        : geometry(g),
          options(options),
          cut(g, variant.width, options, variant.im2col),
          kernel(&window_kernels(cut.flat_results, options, variant.split > 1)
                      .at(static_cast<size_t>(variant.kernel))),
          split(static_cast<unsigned>(variant.split)),
          blocks(static_cast<unsigned>(variant.blocks)) {
        number = number_of_kept_maps();
        cut.finish(*kernel, variant, ceil_div(variant.blocks, current_gpu().multiprocessors));
        shared_bytes = static_cast<size_t>(WindowShared::bytes(cut.window, kernel->columns));
        with_old_table = cut.window;
        with_old_table.bias_table = false;
    }
};

WindowConv::WindowConv(const ConvGeometry& g, const WindowVariant& variant, const WindowOptions& options)
    : prepared_(std::make_shared<Prepared>(g, variant, options)) {}

size_t WindowConv::table_bytes() const {
    const Window& w = prepared_->cut.window;
    return w.bias_table ? static_cast<size_t>(w.kinds) * static_cast<size_t>(w.k) * 4 : 0;
}

std::array<int64_t, 18> WindowConv::table_key() const {
    const ConvGeometry& g = prepared_->geometry;
    const WindowBorder &rows = prepared_->cut.window.row_border,
                       &columns = prepared_->cut.window.column_border;
    return {rows.before,   rows.after,
            rows.extent,   columns.before,
            columns.after, columns.extent,
            g.pad_top,     g.stride_h,
            g.dilation_h,  g.pad_left,
            g.stride_w,    g.dilation_w,
            g.h,           g.w,
            g.r,           g.s,
            g.c,           g.k};
}

cudaError_t WindowConv::make_table(int x_zero_point, const int8_t* filter, const int32_t* bias,
                                   int32_t* table, cudaStream_t stream) const {
    const ConvGeometry& g = prepared_->geometry;
    const Window& w = prepared_->cut.window;
    const auto narrowed = [](int64_t value) { return static_cast<int>(value); };
    return launch_dependent(biases_kernel, g.k, 128, 0, stream, w.row_border, w.column_border,
                            Axis{g.pad_top, g.stride_h, g.dilation_h},
                            Axis{g.pad_left, g.stride_w, g.dilation_w}, narrowed(g.h), narrowed(g.w),
                            narrowed(g.r), narrowed(g.s), narrowed(g.c), narrowed(g.k), x_zero_point, filter,
                            bias, table);
}

cudaError_t WindowConv::run(const int8_t* x, const int8_t* filter, const Epilogue& epilogue,
                            const Residual& residual, int8_t* y, const int32_t* table, bool is_old,
                            KeptMaps* kept, cudaStream_t stream) const {
    const auto& [g, options, cut, kernel, with_old_table, split, blocks, shared_bytes, number] = *prepared_;
    const bool adds = options.adds, adds_any = adds || options.adds_constant;
    if (adds_any != (residual.r != nullptr) || options.adds_constant != residual.per_channel ||
        options.looks_up != (epilogue.table != nullptr) || (table != nullptr) != cut.window.bias_table ||
        (adds && cut.window.pads_output))
        return cudaErrorInvalidValue;
    if (residual.in_float && !divides_exactly(residual.scales.y_scale)) return cudaErrorInvalidValue;
    for (const void* pointer : {static_cast<const void*>(x), static_cast<const void*>(filter),
                                static_cast<const void*>(y), static_cast<const void*>(residual.r)})
        if (!aligned(pointer, 16)) return cudaErrorMisalignedAddress;
    LaunchMaps<WindowMaps> maps;
    if (!find_maps(maps, g, cut, *kernel, x, filter, adds ? residual.r : nullptr, y, number, kept))
        return cudaErrorInvalidValue;
    return launch_dependent_clusters(
        kernel->run, split, blocks, static_cast<unsigned>(kernel->threads), shared_bytes, stream,
        is_old ? with_old_table : cut.window, maps.maps(), epilogue, table != nullptr ? table : epilogue.bias,
        OutputRange(epilogue), adds_any ? addition_of(residual, epilogue) : WindowAddition{}, y);
}

uint64_t tensor_maps_made() { return maps_made; }

}  // namespace qudnn::kernels
