// The kernels of border.h. Each moves quads: four elements outside, four bytes of a word inside.
#pragma once

#include "kernels/border/border.h"
#include "kernels/common/common.cuh"
#include "kernels/common/float_divisor.cuh"

namespace qudnn::kernels {

// --- Quads of outside elements.

template <typename T>
struct Quad;

template <>
struct Quad<float> {
    float v[4];

    // Elements first..last of those at p[i * stride]; vector: stride is 1 and p + 4 elements aligned.
    __device__ void load(const float* p, int64_t stride, int first, int last, bool vector) {
        if (vector && first == 0 && last == 4) {
            const float4 q = *reinterpret_cast<const float4*>(p);
            v[0] = q.x, v[1] = q.y, v[2] = q.z, v[3] = q.w;
            return;
        }
#pragma unroll
        for (int i = 0; i < 4; ++i) v[i] = i >= first && i < last ? p[i * stride] : 0.0f;
    }
    __device__ void store(float* p, int64_t stride, int first, int last, bool vector) const {
        if (vector && first == 0 && last == 4) {
            *reinterpret_cast<float4*>(p) = {v[0], v[1], v[2], v[3]};
            return;
        }
#pragma unroll
        for (int i = 0; i < 4; ++i)
            if (i >= first && i < last) p[i * stride] = v[i];
    }
};

template <>
struct Quad<uint8_t> {
    uint32_t word;

    __device__ void load(const uint8_t* p, int64_t stride, int first, int last, bool vector) {
        if (vector && first == 0 && last == 4) {
            word = *reinterpret_cast<const uint32_t*>(p);
            return;
        }
        word = 0;
#pragma unroll
        for (int i = 0; i < 4; ++i)
            if (i >= first && i < last) word |= static_cast<uint32_t>(p[i * stride]) << (8 * i);
    }
    __device__ void store(uint8_t* p, int64_t stride, int first, int last, bool vector) const {
        if (vector && first == 0 && last == 4) {
            *reinterpret_cast<uint32_t*>(p) = word;
            return;
        }
#pragma unroll
        for (int i = 0; i < 4; ++i)
            if (i >= first && i < last) p[i * stride] = static_cast<uint8_t>(word >> (8 * i));
    }
};

// --- Conversion of the values. kEnter: from outside to inside. Every thread of a kernel calls prepared()
// first, all threads of a block together, and converts with what it returns.

struct Quantize {
    using Outside = float;
    static constexpr bool kEnter = true;
    OutputRange range;
    IntegerDivisor scale;
    float most;  // the largest dividend; larger ones exceed all bounds anyway; 0: the divisor does not take
                 // the scale
    uint32_t fill;

    Quantize(int zero_point, float scale)
        : range(zero_point),
          scale(scale),
          most(IntegerDivisor::takes(scale) ? IntegerDivisor::kMostQuotient * scale : 0),
          fill(splat(zero_point)) {}

    __device__ const Quantize& prepared() const { return *this; }
    __device__ uint32_t inward(const Quad<float>& q) const {
        uint32_t y[4];
        if (most > 0) {
#pragma unroll
            for (int i = 0; i < 4; ++i)  // NaN becomes the least
                y[i] = quantize(scale.quotient(fminf(fmaxf(q.v[i], -most), most)), range);
        } else {
#pragma unroll
            for (int i = 0; i < 4; ++i) y[i] = quantize(divide(q.v[i], scale.value), range);
        }
        return pack(y[0], y[1], y[2], y[3]);
    }
};

struct Dequantize {
    using Outside = float;
    static constexpr bool kEnter = false;
    float origin, scale;

    __device__ const Dequantize& prepared() const { return *this; }
    __device__ Quad<float> outward(uint32_t word) const {
        Quad<float> q;
#pragma unroll
        for (uint32_t i = 0; i < 4; ++i) q.v[i] = multiply(byte_to_float(word ^ kByteBias, i, origin), scale);
        return q;
    }
};

struct ShiftIn {
    using Outside = uint8_t;
    static constexpr bool kEnter = true;
    uint32_t flip, fill;

    __device__ const ShiftIn& prepared() const { return *this; }
    __device__ uint32_t inward(const Quad<uint8_t>& q) const { return q.word ^ flip; }
};

struct ShiftOut {
    using Outside = uint8_t;
    static constexpr bool kEnter = false;
    uint32_t flip;

    __device__ const ShiftOut& prepared() const { return *this; }
    __device__ Quad<uint8_t> outward(uint32_t word) const { return {word ^ flip}; }
};

template <typename Convert>
using OutsidePointer =
    std::conditional_t<Convert::kEnter, const typename Convert::Outside*, typename Convert::Outside*>;
template <typename Convert>
using InsidePointer = std::conditional_t<Convert::kEnter, int8_t*, const int8_t*>;

// The converted quad, with the fill where nothing was loaded.
template <typename Convert>
__device__ uint32_t inward(const Convert& convert, const Quad<typename Convert::Outside>& q, int first,
                           int last) {
    uint32_t word = convert.inward(q);
    if (first == 0 && last == 4) return word;
    uint32_t kept =
        first < last ? static_cast<uint32_t>((uint64_t{1} << (8 * last)) - (uint64_t{1} << (8 * first))) : 0;
    return (word & kept) | (convert.fill & ~kept);
}

__device__ inline int clamp_to_quad(int64_t i) {
    return static_cast<int>(min(max(i, int64_t{0}), int64_t{4}));
}

// --- Geometry: at most three dims of pixels, then channels.

struct Border {
    int64_t inside[3], before[3], extent[3], stride[3];
    int64_t channels_inside, channels, channel_stride;

    // Where channel 0 of a pixel lies outside, -1 where it is padding.
    template <typename Index>
    __device__ int64_t locate(Index pixel) const {
        const Index row = pixel / static_cast<Index>(inside[2]), image = row / static_cast<Index>(inside[1]);
        const int64_t i = static_cast<int64_t>(image) - before[0];
        const int64_t h = static_cast<int64_t>(row - image * static_cast<Index>(inside[1])) - before[1];
        const int64_t w = static_cast<int64_t>(pixel - row * static_cast<Index>(inside[2])) - before[2];
        const bool valid = i >= 0 && i < extent[0] && h >= 0 && h < extent[1] && w >= 0 && w < extent[2];
        return valid ? i * stride[0] + h * stride[1] + w * stride[2] : -1;
    }
};

// --- Channels last outside too: 16 bytes or one element of the outside tensor per item.

template <typename Convert, typename Index, bool kVector>
__global__ void __launch_bounds__(kThreads)
    rows_kernel(Index count, const __grid_constant__ Border g, Convert given,
                OutsidePointer<Convert> __restrict__ outside, InsidePointer<Convert> __restrict__ inside) {
    const auto convert = given.prepared();
    constexpr int kUnit = kVector ? 16 / sizeof(typename Convert::Outside) : 1;
    constexpr int kQuads = (kUnit + 3) / 4, kUnroll = 4;
    constexpr int kValid = kVector ? 4 : 1;
    const Index units = static_cast<Index>(g.channels_inside) / kUnit;
    const Index stride = static_cast<Index>(gridDim.x) * (kThreads * kUnroll);
    for (Index start = static_cast<Index>(blockIdx.x) * (kThreads * kUnroll) + threadIdx.x; start < count;
         start += stride) {
        int64_t at[kUnroll];
        Quad<typename Convert::Outside> quads[kUnroll][kQuads];
        uint32_t words[kUnroll][kQuads];
#pragma unroll
        for (int u = 0; u < kUnroll; ++u) {
            const Index i = start + u * kThreads, pixel = i / units;
            const int64_t channel = static_cast<int64_t>(i - pixel * units) * kUnit;
            at[u] = i < count && channel < g.channels ? g.locate(pixel) : -1;
            if (at[u] < 0) continue;
            at[u] += channel;
            if constexpr (Convert::kEnter) {
                if constexpr (kQuads == 4) {
                    const uint4 v = *reinterpret_cast<const uint4*>(outside + at[u]);
                    quads[u][0].word = v.x, quads[u][1].word = v.y, quads[u][2].word = v.z,
                    quads[u][3].word = v.w;
                } else {
                    quads[u][0].load(outside + at[u], 1, 0, kValid, kVector);
                }
            } else {
                const int8_t* source = inside + static_cast<int64_t>(i) * kUnit;
                if constexpr (kQuads == 4) {
                    const uint4 v = *reinterpret_cast<const uint4*>(source);
                    words[u][0] = v.x, words[u][1] = v.y, words[u][2] = v.z, words[u][3] = v.w;
                } else {
                    words[u][0] =
                        kVector ? *reinterpret_cast<const uint32_t*>(source) : static_cast<uint8_t>(*source);
                }
            }
        }
#pragma unroll
        for (int u = 0; u < kUnroll; ++u) {
            const Index i = start + u * kThreads;
            if constexpr (Convert::kEnter) {
                if (i >= count) continue;
#pragma unroll
                for (int q = 0; q < kQuads; ++q)
                    words[u][q] = at[u] < 0 ? convert.fill : convert.inward(quads[u][q]);
                int8_t* target = inside + static_cast<int64_t>(i) * kUnit;
                if constexpr (kQuads == 4)
                    *reinterpret_cast<uint4*>(target) = {words[u][0], words[u][1], words[u][2], words[u][3]};
                else if constexpr (kVector)
                    *reinterpret_cast<uint32_t*>(target) = words[u][0];
                else
                    *target = static_cast<int8_t>(words[u][0]);
            } else {
                if (at[u] < 0) continue;
                if constexpr (kQuads == 4) {
                    *reinterpret_cast<uint4*>(outside + at[u]) = {
                        convert.outward(words[u][0]).word, convert.outward(words[u][1]).word,
                        convert.outward(words[u][2]).word, convert.outward(words[u][3]).word};
                } else {
                    convert.outward(words[u][0]).store(outside + at[u], 1, 0, kValid, kVector);
                }
            }
        }
    }
}

// --- 4 or 16 channels inside, kWords words: neighbouring threads have neighbouring pixels, so that whole
// lines of every plane outside are moved. A warp takes a segment of a row, whose place is computed once.
// kQuads: 1 for up to 4 channels outside, an image's, else 4.

template <int kQuads>
constexpr int kSegment = 32 * (4 / kQuads);

template <typename Convert, typename Index, int kQuads, int kWords>
__global__ void __launch_bounds__(kThreads)
    segments_kernel(Index count, const __grid_constant__ Border g, Convert given,
                    OutsidePointer<Convert> __restrict__ outside,
                    InsidePointer<Convert> __restrict__ inside) {
    const auto convert = given.prepared();
    using Words = std::conditional_t<kWords == 4, uint4, uint32_t>;
    using Place = std::make_signed_t<Index>;
    constexpr int kUnroll = 4 / kQuads, kWarps = kThreads / 32;
    const int channels = static_cast<int>(g.channels);
    const auto width = static_cast<Place>(g.inside[2]);
    const auto segments = static_cast<Index>((g.inside[2] + kSegment<kQuads> - 1) / kSegment<kQuads>);
    for (Index i = static_cast<Index>(blockIdx.x) * kWarps + threadIdx.x / 32; i < count;
         i += static_cast<Index>(gridDim.x) * kWarps) {
        const Index row = i / segments, image = row / static_cast<Index>(g.inside[1]);
        const int64_t n = static_cast<int64_t>(image) - g.before[0];
        const int64_t h = static_cast<int64_t>(row - image * static_cast<Index>(g.inside[1])) - g.before[1];
        const bool row_valid = n >= 0 && n < g.extent[0] && h >= 0 && h < g.extent[1];
        const Place first = static_cast<Place>(i - row * segments) * kSegment<kQuads> + threadIdx.x % 32;
        auto* const outside_row = outside + (n * g.stride[0] + h * g.stride[1]);
        auto* const inside_row =
            reinterpret_cast<std::conditional_t<Convert::kEnter, Words, const Words>*>(inside) +
            static_cast<int64_t>(row) * g.inside[2];
        Quad<typename Convert::Outside> quads[kUnroll][kQuads];
        int valid[kUnroll];  // channels to move
#pragma unroll
        for (int u = 0; u < kUnroll; ++u) {
            const Place w = first + u * 32 - static_cast<Place>(g.before[2]);
            const bool moved = row_valid && first + u * 32 < width && w >= 0 && w < g.extent[2];
            valid[u] = moved ? channels : 0;
            auto* const pixel = outside_row + w * g.stride[2];
            if constexpr (Convert::kEnter) {
#pragma unroll
                for (int q = 0; q < kQuads; ++q)
                    quads[u][q].load(pixel + q * 4 * g.channel_stride, g.channel_stride, 0,
                                     min(valid[u] - q * 4, 4), false);
            } else if (moved) {
                uint32_t words[4];
                if constexpr (kWords == 4) {
                    const uint4 v = inside_row[first + u * 32];
                    words[0] = v.x, words[1] = v.y, words[2] = v.z, words[3] = v.w;
                } else {
                    words[0] = inside_row[first + u * 32];
                }
#pragma unroll
                for (int q = 0; q < kQuads; ++q)
                    convert.outward(words[q]).store(pixel + q * 4 * g.channel_stride, g.channel_stride, 0,
                                                    min(channels - q * 4, 4), false);
            }
        }
        if constexpr (Convert::kEnter) {
#pragma unroll
            for (int u = 0; u < kUnroll; ++u) {
                if (first + u * 32 >= width) break;
                uint32_t words[4] = {convert.fill, convert.fill, convert.fill, convert.fill};
#pragma unroll
                for (int q = 0; q < kQuads; ++q)
                    words[q] = inward(convert, quads[u][q], 0, min(valid[u] - q * 4, 4));
                if constexpr (kWords == 4)
                    inside_row[first + u * 32] = {words[0], words[1], words[2], words[3]};
                else
                    inside_row[first + u * 32] = words[0];
            }
        }
    }
}

// --- Pixels contiguous outside, channels inside: 64 pixels of a row x 64 channels through shared memory.

constexpr int kBorderTile = 64;

template <typename Convert>
__global__ void __launch_bounds__(kThreads)
    tiles_kernel(uint32_t tiles, const __grid_constant__ Border g, bool vector, Convert given,
                 OutsidePointer<Convert> __restrict__ outside, InsidePointer<Convert> __restrict__ inside) {
    const auto convert = given.prepared();
    __shared__ uint32_t words[kBorderTile][kBorderTile / 4 + 1];  // by pixel and quad of channels
    const auto channel_tiles = static_cast<uint32_t>((g.channels_inside + kBorderTile - 1) / kBorderTile);
    const auto pixel_tiles = static_cast<uint32_t>((g.inside[2] + kBorderTile - 1) / kBorderTile);
    const auto height = static_cast<uint32_t>(g.inside[1]);
    for (uint32_t tile = blockIdx.x; tile < tiles; tile += gridDim.x) {
        const uint32_t strip = tile / channel_tiles, row = strip / pixel_tiles, image = row / height;
        const int64_t channel0 = int64_t{tile - strip * channel_tiles} * kBorderTile;
        const int64_t pixel0 = int64_t{strip - row * pixel_tiles} * kBorderTile;

        // This thread's 4 x 4 block on the outside: channels from `channel` on, columns from `column` on.
        const int quad = threadIdx.x / 16, pixel = threadIdx.x % 16 * 4;
        const int64_t channel = channel0 + quad * 4, column = pixel0 + pixel - g.before[2];
        const int64_t i = int64_t{image} - g.before[0], h = int64_t{row - image * height} - g.before[1];
        const bool valid = i >= 0 && i < g.extent[0] && h >= 0 && h < g.extent[1];
        const int first = clamp_to_quad(-column), last = valid ? clamp_to_quad(g.extent[2] - column) : 0;
        auto* block = outside + i * g.stride[0] + h * g.stride[1] + column + channel * g.channel_stride;

        // And its 16 channels of a pixel on the inside.
        const int inside_pixel = threadIdx.x / 4, inside_quad = threadIdx.x % 4 * 4;
        const bool inside_valid =
            pixel0 + inside_pixel < g.inside[2] && channel0 + inside_quad * 4 < g.channels_inside;
        auto* vector16 = inside + (int64_t{row} * g.inside[2] + pixel0 + inside_pixel) * g.channels_inside +
                         channel0 + inside_quad * 4;
        uint32_t m[4];
        if constexpr (Convert::kEnter) {
            Quad<typename Convert::Outside> quads[4];
#pragma unroll
            for (int c = 0; c < 4; ++c)
                quads[c].load(block + c * g.channel_stride, 1, first, channel + c < g.channels ? last : 0,
                              vector);
#pragma unroll
            for (int c = 0; c < 4; ++c)
                m[c] = inward(convert, quads[c], first, channel + c < g.channels ? last : 0);
            transpose_bytes(m);
#pragma unroll
            for (int p = 0; p < 4; ++p) words[pixel + p][quad] = m[p];
            __syncthreads();
            const uint32_t* source = &words[inside_pixel][inside_quad];
            if (inside_valid)
                *reinterpret_cast<uint4*>(vector16) = {source[0], source[1], source[2], source[3]};
        } else {
            if (inside_valid) {
                const uint4 v = *reinterpret_cast<const uint4*>(vector16);
                uint32_t* target = &words[inside_pixel][inside_quad];
                target[0] = v.x, target[1] = v.y, target[2] = v.z, target[3] = v.w;
            }
            __syncthreads();
#pragma unroll
            for (int p = 0; p < 4; ++p) m[p] = words[pixel + p][quad];
            transpose_bytes(m);
#pragma unroll
            for (int c = 0; c < 4; ++c)
                convert.outward(m[c]).store(block + c * g.channel_stride, 1, first,
                                            channel + c < g.channels ? last : 0, vector);
        }
        __syncthreads();
    }
}

// --- Anything else, element by element.

template <typename Convert>
__global__ void __launch_bounds__(kThreads)
    elements_kernel(int64_t count, const __grid_constant__ BorderGeometry g, Convert given,
                    OutsidePointer<Convert> __restrict__ outside,
                    InsidePointer<Convert> __restrict__ inside) {
    const auto convert = given.prepared();
    for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < count;
         i += int64_t{gridDim.x} * kThreads) {
        int64_t rest = i, at = 0;
        bool valid = true;
        for (int d = g.rank - 1; d >= 0; --d) {
            const int64_t coordinate = rest % g.inside[d] - g.before[d];
            rest /= g.inside[d];
            valid = valid && coordinate >= 0 && coordinate < g.extent[d];
            at += coordinate * g.outside_stride[d];
        }
        if constexpr (Convert::kEnter) {
            Quad<typename Convert::Outside> q;
            q.load(outside + at, 1, 0, valid ? 1 : 0, false);
            inside[i] = static_cast<int8_t>(inward(convert, q, 0, valid ? 1 : 0));
        } else if (valid) {
            convert.outward(static_cast<uint8_t>(inside[i])).store(outside + at, 1, 0, 1, false);
        }
    }
}

}  // namespace qudnn::kernels
