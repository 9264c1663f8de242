#include "kernels/image/resize.h"

#include "kernels/image/resize.cuh"

namespace qudnn::kernels {
namespace {

__device__ inline int nearest_pixel(float at, int in, Nearest nearest) {
    const float below = floorf(at);
    int pixel;
    if (nearest == Nearest::floor) {
        pixel = static_cast<int>(below);
    } else if (nearest == Nearest::ceil) {
        pixel = static_cast<int>(ceilf(at));
    } else if (fabsf(plus(plus(at, -below), -0.5f)) < 1e-6f) {  // a tie
        pixel = static_cast<int>(below) + (nearest == Nearest::round_prefer_ceil);
    } else {
        pixel = static_cast<int>(below) + (plus(at, -below) > 0.5f);
    }
    return min(max(pixel, 0), in - 1);
}

// The same in units of 2^-10, cut off.
__device__ inline Between<int> between_fixed(int i, const ResizeAxis& axis, Coordinates coordinates) {
    const float last = static_cast<float>(axis.in - 1);
    const float at = fmaxf(fminf(coordinate(i, axis, coordinates), last), 0.0f);
    const int first = static_cast<int>(at), second = min(first + 1, axis.in - 1);
    if (first == second) return {first, second, 512, 512};
    const int fraction = static_cast<int>(multiply(at, 1024.0f)) - first * 1024;
    return {first, second, fraction, 1024 - fraction};
}

// g.c counts vectors, here and below.
template <typename V>
struct NearestKernel {
    Nearest nearest;

    __device__ V operator()(const ResizeGeometry& g, const Place& at, const V* __restrict__ x) const {
        const int h = nearest_pixel(coordinate(at.row, g.h, g.coordinates), g.h.in, nearest);
        const int w = nearest_pixel(coordinate(at.column, g.w, g.coordinates), g.w.in, nearest);
        return x[((at.image * g.h.in + h) * g.w.in + w) * g.c + at.channel];
    }
};

// Two bytes of each of four pixels to two bytes of the result; values as `kSigned` says.
template <bool kSigned>
struct FixedBlend {
    uint32_t columns;  // the weights of the left and the right pixel, 16 bits each
    int upper, lower;

    __device__ uint32_t value(int above, int below) const {
        int sum = above * upper + below * lower;
        if (kSigned) sum += sum >> 31 & ((1 << 20) - 1);  // towards 0
        return static_cast<uint32_t>(sum >> 20);
    }
    __device__ static int low(uint32_t weights, uint32_t bytes) {
        return kSigned ? __dp2a_lo(static_cast<int>(weights), static_cast<int>(bytes), 0)
                       : static_cast<int>(__dp2a_lo(weights, bytes, 0u));
    }
    __device__ static int high(uint32_t weights, uint32_t bytes) {
        return kSigned ? __dp2a_hi(static_cast<int>(weights), static_cast<int>(bytes), 0)
                       : static_cast<int>(__dp2a_hi(weights, bytes, 0u));
    }
    __device__ uint32_t word(uint32_t upper_left, uint32_t upper_right, uint32_t lower_left,
                             uint32_t lower_right) const {
        if (!kSigned) {
            upper_left ^= kByteBias, upper_right ^= kByteBias;
            lower_left ^= kByteBias, lower_right ^= kByteBias;
        }
        // Left and right of channels 0, 1 and of 2, 3.
        const uint32_t above01 = __byte_perm(upper_left, upper_right, 0x5140),
                       above23 = __byte_perm(upper_left, upper_right, 0x7362),
                       below01 = __byte_perm(lower_left, lower_right, 0x5140),
                       below23 = __byte_perm(lower_left, lower_right, 0x7362);
        const uint32_t y = pack(value(low(columns, above01), low(columns, below01)),
                                value(high(columns, above01), high(columns, below01)),
                                value(low(columns, above23), low(columns, below23)),
                                value(high(columns, above23), high(columns, below23)));
        return kSigned ? y : y ^ kByteBias;
    }
    __device__ uint4 vector(const uint4& a, const uint4& b, const uint4& c, const uint4& d) const {
        return {word(a.x, b.x, c.x, d.x), word(a.y, b.y, c.y, d.y), word(a.z, b.z, c.z, d.z),
                word(a.w, b.w, c.w, d.w)};
    }
    __device__ uint8_t vector(uint8_t a, uint8_t b, uint8_t c, uint8_t d) const {
        return static_cast<uint8_t>(word(a, b, c, d));
    }
};

template <typename V, bool kSigned>
struct LinearKernel {
    __device__ V operator()(const ResizeGeometry& g, const Place& at, const V* __restrict__ x) const {
        const Between<int> h = between_fixed(at.row, g.h, g.coordinates);
        const Between<int> w = between_fixed(at.column, g.w, g.coordinates);
        const V* upper = x + (at.image * g.h.in + h.first) * g.w.in * g.c + at.channel;
        const V* lower = x + (at.image * g.h.in + h.second) * g.w.in * g.c + at.channel;
        const int64_t left = w.first * g.c, right = w.second * g.c;
        const FixedBlend<kSigned> blend{static_cast<uint32_t>(w.from_second | w.from_first << 16),
                                        h.from_second, h.from_first};
        return blend.vector(upper[left], upper[right], lower[left], lower[right]);
    }
};

// Only columns are resized. The arithmetic is that of images whose rows are x's columns and whose columns are
// x's channels: a channel is blended with its right neighbour, with weight 0; the last one is blended with
// itself by halves.
struct ColumnsKernel {
    using V = uint8_t;

    float offset;

    __device__ V operator()(const ResizeGeometry& g, const Place& at, const V* __restrict__ x) const {
        const Between<float> w = between(at.column, g.w, g.coordinates);
        const V* row = x + (at.image * g.h.in + at.row) * g.w.in * g.c + at.channel;
        const float left = plus(static_cast<float>(static_cast<int8_t>(row[w.first * g.c])), offset);
        const float right = plus(static_cast<float>(static_cast<int8_t>(row[w.second * g.c])), offset);
        float sum;
        if (at.channel + 1 < g.c) {
            sum = plus(multiply(w.from_second, left), multiply(w.from_first, right));
        } else {
            const float half_left = multiply(multiply(0.5f, w.from_second), left);
            const float half_right = multiply(multiply(0.5f, w.from_first), right);
            sum = plus(plus(plus(half_left, half_left), half_right), half_right);
        }
        return static_cast<V>(static_cast<int>(sum) - static_cast<int>(offset));
    }
};

}  // namespace

cudaError_t resize_nearest(const ResizeGeometry& geometry, Nearest nearest, const int8_t* x, int8_t* y,
                           cudaStream_t stream) {
    if (empty(geometry)) return cudaSuccess;
    return with_vectors(geometry, x, y, [&]<typename V, typename Index>(int64_t count, const auto& g) {
        return run<V, Index>(count, g, NearestKernel<V>{nearest}, x, y, stream);
    });
}

cudaError_t resize_linear(const ResizeGeometry& geometry, int offset, const int8_t* x, int8_t* y,
                          cudaStream_t stream) {
    if (empty(geometry)) return cudaSuccess;
    if (geometry.h.scale == 1.0f) {
        const int64_t count = geometry.n * geometry.h.out * geometry.w.out * geometry.c;
        return run<uint8_t, uint64_t>(count, geometry, ColumnsKernel{static_cast<float>(offset)}, x, y,
                                      stream);
    }
    return with_vectors(geometry, x, y, [&]<typename V, typename Index>(int64_t count, const auto& g) {
        return offset == 0 ? run<V, Index>(count, g, LinearKernel<V, true>{}, x, y, stream)
                           : run<V, Index>(count, g, LinearKernel<V, false>{}, x, y, stream);
    });
}

}  // namespace qudnn::kernels
