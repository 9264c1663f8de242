// The cases of kernels.h for the kernel of residual blocks, which is timed beside its convolutions by
// themselves.
#pragma once

#include "kernels.h"
#include "kernels/bottleneck/bottleneck.h"
#include "kernels/window/window.h"

namespace {

// One convolution of a block: r x r windows, which leave the size of images [n,h,w,c] as it is.
struct BlockConv {
    int64_t c, k, r;
    Tensor<int8_t> w;
    Quantization z;

    BlockConv(int64_t c, int64_t k, int64_t r, int zero_point)
        : c(c), k(k), r(r), w(k * r * r * c), z(k, r * r * c) {
        z.epilogue.zero_point = zero_point;
    }
    BottleneckStep gpu() const { return {w.gpu, z.epilogue}; }

    int8_t result(const int8_t* x, int padding, int64_t h, int64_t wide, int64_t pixel, int64_t out) const {
        uint32_t acc = static_cast<uint32_t>(z.bias.host[out]);
        const int64_t image = pixel / (h * wide), p = pixel / wide % h, q = pixel % wide;
        for (int64_t tap = 0; tap < r * r; ++tap) {
            const int64_t row = p + tap / r - r / 2, column = q + tap % r - r / 2;
            const bool inside = row >= 0 && row < h && column >= 0 && column < wide;
            const int8_t* const from = x + ((image * h + row) * wide + column) * c;
            const int8_t* const filter = w.host.data() + (out * r * r + tap) * c;
            int sum = 0;
            for (int64_t i = 0; i < c; ++i) sum += (inside ? from[i] : padding) * filter[i];
            acc += static_cast<uint32_t>(sum);
        }
        return static_cast<int8_t>(requantized(acc, z.multiplier.host[out], z.epilogue));
    }

    std::vector<int8_t> results(const std::vector<int8_t>& x, int padding, int64_t n, int64_t h,
                                int64_t wide) const {
        std::vector<int8_t> y(static_cast<size_t>(n * h * wide * k));
        const int64_t count = std::max(1u, std::thread::hardware_concurrency());
        std::vector<std::thread> threads;
        for (int64_t t = 0; t < count; ++t)
            threads.emplace_back([&, t] {
                for (int64_t pixel = t; pixel < n * h * wide; pixel += count)
                    for (int64_t out = 0; out < k; ++out)
                        y[pixel * k + out] = result(x.data(), padding, h, wide, pixel, out);
            });
        for (std::thread& thread : threads) thread.join();
        return y;
    }

    // By the variant of window.h's kernel that is likely to be the fastest.
    cudaError_t run_alone(int64_t n, int64_t h, int64_t wide, const int8_t* x, const OutputPadding& y_padding,
                          const Residual& residual, int8_t* y) const {
        const ConvGeometry g{n, h, wide, c, k, r, r, h - r + 1, wide - r + 1, 0, 0, 1, 1, 1, 1, 1, y_padding};
        const WindowOptions options{false, residual.r != nullptr, false, false};
        const std::vector<WindowVariant> variants = window_variants(g, options);
        if (variants.empty()) return cudaErrorNotSupported;
        return WindowConv(g, variants.front(), options)
            .run(x, w.gpu, z.epilogue, residual, y, nullptr, false, nullptr, nullptr);
    }
};

struct BlockCase {
    int padding = -9;  // that of the first convolution's results, or another
    bool result_first = true;
    bool is_uint8 = true;
    bool with_steps = false;
};

void bottleneck_case(int64_t n, int64_t h, int64_t w, int64_t c, int64_t m, int64_t k, BlockCase o = {}) {
    char name[160];
    std::snprintf(name, sizeof name, "bottleneck %ldx%ldx%ld, %ld %ld %ld, padding %d%s%s", n, h, w, c, m, k,
                  o.padding, o.result_first ? "" : " second", o.is_uint8 ? "" : " int8");
    const Bottleneck b{n, h, w, c, m, k};
    const std::string refusal = bottleneck_refusal(b);
    if (!refusal.empty()) std::printf("%-64s  %s\n", name, refusal.c_str());
    const bool with_steps = o.with_steps && o.padding == -9 && window_refusal().empty();
    if (!refusal.empty() && !with_steps) return;

    const int64_t pixels = n * h * w, count = pixels * k;
    const Tensor<int8_t> x(pixels * c), r(count);
    const BlockConv reduce(c, m, 1, -9), window(m, m, 3, 6), last(m, k, 1, 3);
    const int offset = o.is_uint8 ? 128 : 0;
    const BinaryScales scales{0.031f, 0.027f, 0.041f, offset - 3, offset - 8, offset - 10, offset};
    const Residual residual{r.gpu, scales, o.result_first};
    const float ra = scales.a_scale / scales.y_scale, rb = scales.b_scale / scales.y_scale;
    const float fixed =
        static_cast<float>(scales.y_zero_point) -
        std::fmaf(static_cast<float>(scales.a_zero_point), ra, rb * static_cast<float>(scales.b_zero_point));
    const std::vector<int8_t> between =
        window.results(reduce.results(x.host, 0, n, h, w), o.padding, n, h, w);
    const auto expected = [&](int64_t i) {
        const int result = last.result(between.data(), 0, h, w, i / k, i % k) + offset;
        const int other = r.host[i] + offset;
        const auto first = static_cast<float>(o.result_first ? result : other);
        const auto second = static_cast<float>(o.result_first ? other : result);
        const float sum = std::nearbyint(std::fmaf(first, ra, std::fmaf(second, rb, fixed)));
        const float low = static_cast<float>(offset - 128), high = static_cast<float>(offset + 127);
        return static_cast<int8_t>(static_cast<int>(std::clamp(sum, low, high)) - offset);
    };
    const int64_t weights = m * c + 9 * m * m + k * m;
    const double operations = 2.0 * static_cast<double>(pixels) * static_cast<double>(weights);
    const auto check_with = [&](const std::string& how, const std::function<cudaError_t(int8_t*)>& run) {
        check<int8_t>(how + name, count, pixels * c + count + weights, operations, 2.0 * m, 0, run, expected);
    };
    KeptMaps kept;
    if (refusal.empty())
        check_with("", [&](int8_t* y) {
            return bottleneck(b, x.gpu, {reduce.gpu(), window.gpu(), last.gpu()}, o.padding, residual, y,
                              &kept, nullptr);
        });
    if (!with_steps) return;
    const Tensor<int8_t> padded(n * (h + 2) * (w + 2) * m), windows(pixels * m);
    check_with("  its steps ", [&](int8_t* y) {
        cudaError_t status = reduce.run_alone(n, h, w, x.gpu, {1, 1, 1, 1}, {}, padded.gpu);
        if (status == cudaSuccess)
            status = window.run_alone(n, h + 2, w + 2, padded.gpu, {}, {}, windows.gpu);
        return status != cudaSuccess ? status : last.run_alone(n, h, w, windows.gpu, {}, residual, y);
    });
}

void small_bottleneck_cases() {
    struct {
        int64_t h, w;
    } sizes[] = {{1, 1}, {1, 3}, {3, 1}, {2, 2}, {5, 7}, {7, 7}, {13, 11}, {14, 14}, {9, 33}};
    for (int64_t n : {1, 2, 3})
        for (auto [h, w] : sizes)
            for (int padding : {-9, 0, -128, 127})
                bottleneck_case(n, h, w, 64, 64, 256, {.padding = padding, .result_first = padding != 0});
    for (int64_t n : {1, 2, 3})
        for (bool is_uint8 : {false, true})
            for (bool result_first : {false, true}) {
                const BlockCase o{.result_first = result_first, .is_uint8 = is_uint8, .with_steps = n == 1};
                bottleneck_case(n, 7, 7, 192, 128, 512, o);
                bottleneck_case(n, 6, 9, 256, 64, 256, o);
                bottleneck_case(n, 7, 8, 320, 256, 1024, o);
                bottleneck_case(n, 7, 7, 1024, 512, 2048, o);
                bottleneck_case(n, 14, 14, 512, 256, 512, o);
            }
}

// The blocks of ResNet-50 without strides.
void large_bottleneck_cases() {
    for (int64_t n : {1, 2, 4, 8}) {
        bottleneck_case(n, 56, 56, 64, 64, 256, {.with_steps = true});
        for (auto [side, m] : {std::array<int64_t, 2>{56, 64}, {28, 128}, {14, 256}, {7, 512}})
            bottleneck_case(n, side, side, 4 * m, m, 4 * m, {.with_steps = true});
    }
}

}  // namespace
