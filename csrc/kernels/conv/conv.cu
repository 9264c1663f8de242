#include "kernels/conv/conv.cuh"

namespace qudnn::kernels {

// Coordinates, the taps beyond the image included, are computed in 32 bits.
std::string conv_refusal(const ConvGeometry& g) {
    constexpr int64_t kMax = INT_MAX / 4;
    if (g.group <= 0 || g.c <= 0) return "no channels";
    if (g.c % g.group != 0 || g.k % g.group != 0) return "channels that the groups do not divide";
    for (int64_t side : {g.n, g.d, g.h, g.w, g.t, g.r, g.s, g.z, g.p, g.q, g.stride_d, g.stride_h, g.stride_w,
                         g.dilation_d, g.dilation_h, g.dilation_w, g.group, g.c / g.group, g.k / g.group})
        if (side < 0 || side > kMax) return "a side beyond 2^29";
    if (g.k > INT_MAX) return "output channels beyond 31 bits";
    for (int64_t reach : {std::abs(g.pad_front), std::abs(g.pad_top), std::abs(g.pad_left), g.z * g.stride_d,
                          g.p * g.stride_h, g.q * g.stride_w, g.t * g.dilation_d, g.r * g.dilation_h,
                          g.s * g.dilation_w, g.t * g.r})
        if (reach > kMax) return "windows that reach beyond 2^29";
    return {};
}

namespace {

constexpr int64_t kMinTileColumns = 16;

// What the kernels need of g, which is not refused.
Conv narrowed(const ConvGeometry& g, int x_zero_point) {
    const auto narrowed = [](int64_t value) { return static_cast<int>(value); };
    const int64_t group_c = g.c / g.group;
    return {.d = narrowed(g.d),
            .h = narrowed(g.h),
            .w = narrowed(g.w),
            .t = narrowed(g.t),
            .r = narrowed(g.r),
            .s = narrowed(g.s),
            .z = narrowed(g.z),
            .p = narrowed(g.p),
            .q = narrowed(g.q),
            .c = g.c,
            .k = g.k,
            .group_c = narrowed(group_c),
            .group_k = narrowed(g.k / g.group),
            .pad_front = narrowed(g.pad_front),
            .pad_top = narrowed(g.pad_top),
            .pad_left = narrowed(g.pad_left),
            .stride_d = narrowed(g.stride_d),
            .stride_h = narrowed(g.stride_h),
            .stride_w = narrowed(g.stride_w),
            .dilation_d = narrowed(g.dilation_d),
            .dilation_h = narrowed(g.dilation_h),
            .dilation_w = narrowed(g.dilation_w),
            .pixels = g.n * g.z * g.p * g.q,
            .depth = g.t * g.r * g.s * group_c,
            .zero_point = splat(x_zero_point),
            .pads_output = g.y_padding.any(),
            .y = PaddedImages<uint64_t>(g.n * g.z, g.p, g.q, g.y_padding)};
}

template <bool kDeep, class E, typename Y>
cudaError_t run(const Conv& g, const int8_t* x, const int8_t* filter, const E& epilogue, Y* y,
                cudaStream_t stream) {
    const bool words = g.group_c % 4 == 0 && aligned(x, 4) && aligned(filter, 4);
    const int64_t groups = g.k / g.group_k;
    if (g.group_k < kMinTileColumns && groups > 1)
        return launch(words ? direct_conv_kernel<E, Y, true, kDeep> : direct_conv_kernel<E, Y, false, kDeep>,
                      ceil_div(g.pixels * g.k, kThreads), kThreads, stream, g, x, filter, epilogue, y);
    const int64_t tiles = groups * ceil_div(g.pixels, kTile) * ceil_div(g.group_k, kTile);
    const bool store_vectors = g.group_k % 4 == 0 && aligned(y, 4 * sizeof(Y));
    return launch(words ? tiled_conv_kernel<E, Y, true, kDeep> : tiled_conv_kernel<E, Y, false, kDeep>, tiles,
                  kThreads, stream, g, x, filter, epilogue, store_vectors, y);
}

bool is_empty(const ConvGeometry& g) { return g.n * g.z * g.p * g.q * g.k == 0; }

}  // namespace

template <typename Y>
cudaError_t conv(const ConvGeometry& g, int x_zero_point, const int8_t* x, const int8_t* filter,
                 const Epilogue& epilogue, Y* y, cudaStream_t stream) {
    if (is_empty(g)) return cudaSuccess;
    if (!conv_refusal(g).empty()) return cudaErrorInvalidValue;
    if (g.y_padding.any() && !std::is_same_v<Y, int8_t>) return cudaErrorInvalidValue;
    const Conv geometry = narrowed(g, x_zero_point);
    if constexpr (std::is_same_v<Y, int8_t>) {
        if (geometry.y.count > 0) {
            const cudaError_t status =
                launch(padding_kernel, ceil_div(static_cast<int64_t>(geometry.y.count) * g.k, kThreads),
                       kThreads, stream, geometry, epilogue.padding(), y);
            if (status != cudaSuccess) return status;
        }
        if (epilogue.table != nullptr)
            return g.deep() ? cudaErrorInvalidValue
                            : run<false>(geometry, x, filter, TableEpilogue(epilogue), y, stream);
    }
    const TypedEpilogue<Y> typed(epilogue);
    return g.deep() ? run<true>(geometry, x, filter, typed, y, stream)
                    : run<false>(geometry, x, filter, typed, y, stream);
}

cudaError_t conv_and_residual(const ConvGeometry& g, int x_zero_point, const int8_t* x, const int8_t* filter,
                              const Epilogue& epilogue, const Residual& residual, int8_t* y,
                              cudaStream_t stream) {
    if (is_empty(g)) return cudaSuccess;
    if (!conv_refusal(g).empty() || g.deep() || g.y_padding.any() || !residual.in_float)
        return cudaErrorInvalidValue;
    return run<false>(narrowed(g, x_zero_point), x, filter, ResidualEpilogue(epilogue, residual), y, stream);
}

template cudaError_t conv(const ConvGeometry&, int, const int8_t*, const int8_t*, const Epilogue&, int8_t*,
                          cudaStream_t);
template cudaError_t conv(const ConvGeometry&, int, const int8_t*, const int8_t*, const Epilogue&, float*,
                          cudaStream_t);
template cudaError_t conv(const ConvGeometry&, int, const int8_t*, const int8_t*, const Epilogue&, int32_t*,
                          cudaStream_t);

}  // namespace qudnn::kernels
