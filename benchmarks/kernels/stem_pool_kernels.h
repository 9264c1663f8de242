// The cases of kernels.h for the kernel of an image network's first convolution and pool.
#pragma once

#include "kernels.h"
#include "kernels/conv/stem_pool.h"

namespace {

struct StemPoolOptions {
    int64_t top = 3, left = 3;  // padding of the convolution; as much below and to the right
    bool usual = true;          // biases that leave room for sums
    Epilogue range = {nullptr, nullptr, -3, -120, 127};
    OutputPadding y_padding = {};
};

void stem_pool_case(int64_t n, int64_t h, int64_t w, int64_t k, int64_t r, int64_t s,
                    StemPoolOptions o = {}) {
    const int64_t p = (h + 2 * o.top - r) / 2 + 1, q = (w + 2 * o.left - s) / 2 + 1, depth = r * s * 4;
    const ConvGeometry g{n, h, w, 4, k, r, s, p, q, o.top, o.left, 2, 2, 1, 1, 1};
    const PoolGeometry pool{n, p, q, k, (p - 1) / 2 + 1, (q - 1) / 2 + 1, 3, 3, 1, 1,
                            2, 2, 1, 1, o.y_padding};
    if (const std::string refusal = stem_pool_refusal(g, pool); !refusal.empty()) {
        std::printf("stem_pool: %s\n", refusal.c_str());
        return;
    }
    Tensor<int8_t> x(n * h * w * 4), filter(k * depth);
    Quantization z(k, depth, o.usual);
    z.epilogue.zero_point = o.range.zero_point, z.epilogue.low = o.range.low, z.epilogue.high = o.range.high;
    const int x_zero_point = 37;
    const auto result = [&](int64_t image, int64_t row, int64_t column, int64_t channel) {
        uint32_t acc = z.bias.host[channel];
        for (int64_t a = 0; a < r; ++a)
            for (int64_t b = 0; b < s; ++b) {
                const int64_t y = row * 2 - o.top + a, x_at = column * 2 - o.left + b;
                const bool inside = y >= 0 && y < h && x_at >= 0 && x_at < w;
                const int64_t first = ((image * h + y) * w + x_at) * 4;
                for (int64_t j = 0; j < 4; ++j)
                    acc += static_cast<uint32_t>((inside ? x.host[first + j] : x_zero_point) *
                                                 filter.host[((channel * r + a) * s + b) * 4 + j]);
            }
        return requantized(acc, z.multiplier.host[channel], z.epilogue);
    };
    const PaddedResults y{n, pool.p, pool.q, k, o.y_padding, z.epilogue.zero_point};
    char name[160];
    std::snprintf(name, sizeof name, "stem_pool %ldx%ldx%ld -> %ld, %ldx%ld%s%s", n, h, w, k, r, s,
                  o.usual ? "" : " large biases", o.y_padding.any() ? " padded" : "");
    check<int8_t>(
        name, y.count(), x.host.size() + filter.host.size(), 2.0 * n * p * q * k * depth, 18.0 * depth, 0,
        [&](int8_t* to) {
            return stem_pool(g, pool, x_zero_point, x.gpu, filter.gpu, z.epilogue, to, nullptr);
        },
        [&](int64_t padded) {
            return y.expected(padded, [&](int64_t i) {
                const int64_t c = i % k, column = i / k % pool.q, row = i / k / pool.q % pool.p,
                              image = i / k / pool.q / pool.p;
                int best = -128;
                for (int64_t a = row * 2 - 1; a <= row * 2 + 1; ++a)
                    for (int64_t b = column * 2 - 1; b <= column * 2 + 1; ++b)
                        if (a >= 0 && a < p && b >= 0 && b < q) best = std::max(best, result(image, a, b, c));
                return static_cast<int8_t>(best);
            });
        });
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
}

void large_stem_pool_cases() {
    for (int64_t n : {1, 8, 64, 256})
        stem_pool_case(n, 224, 224, 64, 7, 7, {.range = {nullptr, nullptr, -128, -128, 127}});
    stem_pool_case(64, 224, 224, 64, 7, 7);
    stem_pool_case(64, 224, 224, 64, 7, 7, {.usual = false});
}

}  // namespace
