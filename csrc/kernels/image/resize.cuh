// What the resizing kernels share: coordinates, and a loop over all elements.
#pragma once

#include "kernels/common/common.cuh"
#include "kernels/common/divisor.cuh"
#include "kernels/image/resize.h"

namespace qudnn::kernels {

// Where pixel i of the result lies in x, in float32 steps.
__device__ inline float coordinate(int i, const ResizeAxis& axis, Coordinates coordinates) {
    const float at = static_cast<float>(i), in = static_cast<float>(axis.in),
                out = static_cast<float>(axis.out);
    if (axis.scale == 1.0f) return at;
    switch (coordinates) {
        case Coordinates::asymmetric:
            return divide(at, axis.scale);
        case Coordinates::tf_half_pixel_for_nn:
            return divide(plus(at, 0.5f), axis.scale);
        case Coordinates::align_corners:
            return axis.out == 1 ? 0.0f : divide(multiply(at, in - 1), out - 1);
        case Coordinates::half_pixel_symmetric: {
            const float adjustment = divide(out, multiply(axis.scale, in));
            const double offset = multiply(in * 0.5f, plus(1.0f, -adjustment));
            return static_cast<float>(offset + (at + 0.5) / static_cast<double>(axis.scale) - 0.5);
        }
        case Coordinates::pytorch_half_pixel:
            if (axis.out <= 1) return 0.0f;
            [[fallthrough]];
        default:
            return plus(divide(plus(at, 0.5f), axis.scale), -0.5f);
    }
}

// The two pixels that pixel i of the result lies between, and how far it is from each.
template <typename Weight>
struct Between {
    int first, second;
    Weight from_first, from_second;
};

__device__ inline Between<float> between(int i, const ResizeAxis& axis, Coordinates coordinates) {
    const float last = static_cast<float>(axis.in - 1);
    const float at = fmaxf(fminf(coordinate(i, axis, coordinates), last), 0.0f);
    const int first = static_cast<int>(at), second = min(first + 1, axis.in - 1);
    if (first == second) return {first, second, 0.5f, 0.5f};
    return {first, second, plus(at, -static_cast<float>(first)), plus(static_cast<float>(second), -at)};
}

template <typename Index>
struct Divisors {
    Divisor<Index> channels, columns, rows;
};

// The image, row, column and channel (or vector of them) of an element of the result.
struct Place {
    int64_t image, channel;
    int row, column;
};

template <typename Index>
__device__ inline Place place(Index i, const Divisors<Index>& by) {
    Place at;
    at.channel = static_cast<int64_t>(split(i, by.channels));
    at.column = static_cast<int>(split(i, by.columns));
    at.row = static_cast<int>(split(i, by.rows));
    at.image = static_cast<int64_t>(i);
    return at;
}

template <typename V, typename Index, typename Kernel>
__global__ void __launch_bounds__(kThreads)
    resize_kernel(Index count, ResizeGeometry g, Divisors<Index> by, Kernel kernel, const V* __restrict__ x,
                  V* __restrict__ y) {
    const Index stride = static_cast<Index>(gridDim.x) * kThreads;
    for (Index i = static_cast<Index>(blockIdx.x) * kThreads + threadIdx.x; i < count; i += stride)
        y[i] = kernel(g, place(i, by), x);
}

template <typename V, typename Index, typename Kernel>
cudaError_t run(int64_t count, const ResizeGeometry& g, const Kernel& kernel, const int8_t* x, int8_t* y,
                cudaStream_t stream) {
    const Divisors<Index> by{Divisor<Index>(g.c), Divisor<Index>(g.w.out), Divisor<Index>(g.h.out)};
    return launch(resize_kernel<V, Index, Kernel>, ceil_div(count, kThreads), kThreads, stream,
                  static_cast<Index>(count), g, by, kernel, reinterpret_cast<const V*>(x),
                  reinterpret_cast<V*>(y));
}

// Calls f with vectors of 16 channels and 32-bit indices where they do.
template <typename F>
cudaError_t with_vectors(ResizeGeometry g, const int8_t* x, const int8_t* y, F f) {
    const int64_t count = g.n * g.h.out * g.w.out * g.c;
    if (g.c % 16 == 0 && aligned(x, 16) && aligned(y, 16) && narrow(count / 16)) {
        g.c /= 16;
        return f.template operator()<uint4, uint32_t>(count / 16, g);
    }
    return narrow(count) ? f.template operator()<uint8_t, uint32_t>(count, g)
                         : f.template operator()<uint8_t, uint64_t>(count, g);
}

inline bool empty(const ResizeGeometry& g) { return g.n * g.h.out * g.w.out * g.c == 0; }

}  // namespace qudnn::kernels
