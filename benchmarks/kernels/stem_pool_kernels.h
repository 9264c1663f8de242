// The cases of kernels.h for the kernel of an image network's first convolution and pool.
#pragma once

#include <cuda_fp16.h>

#include "kernels.h"
#include "kernels/conv/stem_pool.h"

namespace {

struct StemPoolOptions {
    int64_t top = 3, left = 3;  // padding of the convolution; as much below and to the right
    bool usual = true;          // biases that leave room for sums
    Epilogue range = {nullptr, nullptr, -3, -120, 127};
    OutputPadding y_padding = {};
};

struct StemPoolSizes {
    int64_t n, h, w, k, r, s;
};

// image(place) is the value of a quantized image [n, h, w, 4]; run(g, pool, z, filter, y) launches the
// kernel.
template <typename Image, typename Run>
void any_stem_pool_case(const char* kind, const StemPoolSizes& sizes, const StemPoolOptions& o,
                        int x_zero_point, int64_t bytes_read, const Image& image, const Run& run) {
    const auto [n, h, w, k, r, s] = sizes;
    const int64_t p = (h + 2 * o.top - r) / 2 + 1, q = (w + 2 * o.left - s) / 2 + 1, depth = r * s * 4;
    const ConvGeometry g{n, h, w, 4, k, r, s, p, q, o.top, o.left, 2, 2, 1, 1, 1};
    const PoolGeometry pool{n, p, q, k, (p - 1) / 2 + 1, (q - 1) / 2 + 1, 3, 3, 1, 1,
                            2, 2, 1, 1, o.y_padding};
    if (const std::string refusal = stem_pool_refusal(g, pool); !refusal.empty()) {
        std::printf("stem_pool: %s\n", refusal.c_str());
        return;
    }
    Tensor<int8_t> filter(k * depth);
    Quantization z(k, depth, o.usual);
    z.epilogue.zero_point = o.range.zero_point, z.epilogue.low = o.range.low, z.epilogue.high = o.range.high;
    const auto result = [&](int64_t in, int64_t row, int64_t column, int64_t channel) {
        uint32_t acc = z.bias.host[channel];
        for (int64_t a = 0; a < r; ++a)
            for (int64_t b = 0; b < s; ++b) {
                const int64_t y = row * 2 - o.top + a, x_at = column * 2 - o.left + b;
                const bool inside = y >= 0 && y < h && x_at >= 0 && x_at < w;
                const int64_t first = ((in * h + y) * w + x_at) * 4;
                for (int64_t j = 0; j < 4; ++j)
                    acc += static_cast<uint32_t>((inside ? image(first + j) : x_zero_point) *
                                                 filter.host[((channel * r + a) * s + b) * 4 + j]);
            }
        return requantized(acc, z.multiplier.host[channel], z.epilogue);
    };
    const PaddedResults y{n, pool.p, pool.q, k, o.y_padding, z.epilogue.zero_point};
    char name[160];
    std::snprintf(name, sizeof name, "stem_pool %s%ldx%ldx%ld -> %ld, %ldx%ld%s%s", kind, n, h, w, k, r, s,
                  o.usual ? "" : " large biases", o.y_padding.any() ? " padded" : "");
    check<int8_t>(
        name, y.count(), bytes_read + static_cast<int64_t>(filter.host.size()), 2.0 * n * p * q * k * depth,
        18.0 * depth, 0, [&](int8_t* to) { return run(g, pool, z.epilogue, filter.gpu, to); },
        [&](int64_t padded) {
            return y.expected(padded, [&](int64_t i) {
                const int64_t c = i % k, column = i / k % pool.q, row = i / k / pool.q % pool.p,
                              in = i / k / pool.q / pool.p;
                int best = -128;
                for (int64_t a = row * 2 - 1; a <= row * 2 + 1; ++a)
                    for (int64_t b = column * 2 - 1; b <= column * 2 + 1; ++b)
                        if (a >= 0 && a < p && b >= 0 && b < q) best = std::max(best, result(in, a, b, c));
                return static_cast<int8_t>(best);
            });
        });
}

void stem_pool_case(int64_t n, int64_t h, int64_t w, int64_t k, int64_t r, int64_t s,
                    StemPoolOptions o = {}) {
    const int zero_point = 37;
    Tensor<int8_t> x(n * h * w * 4);
    any_stem_pool_case(
        "", {n, h, w, k, r, s}, o, zero_point, n * h * w * 4, [&](int64_t i) { return x.host[i]; },
        [&](const ConvGeometry& g, const PoolGeometry& pool, const Epilogue& e, const int8_t* filter,
            int8_t* y) { return stem_pool(g, pool, zero_point, x.gpu, filter, e, y, nullptr); });
}

// Of an image that is still to be quantized, T float or __half: ties, their neighbours, and what is no
// number. kRounds: float that is rounded to __half first.
template <typename T, bool kRounds = false>
void image_stem_pool_case(int64_t n, int64_t h, int64_t w, int64_t k, int64_t r, int64_t s,
                          StemPoolOptions o = {}, int zero_point = -14, float scale = 0.0186584499f) {
    Tensor<T> x(n * 3 * h * w, 0, [&] {
        const uint32_t bits = random_bits();
        if (bits % 509 == 0) {
            const float odd[] = {NAN, -NAN, INFINITY, -INFINITY, 3e38f, -3e38f, 1e-42f, -0.0f};
            return static_cast<T>(odd[bits / 509 % 8]);
        }
        const float tie = (static_cast<float>(bits >> 8 & 1023) * 0.5f - 256.0f) * scale;
        return static_cast<T>(bits % 3 == 0 ? std::nextafter(tie, bits & 64 ? 1e9f : -1e9f) : tie);
    });
    std::vector<int8_t> quantized(n * h * w * 4, static_cast<int8_t>(zero_point));
    for (int64_t i = 0; i < n * h * w; ++i)
        for (int64_t c = 0; c < 3; ++c) {
            const T given = x.host[(i / (h * w) * 3 + c) * h * w + i % (h * w)];
            const auto value = kRounds ? __half2float(__float2half_rn(static_cast<float>(given)))
                                       : static_cast<float>(given);
            const float low = -128.0f - zero_point, high = 127.0f - zero_point, ratio = value / scale;
            const float kept = std::isnan(ratio) ? low : std::clamp(ratio, low, high);
            quantized[i * 4 + c] = static_cast<int8_t>(static_cast<int>(std::nearbyint(kept)) + zero_point);
        }
    const StemImage image{x.gpu, sizeof(T) == 2, kRounds, 3, scale};
    any_stem_pool_case(
        kRounds          ? "rounded "
        : sizeof(T) == 2 ? "float16 "
                         : "float32 ",
        {n, h, w, k, r, s}, o, zero_point, n * h * w * 3 * static_cast<int64_t>(sizeof(T)),
        [&](int64_t i) { return quantized[i]; },
        [&](const ConvGeometry& g, const PoolGeometry& pool, const Epilogue& e, const int8_t* filter,
            int8_t* y) { return stem_pool(g, pool, zero_point, image, filter, e, y, nullptr); });
}

void small_stem_pool_cases() {
    stem_pool_case(1, 32, 32, 64, 7, 7);
    stem_pool_case(2, 37, 44, 64, 7, 7);
    stem_pool_case(2, 37, 44, 64, 7, 7, {.usual = false});
    stem_pool_case(3, 38, 48, 128, 7, 7, {.y_padding = {1, 1, 1, 1}});
    stem_pool_case(3, 38, 48, 192, 3, 3, {.top = 1, .left = 1, .y_padding = {0, 2, 3, 0}});
    stem_pool_case(2, 41, 232, 64, 7, 8, {.top = 0, .left = 0});
    stem_pool_case(2, 64, 228, 64, 5, 5, {.top = 2, .left = 1, .range = {nullptr, nullptr, -128, -128, 127}});
    stem_pool_case(2, 39, 460, 64, 6, 7, {.top = 5, .left = 6, .range = {nullptr, nullptr, 5, -40, 90}});
    stem_pool_case(5, 7, 8, 64, 7, 7);
    stem_pool_case(1, 7, 4, 64, 1, 1, {.top = 0, .left = 0});
    stem_pool_case(2, 9, 8, 64, 3, 3, {.top = 1, .left = 7});
    image_stem_pool_case<float>(1, 32, 32, 64, 7, 7);
    image_stem_pool_case<float>(2, 37, 44, 64, 7, 7, {.usual = false}, 0, 1.0f);
    image_stem_pool_case<float>(3, 38, 48, 128, 3, 3, {.top = 1, .left = 1, .y_padding = {1, 1, 1, 1}}, -128);
    image_stem_pool_case<float>(2, 41, 232, 64, 7, 8, {.top = 0, .left = 0}, 127, 3e-20f);
    image_stem_pool_case<float>(2, 39, 460, 64, 5, 5, {.top = 2, .left = 2}, 5, 2e25f);
    image_stem_pool_case<float>(300, 7, 8, 64, 7, 7);
    image_stem_pool_case<__half>(1, 64, 64, 64, 7, 7, {.range = {nullptr, nullptr, -128, -128, 127}});
    image_stem_pool_case<__half>(2, 41, 232, 64, 5, 7, {.top = 2, .left = 1}, 3, 0.25f);
    image_stem_pool_case<float, true>(1, 64, 64, 64, 7, 7, {.range = {nullptr, nullptr, -128, -128, 127}});
    image_stem_pool_case<float, true>(2, 41, 232, 64, 5, 7, {.top = 2, .left = 1}, 3, 0.0371f);
}

void large_stem_pool_cases() {
    for (int64_t n : {1, 8, 64, 256})
        stem_pool_case(n, 224, 224, 64, 7, 7, {.range = {nullptr, nullptr, -128, -128, 127}});
    for (int64_t n : {1, 8, 64, 256})
        image_stem_pool_case<float>(n, 224, 224, 64, 7, 7, {.range = {nullptr, nullptr, -128, -128, 127}});
    image_stem_pool_case<__half>(256, 224, 224, 64, 7, 7, {.range = {nullptr, nullptr, -128, -128, 127}});
    image_stem_pool_case<float, true>(256, 224, 224, 64, 7, 7,
                                      {.range = {nullptr, nullptr, -128, -128, 127}});
    stem_pool_case(64, 224, 224, 64, 7, 7);
    stem_pool_case(64, 224, 224, 64, 7, 7, {.usual = false});
}

}  // namespace
