// As kernels.h, for normalizations by mean squares, fused with the addition before them.
#pragma once

#include "kernels/norm/add_rms_normalization.h"
#include "normalization_kernels.h"

namespace {

// keeps_sum: writes the sum too, which is compared in another case.
void add_rms_normalization_case(int64_t rows, int64_t channels, int64_t stride, bool inside, bool keeps_sum,
                                int offset = 0) {
    const ToIslandScales s{0.0213f, -7, 1e-5f};
    Tensor<int8_t> x(rows * stride, offset), residual(rows * stride, offset), q(rows * stride, offset);
    const Tensor<float> floats(rows * channels, offset,
                               [] { return (static_cast<int>(random_bits() % 20001) - 10000) * 1e-3f; });
    Tensor<float> totals(rows * channels, offset, [] { return 0.0f; });
    const Tensor<float> gamma = random_floats(channels, 1), bias = random_floats(channels, 0);
    const DequantizedRows x_rows{x.gpu, stride, 0.0371f, 5}, r_rows{residual.gpu, stride, 0.0527f, -11};
    const auto value = [&](int64_t row, int64_t c) {
        const auto dequantized = [&](const Tensor<int8_t>& tensor, const DequantizedRows& of) {
            return static_cast<float>(tensor.host[row * stride + c] - of.zero_point) * of.scale;
        };
        const float r = inside ? dequantized(residual, r_rows) : floats.host[row * channels + c];
        return (dequantized(x, x_rows) + r) + bias.host[c];
    };
    std::vector<float> divisors(rows);
    for (int64_t row = 0; row < rows; ++row) {
        float squares = 0;
        for (int64_t c = 0; c < channels; ++c) {
            const float v = value(row, c), square = v * v;
            squares += square;
        }
        divisors[row] = std::sqrt(squares / static_cast<float>(channels) + s.epsilon);
    }
    const ToIslandGeometry g{rows, channels, stride};
    const auto run = [&](int8_t* to, float* total) {
        const FloatResults results{.total = total, .y = nullptr};
        return inside ? add_rms_normalization_to_island(g, s, x_rows, bias.gpu, r_rows, gamma.gpu, to,
                                                        results, nullptr)
                      : add_rms_normalization_to_island(g, s, x_rows, bias.gpu, FloatRows{floats.gpu, 1, 0},
                                                        gamma.gpu, to, results, nullptr);
    };
    const std::string name =
        shape_name(inside ? "add_rms_normalization int8 + int8" : "add_rms_normalization int8 + float32",
                   rows, channels, stride, offset);
    const int64_t read = rows * stride + rows * channels * (inside ? 1 : 4) + channels * 8;
    check<int8_t>(
        name + (keeps_sum ? " and sum" : ""), rows * stride, read + keeps_sum * rows * channels * 4, 0, 20,
        offset, [&](int8_t* to) { return run(to, keeps_sum ? totals.gpu : nullptr); },
        [&](int64_t i) {
            const int64_t row = i / stride, c = i % stride;
            if (c >= channels) return int8_t{0};
            const float y = value(row, c) / divisors[row] * gamma.host[c];
            return static_cast<int8_t>(saturate(std::nearbyint(y / s.q_scale), s.q_zero_point));
        });
    if (!keeps_sum) return;
    check<float>(
        name + ", its sum", rows * channels, read + rows * stride, 0, 20, offset,
        [&](float* to) { return run(q.gpu, to); },
        [&](int64_t i) { return value(i / channels, i % channels); });
}

void small_rms_normalization_cases() {
    for (int64_t rows : {1, 5, 70})
        for (auto [channels, stride] :
             {std::array<int64_t, 2>{768, 768}, {3, 16}, {15, 16}, {1001, 1008}, {197, 197}, {512, 512}})
            for (bool inside : {false, true})
                for (bool keeps_sum : {false, true})
                    add_rms_normalization_case(rows, channels, stride, inside, keeps_sum);
    add_rms_normalization_case(9, 768, 768, true, true, 1);
}

// Those of language models: widths of 1 to 8 billion weights, prompts of 128 and 2048 tokens.
void large_rms_normalization_cases() {
    for (auto [rows, channels] : {std::array<int64_t, 2>{128, 2048}, {2048, 2048}, {128, 4096}, {2048, 4096}})
        for (bool keeps_sum : {false, true})
            add_rms_normalization_case(rows, channels, channels, true, keeps_sum);
}

}  // namespace
