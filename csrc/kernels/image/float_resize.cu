#include "kernels/image/float_resize.h"

#include "kernels/image/resize.cuh"

namespace qudnn::kernels {
namespace {

// The weights of the four pixels around a pixel of the result.
struct FloatBlend {
    float upper_left, upper_right, lower_left, lower_right;

    __device__ FloatBlend(const Between<float>& h, const Between<float>& w)
        : upper_left(multiply(w.from_second, h.from_second)),
          upper_right(multiply(w.from_first, h.from_second)),
          lower_left(multiply(w.from_second, h.from_first)),
          lower_right(multiply(w.from_first, h.from_first)) {}

    __device__ float operator()(float a, float b, float c, float d) const {
        const float upper = plus(multiply(upper_left, a), multiply(upper_right, b));
        return plus(plus(upper, multiply(lower_left, c)), multiply(lower_right, d));
    }
};

// From a byte to a real number and back.
struct Quantization {
    float origin, x_scale, y_scale;
    OutputRange range;

    explicit Quantization(const FloatResizeScales& s)
        : origin(byte_origin(s.x_zero_point)),
          x_scale(s.x_scale),
          y_scale(s.y_scale),
          range(s.y_zero_point) {}

    __device__ float real(uint32_t word, uint32_t i) const {
        return multiply(byte_to_float(word ^ kByteBias, i, origin), x_scale);
    }
    __device__ uint32_t byte(float real) const { return quantize(divide(real, y_scale), range); }
};

template <typename V>
struct FloatLinearKernel {
    Quantization quantization;

    __device__ V operator()(const ResizeGeometry& g, const Place& at, const V* __restrict__ x) const {
        const Between<float> h = between(at.row, g.h, g.coordinates);
        const Between<float> w = between(at.column, g.w, g.coordinates);
        const V* upper = x + (at.image * g.h.in + h.first) * g.w.in * g.c + at.channel;
        const V* lower = x + (at.image * g.h.in + h.second) * g.w.in * g.c + at.channel;
        const int64_t left = w.first * g.c, right = w.second * g.c;
        return vector(FloatBlend(h, w), upper[left], upper[right], lower[left], lower[right]);
    }

  private:
    __device__ uint32_t byte(const FloatBlend& blend, uint32_t a, uint32_t b, uint32_t c, uint32_t d,
                             uint32_t i) const {
        const Quantization& q = quantization;
        return q.byte(blend(q.real(a, i), q.real(b, i), q.real(c, i), q.real(d, i)));
    }
    __device__ uint32_t word(const FloatBlend& blend, uint32_t a, uint32_t b, uint32_t c, uint32_t d) const {
        return pack(byte(blend, a, b, c, d, 0), byte(blend, a, b, c, d, 1), byte(blend, a, b, c, d, 2),
                    byte(blend, a, b, c, d, 3));
    }
    __device__ uint4 vector(const FloatBlend& blend, const uint4& a, const uint4& b, const uint4& c,
                            const uint4& d) const {
        return {word(blend, a.x, b.x, c.x, d.x), word(blend, a.y, b.y, c.y, d.y),
                word(blend, a.z, b.z, c.z, d.z), word(blend, a.w, b.w, c.w, d.w)};
    }
    __device__ uint8_t vector(const FloatBlend& blend, uint8_t a, uint8_t b, uint8_t c, uint8_t d) const {
        return static_cast<uint8_t>(byte(blend, a, b, c, d, 0));
    }
};

// An image that keeps its size: no pixel is blended with another.
template <typename V>
struct RequantizeKernel {
    Quantization quantization;

    __device__ V operator()(const ResizeGeometry& g, const Place& at, const V* __restrict__ x) const {
        return vector(x[((at.image * g.h.in + at.row) * g.w.in + at.column) * g.c + at.channel]);
    }

  private:
    __device__ uint32_t byte(uint32_t word, uint32_t i) const {
        return quantization.byte(quantization.real(word, i));
    }
    __device__ uint32_t word(uint32_t x) const {
        return pack(byte(x, 0), byte(x, 1), byte(x, 2), byte(x, 3));
    }
    __device__ uint4 vector(const uint4& x) const { return {word(x.x), word(x.y), word(x.z), word(x.w)}; }
    __device__ uint8_t vector(uint8_t x) const { return static_cast<uint8_t>(byte(x, 0)); }
};

}  // namespace

cudaError_t float_resize(const ResizeGeometry& geometry, const FloatResizeScales& scales, const int8_t* x,
                         int8_t* y, cudaStream_t stream) {
    if (empty(geometry)) return cudaSuccess;
    const Quantization quantization(scales);
    const bool same = geometry.h.scale == 1.0f && geometry.w.scale == 1.0f;
    return with_vectors(geometry, x, y, [&]<typename V, typename Index>(int64_t count, const auto& g) {
        return same ? run<V, Index>(count, g, RequantizeKernel<V>{quantization}, x, y, stream)
                    : run<V, Index>(count, g, FloatLinearKernel<V>{quantization}, x, y, stream);
    });
}

}  // namespace qudnn::kernels
