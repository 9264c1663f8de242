// The cases of kernels.h for what works in float32 between a convolution and the next entry.
#pragma once

#include <cfloat>

#include "kernels/gemm/float_pointwise.h"
#include "kernels/image/float_pool.h"
#include "kernels/image/table_pool.h"
#include "normalization_kernels.h"

namespace {

float clipped(const FloatActivation& f, float x) { return std::clamp(x, f.low, f.high); }

// real: the number of a pixel.
template <typename Real>
float mean_of_pixels(int64_t hw, const Real& real) {
    float sums[4] = {};
    const int64_t in_fours = hw / 4 * 4;
    for (int64_t j = 0; j < in_fours; ++j) sums[j % 4] += real(j);
    float total = (sums[0] + sums[2]) + (sums[1] + sums[3]);
    for (int64_t j = in_fours; j < hw; ++j) total += real(j);
    return total / static_cast<float>(hw);
}

std::string sized(const char* name, int64_t n, int64_t a, int64_t b) {
    return std::string(name) + " " + std::to_string(n) + " x " + std::to_string(a) + " x " +
           std::to_string(b);
}

void float_global_average_pool_case(int64_t n, int64_t hw, int64_t c) {
    const FloatActivation f{-0.25f, 0.75f, false};
    const Tensor<float> x = random_floats(n * hw * c, 0);
    check<float>(
        sized("float_global_average_pool", n, hw, c), n * c, n * hw * c * 4, 0, static_cast<double>(hw), 0,
        [&](float* y) { return float_global_average_pool(n, hw, c, f, x.gpu, y, nullptr); },
        [&](int64_t i) {
            return mean_of_pixels(
                hw, [&](int64_t j) { return clipped(f, x.host[(i / c * hw + j) * c + i % c]); });
        });
}

// stride: of y's images, of which the last elements are padding.
void quantized_global_average_pool_case(int64_t n, int64_t hw, int64_t c, int64_t stride) {
    constexpr float kScale = 0.0071f;
    constexpr int kZeroPoint = -7;
    const Tensor<float> x = random_floats(n * hw * c, 0);
    check<int8_t>(
        sized("quantized_global_average_pool", n, hw, c), n * stride, n * hw * c * 4, 0,
        static_cast<double>(hw), 0,
        [&](int8_t* y) {
            return quantized_global_average_pool(n, hw, c, stride, kScale, kZeroPoint, x.gpu, y, nullptr);
        },
        [&](int64_t i) {
            const int64_t image = i / stride, channel = i % stride;
            if (channel >= c) return int8_t{0};
            const float mean =
                mean_of_pixels(hw, [&](int64_t j) { return x.host[(image * hw + j) * c + channel]; });
            return static_cast<int8_t>(saturate(std::nearbyint(mean / kScale), kZeroPoint));
        });
}

void table_global_average_pool_to_float_case(int64_t n, int64_t hw, int64_t c, bool per_channel) {
    const Tensor<float> table = random_floats(per_channel ? c * 256 : 256, 0);
    const Tensor<int8_t> x(n * hw * c);
    check<float>(
        sized("table_global_average_pool_to_float", n, hw, c), n * c, n * hw * c, 0, static_cast<double>(hw),
        0,
        [&](float* y) {
            return table_global_average_pool_to_float(n, hw, c, {table.gpu, per_channel}, x.gpu, y, nullptr);
        },
        [&](int64_t i) {
            const float* row = table.host.data() + (per_channel ? i % c * 256 : 0);
            return mean_of_pixels(hw,
                                  [&](int64_t j) { return row[x.host[(i / c * hw + j) * c + i % c] + 128]; });
        });
}

void float_max_pool_case(const char* name, const PoolGeometry& g) {
    const FloatActivation f{0.0f, INFINITY, false};
    const Tensor<float> x = random_floats(g.n * g.h * g.w * g.c, 0);
    check<float>(
        std::string("float_max_pool ") + name, g.n * g.p * g.q * g.c, x.host.size() * 4, 0, 2.0 * g.r * g.s,
        0, [&](float* y) { return float_max_pool(g, f, x.gpu, y, nullptr); },
        [&](int64_t i) {
            const int64_t c = i % g.c, q = i / g.c % g.q, p = i / g.c / g.q % g.p, n = i / g.c / g.q / g.p;
            float best = -FLT_MAX;
            for (int64_t r = 0; r < g.r; ++r)
                for (int64_t s = 0; s < g.s; ++s) {
                    const int64_t h = p * g.stride_h - g.pad_top + r * g.dilation_h;
                    const int64_t w = q * g.stride_w - g.pad_left + s * g.dilation_w;
                    if (h >= 0 && h < g.h && w >= 0 && w < g.w)
                        best = std::max(best, clipped(f, x.host[((n * g.h + h) * g.w + w) * g.c + c]));
                }
            return best;
        });
}

void float_average_pool_case(const char* name, const PoolGeometry& g, bool count_padding) {
    const FloatActivation f{-0.25f, 0.75f, false};
    const Tensor<float> x = random_floats(g.n * g.h * g.w * g.c, 0);
    check<float>(
        std::string("float_average_pool ") + name, g.n * g.p * g.q * g.c, x.host.size() * 4, 0,
        2.0 * g.r * g.s, 0,
        [&](float* y) { return float_average_pool(g, count_padding, f, x.gpu, y, nullptr); },
        [&](int64_t i) {
            const int64_t c = i % g.c, q = i / g.c % g.q, p = i / g.c / g.q % g.p, n = i / g.c / g.q / g.p;
            float total = 0;
            int64_t inside = 0;
            for (int64_t s = 0; s < g.s; ++s) {
                float column = 0;
                for (int64_t r = 0; r < g.r; ++r) {
                    const int64_t h = p * g.stride_h - g.pad_top + r, w = q * g.stride_w - g.pad_left + s;
                    if (h < 0 || h >= g.h || w < 0 || w >= g.w) continue;
                    column += clipped(f, x.host[((n * g.h + h) * g.w + w) * g.c + c]);
                    ++inside;
                }
                total += column;
            }
            return total / static_cast<float>(count_padding ? g.r * g.s : inside);
        });
}

// The order of additions is the kernel's: every 32nd product, then pairs of sums that lie 16, 8, ... apart.
void float_pointwise_case(int64_t n, int64_t c, int64_t k) {
    const FloatActivation f{-1.0f, 1.5f, false};
    const Tensor<float> x = random_floats(n * c, 0), w = random_floats(k * c, 0), bias = random_floats(k, 0);
    check<float>(
        sized("float_pointwise", n, c, k), n * k, (n * c + k * c) * 4, 2.0 * n * c * k, 2.0 * c, 0,
        [&](float* y) { return float_pointwise(n, c, k, f, x.gpu, w.gpu, bias.gpu, y, nullptr); },
        [&](int64_t i) {
            float sums[32] = {};
            for (int64_t j = 0; j < c; ++j)
                sums[j % 32] = std::fmaf(x.host[i / k * c + j], w.host[i % k * c + j], sums[j % 32]);
            for (int half = 16; half > 0; half /= 2)
                for (int lane = 0; lane < half; ++lane) sums[lane] += sums[lane + half];
            return clipped(f, sums[0] + bias.host[i % k]);
        });
}

void float_tail_cases() {
    for (auto [n, hw, c] : {std::array<int64_t, 3>{1, 1, 16}, {3, 49, 48}, {2, 35, 19}, {2, 2100, 80}}) {
        float_global_average_pool_case(n, hw, c);
        quantized_global_average_pool_case(n, hw, c, (c + 15) / 16 * 16);
        for (bool per_channel : {false, true}) table_global_average_pool_to_float_case(n, hw, c, per_channel);
    }
    float_max_pool_case("3x3 odd", {2, 13, 11, 48, 7, 6, 3, 3, 1, 1, 2, 2, 1, 1});
    float_max_pool_case("2x2 odd", {3, 9, 7, 16, 5, 4, 2, 2, 0, 0, 2, 2, 1, 1});
    float_max_pool_case("5x2 of 17", {2, 9, 10, 17, 5, 6, 5, 2, 2, 1, 2, 2, 1, 3});
    for (bool count_padding : {false, true}) {
        float_average_pool_case("3x3 odd", {2, 13, 11, 48, 7, 6, 3, 3, 1, 1, 2, 2, 1, 1}, count_padding);
        float_average_pool_case("5x2 of 17", {2, 9, 10, 17, 5, 6, 5, 2, 2, 1, 2, 2, 1, 1}, count_padding);
    }
    for (int64_t n : {1, 4, 7})
        for (auto [c, k] : {std::array<int64_t, 2>{1, 1}, {96, 4}, {33, 70}, {480, 20}})
            float_pointwise_case(n, c, k);
}

}  // namespace
