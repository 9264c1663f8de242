// The cases of kernels.h for the kernel of squeeze-and-excitation, which is timed beside the kernels of its
// steps.
#pragma once

#include "kernels.h"
#include "kernels/elementwise/mul.h"
#include "kernels/elementwise/table.h"
#include "kernels/image/squeeze_excitation.h"

namespace {

// Images whose channels have means of their own, [n, hw, c].
Tensor<int8_t> images_with_centers(int64_t n, int64_t hw, int64_t c) {
    std::vector<int> centers(n * c);
    for (int& center : centers) center = static_cast<int>(random_bits() % 180) - 90;
    return Tensor<int8_t>(n * hw * c, 0, [&, i = int64_t{0}]() mutable {
        const int64_t image = i / (hw * c), channel = i++ % c;
        return static_cast<int8_t>(centers[image * c + channel] + static_cast<int>(random_bits() % 64) - 32);
    });
}

// One of the two products, and its table.
struct ExciteStep {
    int64_t c, k;
    Tensor<int8_t> w;
    Quantization z;

    ExciteStep(int64_t c, int64_t k) : c(c), k(k), w(k * c), z(k, c) {}
    Excitation gpu() const { return {w.gpu, z.with_table(true)}; }
    std::vector<int> results(const std::vector<int>& x) const {
        std::vector<int> y(k);
        for (int64_t output = 0; output < k; ++output) {
            uint32_t acc = static_cast<uint32_t>(z.bias.host[output]);
            for (int64_t i = 0; i < c; ++i) acc += static_cast<uint32_t>(x[i] * w.host[output * c + i]);
            y[output] = z.looked_up(requantized(acc, z.multiplier.host[output], z.epilogue), true);
        }
        return y;
    }
    // As the op does it where the kernel declines, but for the convolution, which has other engines there.
    cudaError_t run_alone(int64_t n, const int8_t* x, int8_t* y) const {
        const ConvGeometry g{n, 1, 1, c, k, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1};
        return conv(g, 0, x, w.gpu, z.with_table(true), y, nullptr);
    }
};

void squeeze_excitation_case(int64_t n, int64_t hw, int64_t c, int64_t k, bool is_uint8 = true,
                             bool with_steps = false) {
    const Tensor<int8_t> x = images_with_centers(n, hw, c);
    const ExciteStep squeeze(c, k), excite(k, c);
    const int offset = is_uint8 ? 128 : 0;
    const BinaryScales product{1.0f, 0.5f, 48.0f, offset - 3, offset - 120, offset - 10, offset};
    const SqueezeExcitation s{n, hw, c, k, 0.0371f, 0.0353f, -3, 4, product};
    char name[160];
    std::snprintf(name, sizeof name, "squeeze_excitation %ldx%ldx%ld, %ld%s", n, hw, c, k,
                  is_uint8 ? "" : " int8");
    if (const std::string refusal = squeeze_excitation_refusal(s); !refusal.empty()) {
        std::printf("%-64s  %s\n", name, refusal.c_str());
        return;
    }
    std::vector<std::vector<int>> gates;
    const float scale = s.x_scale / (s.mean_scale * static_cast<float>(hw));
    for (int64_t image = 0; image < n; ++image) {
        std::vector<int> sums(c, static_cast<int>(-s.x_zero_point * hw)), means(c);
        for (int64_t i = 0; i < hw * c; ++i) sums[i % c] += x.host[image * hw * c + i];
        const Epilogue all{nullptr, nullptr, s.mean_zero_point};
        for (int64_t i = 0; i < c; ++i) means[i] = requantized(static_cast<uint32_t>(sums[i]), scale, all);
        gates.push_back(excite.results(squeeze.results(means)));
    }
    const float ratio = product.a_scale * product.b_scale / product.y_scale;
    const auto expected = [&](int64_t i) {
        const int a = x.host[i] + offset - product.a_zero_point,
                  b = gates[i / (hw * c)][i % c] + offset - product.b_zero_point;
        const float scaled = static_cast<float>(a * b) * ratio;
        const float rounded = std::nearbyint(scaled + static_cast<float>(product.y_zero_point));
        return static_cast<int8_t>(std::clamp(static_cast<int>(rounded), offset - 128, offset + 127) -
                                   offset);
    };
    check<int8_t>(
        name, n * hw * c, n * hw * c + 2 * c * k, 4.0 * n * c * k, 1, 0,
        [&](int8_t* y) { return squeeze_excitation(s, x.gpu, squeeze.gpu(), excite.gpu(), y, nullptr); },
        expected);
    if (!with_steps) return;
    const Tensor<int8_t> means(n * c), between(n * k);
    const Broadcast<2> g{3, {n, hw, c}, {{hw * c, c, 1}, {c, 0, 1}}};
    check<int8_t>(
        std::string("  its steps ") + name, n * hw * c, 2 * n * hw * c + 2 * c * k, 4.0 * n * c * k, 1, 0,
        [&](int8_t* y) {
            cudaError_t status = global_average_pool(n, hw, c, s.x_scale, s.x_zero_point, s.mean_scale,
                                                     s.mean_zero_point, x.gpu, means.gpu, nullptr);
            if (status == cudaSuccess) status = squeeze.run_alone(n, means.gpu, between.gpu);
            if (status == cudaSuccess) status = excite.run_alone(n, between.gpu, means.gpu);
            return status != cudaSuccess ? status : mul(g, product, x.gpu, means.gpu, y, nullptr);
        },
        expected);
}

void small_squeeze_excitation_cases() {
    for (int64_t n : {1, 3, 17})
        for (bool is_uint8 : {true, false}) {
            squeeze_excitation_case(n, 1, 16, 16, is_uint8);
            squeeze_excitation_case(n, 3, 48, 16, is_uint8);
            squeeze_excitation_case(n, 35, 80, 96, is_uint8);
            squeeze_excitation_case(n, 143, 272, 80, is_uint8);
            squeeze_excitation_case(n, 15, 2064, 32, is_uint8);
            squeeze_excitation_case(n, 16, 3712, 928, is_uint8);
            squeeze_excitation_case(n, 2491, 16, 32, is_uint8);
            squeeze_excitation_case(n, 784, 144, 16, is_uint8);
            squeeze_excitation_case(n, 49, 1152, 48, is_uint8);
        }
    squeeze_excitation_case(300, 49, 96, 32);
    squeeze_excitation_case(300, 9, 1152, 48);
    squeeze_excitation_case(1, 112 * 112, 144, 16);  // more than shared memory holds
}

// The blocks of EfficientNet-B0.
void large_squeeze_excitation_cases() {
    struct {
        int64_t side, c, k;
    } blocks[] = {{112, 32, 16}, {56, 96, 16},  {56, 144, 16}, {28, 144, 16}, {28, 240, 16},
                  {14, 240, 16}, {14, 480, 32}, {14, 672, 32}, {7, 672, 32},  {7, 1152, 48}};
    for (int64_t n : {1, 32, 256})
        for (const auto& b : blocks) squeeze_excitation_case(n, b.side * b.side, b.c, b.k, true, n < 256);
}

}  // namespace
