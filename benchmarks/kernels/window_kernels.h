// As kernels.h, for csrc/kernels/window/window.h.
#pragma once

#include "kernels.h"
#include "kernels/window/window.h"

namespace {

struct WindowCase {
    int64_t pad = 0, stride = 1, dilation = 1;
    int x_zero_point = 37;
    int high = 127;
    bool looks_up = false;
    int adds = 0;  // 1: the result and a residual, 2: a residual and the result
    bool per_channel = false;
    OutputPadding y_padding = {};
    bool usual = true;  // biases leave room for sums
};

void window_case(int64_t n, int64_t h, int64_t w, int64_t c, int64_t k, int64_t r, int64_t s,
                 WindowCase o = {}) {
    const auto count_of = [&](int64_t extent, int64_t taps) {
        return (extent + 2 * o.pad - (taps - 1) * o.dilation - 1) / o.stride + 1;
    };
    const ConvGeometry g{
        n,     h,     w,        c,        k,          r,          s, count_of(h, r), count_of(w, s),
        o.pad, o.pad, o.stride, o.stride, o.dilation, o.dilation, 1, o.y_padding};
    const int64_t depth = r * s * c, count = n * g.p * g.q * k;
    const bool pads_with_value = o.pad > 0 && o.x_zero_point != 0;
    Tensor<int8_t> x(n * h * w * c), filter(k * depth), residual(o.per_channel ? k : o.adds ? count : 1);
    Quantization z(k, depth, o.usual);
    z.epilogue.high = o.high;
    const Residual added{o.adds ? residual.gpu : nullptr,
                         {0.031f, 0.027f, 0.041f, 125, 120, 118, 128},
                         o.adds == 1,
                         false,
                         o.per_channel};
    const BinaryScales& scales = added.scales;
    const float ra = scales.a_scale / scales.y_scale, rb = scales.b_scale / scales.y_scale;
    const float fixed =
        static_cast<float>(scales.y_zero_point) -
        std::fmaf(static_cast<float>(scales.a_zero_point), ra, rb * static_cast<float>(scales.b_zero_point));
    int32_t* table = nullptr;
    char name[200];
    std::snprintf(name, sizeof name, "window %ldx%ldx%ldx%ld -> %ld, %ldx%ld /%ld dilation %ld%s%s%s%s", n, h,
                  w, c, k, r, s, o.stride, o.dilation, pads_with_value ? " value" : "",
                  o.per_channel ? " adds constant"
                  : o.adds      ? " adds"
                                : "",
                  o.looks_up ? " table" : "", o.y_padding.any() ? " padded" : "");
    const auto expected = [&](int64_t i) {
        const int64_t out = i % k, q = i / k % g.q, p = i / k / g.q % g.p, image = i / k / g.q / g.p;
        uint32_t acc = z.bias.host[out];
        for (int64_t a = 0; a < r; ++a)
            for (int64_t b = 0; b < s; ++b) {
                const int64_t row = p * o.stride - o.pad + a * o.dilation,
                              column = q * o.stride - o.pad + b * o.dilation;
                const bool inside = row >= 0 && row < h && column >= 0 && column < w;
                const int64_t first = ((image * h + row) * w + column) * c;
                for (int64_t j = 0; j < c; ++j)
                    acc += static_cast<uint32_t>((inside ? x.host[first + j] : o.x_zero_point) *
                                                 filter.host[((out * r + a) * s + b) * c + j]);
            }
        const int result = requantized(acc, z.multiplier.host[out], z.epilogue);
        if (o.adds == 0) return static_cast<int8_t>(z.looked_up(result, o.looks_up));
        const float y = static_cast<float>(result + 128),
                    other = static_cast<float>(residual.host[o.per_channel ? out : i] + 128);
        const float first = o.adds == 1 ? y : other, second = o.adds == 1 ? other : y;
        const float total = std::fmaf(first, ra, std::fmaf(second, rb, fixed));
        const auto sum = static_cast<int8_t>(std::clamp(std::nearbyint(total), 0.0f, 255.0f) - 128);
        return static_cast<int8_t>(z.looked_up(sum, o.looks_up));
    };
    const PaddedResults y{n, g.p, g.q, k, g.y_padding, z.with_table(o.looks_up).padding()};
    const WindowOptions options{pads_with_value, o.adds != 0 && !o.per_channel, o.per_channel, o.looks_up};
    for (const WindowVariant& v : window_variants(g, options)) {
        const WindowConv conv(g, v, options);
        if (table == nullptr && conv.table_bytes() > 0)
            require(cudaMalloc(&table, conv.table_bytes()), "cudaMalloc");
        check<int8_t>(
            name + (", " + v.text()), y.count(),
            x.host.size() + filter.host.size() + (o.adds && !o.per_channel ? count : 0), 2.0 * count * depth,
            2.0 * depth, 0,
            [&](int8_t* result) {
                if (table != nullptr)
                    require(conv.make_table(o.x_zero_point, filter.gpu, z.epilogue.bias, table, nullptr),
                            "make_table");
                return conv.run(x.gpu, filter.gpu, z.with_table(o.looks_up), added, result, table, false,
                                nullptr, nullptr);
            },
            [&](int64_t i) { return y.expected(i, expected); });
    }
    cudaFree(table);
    if (o.looks_up || o.adds != 0) return;
    o.looks_up = true;
    window_case(n, h, w, c, k, r, s, o);
}

void small_window_cases() {
    for (int64_t m : {1, 130, 4099})
        for (auto [k, c] : {std::array<int64_t, 2>{32, 32}, {96, 48}, {256, 64}, {64, 1024}}) {
            window_case(1, 1, m, c, k, 1, 1);
            for (int adds : {1, 2}) {
                window_case(1, 1, m, c, k, 1, 1, {.adds = adds, .usual = adds == 1});
                for (bool looks_up : {false, true})
                    window_case(1, 1, m, c, k, 1, 1,
                                {.looks_up = looks_up, .adds = adds, .per_channel = true});
            }
        }
    for (int x_zero_point : {0, -128}) {
        window_case(3, 13, 11, 64, 64, 3, 3, {.pad = 1, .x_zero_point = x_zero_point});
        window_case(3, 13, 11, 128, 96, 3, 3,
                    {.pad = 1, .stride = 2, .x_zero_point = x_zero_point, .high = 50});
        window_case(2, 17, 19, 48, 32, 3, 3, {.pad = 2, .dilation = 2, .x_zero_point = x_zero_point});
        window_case(2, 17, 19, 32, 64, 5, 5, {.pad = 2, .x_zero_point = x_zero_point, .usual = false});
        window_case(70, 1, 2, 64, 64, 3, 3, {.pad = 1, .x_zero_point = x_zero_point});
    }
    window_case(3, 12, 13, 80, 64, 3, 3, {.pad = 1, .y_padding = {1, 1, 1, 1}});
    window_case(3, 12, 13, 64, 64, 1, 1, {.y_padding = {0, 2, 1, 0}});
    window_case(3, 13, 12, 64, 128, 3, 3, {.pad = 1, .stride = 2, .adds = 1});
    window_case(5, 15, 14, 64, 64, 1, 1, {.stride = 2, .adds = 2});
    window_case(4, 9, 9, 128, 64, 3, 3, {.adds = 1});
    window_case(40, 7, 9, 128, 64, 3, 2, {.pad = 1, .stride = 2, .x_zero_point = -128});
    window_case(40, 7, 9, 128, 256, 3, 2, {.pad = 1, .x_zero_point = -128});
    window_case(40, 7, 9, 128, 64, 3, 3, {.pad = 1, .stride = 3, .x_zero_point = -128});
    window_case(1, 1, 240000, 256, 64, 1, 1);  // many tiles a block, with more parts than there are buffers
}

// ResNet-50's, at batches of 256 and 1.
void large_window_cases() {
    for (int64_t n : {256, 1}) {
        for (auto [side, c] : {std::array<int64_t, 2>{56, 64}, {28, 128}, {14, 256}, {7, 512}}) {
            window_case(n, side, side, c, c, 3, 3, {.pad = 1, .x_zero_point = -128});
            window_case(n, side + 2, side + 2, c, c, 3, 3);
            window_case(n, side, side, c, 4 * c, 1, 1, {.adds = 1});
            window_case(n, side, side, 4 * c, c, 1, 1, {.y_padding = {1, 1, 1, 1}});
            if (side == 56) continue;
            window_case(n, 2 * side + 2, 2 * side + 2, c, c, 3, 3, {.stride = 2});
            window_case(n, 2 * side, 2 * side, 2 * c, 4 * c, 1, 1, {.stride = 2});
        }
    }
}

}  // namespace
