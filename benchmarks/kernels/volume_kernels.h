// The cases of kernels.h for the pools of volumes.
#pragma once

#include "kernels/image/pool3d.h"
#include "vision_kernels.h"

namespace {

struct Voxel {
    int64_t n, z, p, q, c;

    Voxel(int64_t i, const VolumeGeometry& g)
        : n(i / g.c / g.q / g.p / g.z),
          z(i / g.c / g.q / g.p % g.z),
          p(i / g.c / g.q % g.p),
          q(i / g.c % g.q),
          c(i % g.c) {}
};

// take(value) for each voxel of y[i]'s window, in raster order.
template <typename Take>
void for_window(const Tensor<int8_t>& x, int64_t i, const VolumeGeometry& g, const Take& take) {
    const Voxel y(i, g);
    for (int64_t t = 0; t < g.t; ++t)
        for (int64_t r = 0; r < g.r; ++r)
            for (int64_t s = 0; s < g.s; ++s) {
                const int64_t d = y.z * g.stride_d - g.pad_front + t * g.dilation_d;
                const int64_t h = y.p * g.stride_h - g.pad_top + r * g.dilation_h;
                const int64_t w = y.q * g.stride_w - g.pad_left + s * g.dilation_w;
                if (d < 0 || d >= g.d || h < 0 || h >= g.h || w < 0 || w >= g.w) continue;
                take(x.host[(((y.n * g.d + d) * g.h + h) * g.w + w) * g.c + y.c]);
            }
}

void max_pool3d_case(const char* name, const VolumeGeometry& g) {
    Tensor<int8_t> x(g.n * g.d * g.h * g.w * g.c);
    check<int8_t>(
        std::string("max_pool3d ") + name, g.n * g.z * g.p * g.q * g.c, x.host.size(), 0,
        2.0 * g.t * g.r * g.s, 0, [&](int8_t* y) { return max_pool3d(g, x.gpu, y, nullptr); },
        [&](int64_t i) {
            int8_t best = -128;
            for_window(x, i, g, [&](int8_t value) { best = std::max(best, value); });
            return best;
        });
}

void average_pool3d_case(const char* name, const VolumeGeometry& g, bool is_uint8, bool count_padding) {
    Tensor<int8_t> x(g.n * g.d * g.h * g.w * g.c);
    const AverageScales s{0.0371f,      0.0153f, is_uint8 ? 120 : -7, is_uint8 ? 130 : 4, is_uint8 ? 128 : 0,
                          count_padding};
    check<int8_t>(
        std::string("average_pool3d ") + name + (is_uint8 ? " uint8" : " int8") +
            (count_padding ? " padding counted" : ""),
        g.n * g.z * g.p * g.q * g.c, x.host.size(), 0, 4.0 * g.t * g.r * g.s, 0,
        [&](int8_t* y) { return average_pool3d(g, s, x.gpu, y, nullptr); },
        [&](int64_t i) {
            float sum = 0;
            int64_t inside = 0;
            for_window(x, i, g, [&](int8_t value) {
                const float product = s.x_scale * static_cast<float>(value + s.offset - s.x_zero_point);
                sum += product;
                ++inside;
            });
            const float mean = sum / static_cast<float>(count_padding ? g.t * g.r * g.s : inside);
            return clamped(mean / s.y_scale + static_cast<float>(s.y_zero_point), s.offset);
        });
}

void small_volume_cases() {
    const std::pair<const char*, VolumeGeometry> cases[] = {
        {"3x3x3 odd", {2, 5, 13, 11, 48, 3, 7, 6, 3, 3, 3, 1, 1, 1, 2, 2, 2, 1, 1, 1}},
        {"2x2x2 over the edge", {3, 5, 9, 7, 16, 3, 5, 4, 2, 2, 2, 0, 0, 0, 2, 2, 2, 1, 1, 1}},
        {"3x5x2", {2, 6, 9, 10, 16, 4, 5, 6, 3, 5, 2, 0, 2, 1, 1, 2, 2, 1, 1, 1}},
        {"17 channels", {2, 6, 9, 10, 17, 4, 5, 6, 3, 5, 2, 0, 2, 1, 1, 2, 2, 1, 1, 1}},
    };
    for (const auto& [name, g] : cases) {
        max_pool3d_case(name, g);
        for (bool is_uint8 : {false, true})
            for (bool count_padding : {false, true}) average_pool3d_case(name, g, is_uint8, count_padding);
    }
    max_pool3d_case("3x3x3 dilated", {1, 9, 12, 10, 32, 5, 10, 8, 3, 3, 3, 0, 2, 2, 1, 1, 1, 2, 2, 2});
}

void large_volume_cases() {
    const VolumeGeometry halved{8, 16, 56, 56, 64, 8, 28, 28, 2, 2, 2, 0, 0, 0, 2, 2, 2, 1, 1, 1};
    const VolumeGeometry around{8, 16, 56, 56, 64, 16, 56, 56, 3, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    max_pool3d_case("8x16x56x56x64 2x2x2 /2", halved);
    max_pool3d_case("8x16x56x56x64 3x3x3", around);
    average_pool3d_case("8x16x56x56x64 2x2x2 /2", halved, true, false);
    average_pool3d_case("8x16x56x56x64 3x3x3", around, true, true);
}

}  // namespace
