// As kernels.h, for layer normalizations, alone and with what is fused into them.
#pragma once

#include "kernels.h"
#include "kernels/norm/add_layer_normalization.h"
#include "kernels/norm/layer_normalization.h"
#include "kernels/norm/normalize_to_island.h"
#include "vision_kernels.h"

namespace {

Tensor<float> random_floats(int64_t count, float around) {
    return Tensor<float>(count, 0,
                         [=] { return around + (static_cast<int>(random_bits() % 2001) - 1000) * 1e-3f; });
}

// Of 8 channels and more, in the order of operations that layer_normalization.h and normalize_to_island.h
// give. value(row, c): what is normalized.
struct Normalized {
    using Value = std::function<float(int64_t, int64_t)>;
    Value value;
    Tensor<float> gamma, beta;
    std::vector<float> mean, inverse;

    Normalized(int64_t rows, int64_t channels, float epsilon, Value of)
        : value(std::move(of)),
          gamma(random_floats(channels, 1)),
          beta(random_floats(channels, 0)),
          mean(rows),
          inverse(rows) {
        for (int64_t row = 0; row < rows; ++row) {
            const int64_t fours = channels / 4 * 4, whole = channels / 8 * 8, rest = channels % 8;
            double sums[4] = {};
            for (int64_t c = 0; c < fours; ++c) sums[c % 4] += value(row, c);
            double sum = (sums[0] + sums[2]) + (sums[1] + sums[3]);
            for (int64_t c = fours; c < channels; ++c) sum += value(row, c);
            mean[row] = static_cast<float>(sum / static_cast<double>(channels));
            float squares[8] = {};
            for (int64_t c = 0; c < whole; ++c) {
                const float d = value(row, c) - mean[row];
                squares[c % 8] = std::fmaf(d, d, squares[c % 8]);
            }
            for (int half = 4; half > 0; half /= 2)
                for (int i = 0; i < half; ++i) squares[i] += squares[i + half];
            for (int64_t i = 0; i < rest; ++i) {
                const float d = value(row, whole + i) - mean[row], square = d * d;
                squares[0] = i < 4 && rest >= 4 ? squares[0] + square : std::fmaf(d, d, squares[0]);
            }
            inverse[row] = 1 / std::sqrt(squares[0] / static_cast<float>(channels) + epsilon);
        }
    }

    // Parameters with which each channel shows by how much one row's steps before them differ from these.
    void probe() {
        for (int64_t c = 0; c < static_cast<int64_t>(gamma.host.size()); ++c) {
            const int64_t row = c * 7919 % static_cast<int64_t>(mean.size());
            gamma.host[c] = 1, beta.host[c] = -((value(row, c) - mean[row]) * inverse[row]);
        }
        for (const Tensor<float>* t : {&gamma, &beta})
            require(
                cudaMemcpy(t->gpu, t->host.data(), t->host.size() * sizeof(float), cudaMemcpyHostToDevice),
                "cudaMemcpy");
    }

    float at(int64_t row, int64_t c) const {
        return std::fmaf((value(row, c) - mean[row]) * inverse[row], gamma.host[c], beta.host[c]);
    }
    int8_t quantized(int64_t row, int64_t c, float scale, int zero_point) const {
        return static_cast<int8_t>(saturate(std::nearbyint(at(row, c) / scale), zero_point));
    }
};

std::string shape_name(const char* kernel, int64_t rows, int64_t channels, int64_t stride, int offset) {
    return std::string(kernel) + " " + std::to_string(rows) + " x " + std::to_string(channels) + " of " +
           std::to_string(stride) + (offset ? " unaligned" : "");
}

// Between numbers that are next to each other, as Normalized::probe() has them, are more than 127 of these.
constexpr float kProbingScale = 1e-12f;

void layer_normalization_case(int64_t rows, int64_t channels, int64_t stride, int offset = 0,
                              bool probes = false) {
    const NormalizationScales s{0.0371f, probes ? kProbingScale : 0.0213f, 5, -7, 1e-5f};
    Tensor<int8_t> x(rows * stride, offset);
    Normalized n(rows, channels, s.epsilon, [&](int64_t row, int64_t c) {
        return static_cast<float>(x.host[row * stride + c] - s.x_zero_point) * s.x_scale;
    });
    if (probes) n.probe();
    const TimedInGraph in_graph;
    check<int8_t>(
        shape_name(probes ? "probed layer_normalization" : "layer_normalization", rows, channels, stride,
                   offset),
        rows * stride, rows * stride + channels * 8, 0, 8, offset,
        [&](int8_t* y) {
            return layer_normalization({rows, channels, stride, stride}, s, x.gpu, n.gamma.gpu, n.beta.gpu, y,
                                       capturable_stream());
        },
        [&](int64_t i) {
            const int64_t row = i / stride, c = i % stride;
            return c < channels ? n.quantized(row, c, s.y_scale, s.y_zero_point) : int8_t{0};
        });
    check<float>(
        shape_name("layer_normalization_to_float", rows, channels, stride, offset), rows * channels,
        rows * stride + channels * 8, 0, 8, offset,
        [&](float* y) {
            return layer_normalization_to_float({rows, channels, stride, channels}, s, x.gpu, n.gamma.gpu,
                                                n.beta.gpu, y, capturable_stream());
        },
        [&](int64_t i) { return n.at(i / channels, i % channels); });
}

// keeps_sum: writes the sum too, which is compared in another case.
void add_layer_normalization_case(int64_t rows, int64_t channels, int64_t stride, bool keeps_sum,
                                  int offset = 0, bool probes = false) {
    const BinaryScales sum{0.0371f, 0.0213f, 0.0449f, 121, 3, 130, 128};
    const NormalizationScales s{sum.y_scale, probes ? kProbingScale : 0.0213f, sum.y_zero_point - sum.offset,
                                -7, 1e-5f};
    Tensor<int8_t> a(rows * stride, offset), b(rows * stride, offset), total(rows * stride, offset);
    const float ra = sum.a_scale / sum.y_scale, rb = sum.b_scale / sum.y_scale;
    const float f = sum.y_zero_point - std::fmaf(sum.a_zero_point, ra, rb * sum.b_zero_point);
    const auto added = [&](int64_t i) {
        return clamped(std::fmaf(a.host[i] + sum.offset, ra, std::fmaf(b.host[i] + sum.offset, rb, f)),
                       sum.offset);
    };
    Normalized n(rows, channels, s.epsilon, [&](int64_t row, int64_t c) {
        return static_cast<float>(added(row * stride + c) - s.x_zero_point) * s.x_scale;
    });
    const auto run = [&](int8_t* to, int8_t* y) {
        return add_layer_normalization({rows, channels, stride, stride}, sum, s, a.gpu, b.gpu, n.gamma.gpu,
                                       n.beta.gpu, to, y, capturable_stream());
    };
    if (probes) n.probe();
    const std::string name = shape_name(probes ? "probed add_layer_normalization" : "add_layer_normalization",
                                        rows, channels, stride, offset);
    const int64_t read = 2 * rows * stride + channels * 8;
    const TimedInGraph in_graph;
    check<int8_t>(
        name + (keeps_sum ? " and sum" : ""), rows * stride, read + keeps_sum * rows * stride, 0, 20, offset,
        [&](int8_t* y) { return run(keeps_sum ? total.gpu : nullptr, y); },
        [&](int64_t i) {
            const int64_t row = i / stride, c = i % stride;
            return c < channels ? n.quantized(row, c, s.y_scale, s.y_zero_point) : int8_t{0};
        });
    Tensor<int8_t> y(rows * stride, offset);
    if (keeps_sum)
        check<int8_t>(
            name + ", its sum", rows * stride, read + rows * stride, 0, 10, offset,
            [&](int8_t* to) { return run(to, y.gpu); }, added);
}

// What is normalized: a tensor inside and a residual, or a float32 tensor alone, which may consist of numbers
// of all sizes that cancel each other, so that the order of additions decides about the mean.
enum class Normalizes { int8_residual, float_residual, floats, cancelling };

float number_of_any_size() {
    return std::ldexp(static_cast<float>(random_bits() % 20001), static_cast<int>(random_bits() % 40) - 30);
}

// What is compared, besides which only `q` is written.
enum class Result { q, y, total };

void normalize_to_island_case(Normalizes what, int64_t rows, int64_t channels, int64_t stride,
                              Result result = Result::q, int offset = 0) {
    const ToIslandScales s{0.0213f, -7, 1e-5f};
    const bool cancelling = what == Normalizes::cancelling, inside = what == Normalizes::int8_residual;
    const bool alone = cancelling || what == Normalizes::floats;
    Tensor<int8_t> x(rows * stride, offset), residual(rows * stride, offset), q(rows * stride, offset);
    float last = 0;
    const Tensor<float> floats(rows * channels, offset, [&] {
        if (cancelling) return last = last > 0 ? -last : number_of_any_size();
        return (static_cast<int>(random_bits() % 20001) - 10000) * 1e-3f;
    });
    const Tensor<float> bias = random_floats(channels, 0);
    const DequantizedRows x_rows{x.gpu, stride, 0.0371f, 5}, r_rows{residual.gpu, stride, 0.0527f, -11};
    const auto value = [&](int64_t row, int64_t c) {
        const float single = floats.host[row * channels + c];
        if (alone) return single;
        const auto dequantized = [&](const Tensor<int8_t>& tensor, const DequantizedRows& of) {
            return static_cast<float>(tensor.host[row * stride + c] - of.zero_point) * of.scale;
        };
        const float biased = dequantized(x, x_rows) + bias.host[c];
        return biased + (inside ? dequantized(residual, r_rows) : single);
    };
    const Normalized n(rows, channels, s.epsilon, value);
    const ToIslandGeometry g{rows, channels, stride};
    const auto run = [&](int8_t* to, const FloatResults& results) {
        if (alone)
            return layer_normalization_to_island(g, s, floats.gpu, n.gamma.gpu, n.beta.gpu, to, results.y,
                                                 nullptr);
        if (inside)
            return add_layer_normalization_to_island(g, s, x_rows, bias.gpu, r_rows, n.gamma.gpu, n.beta.gpu,
                                                     to, results, nullptr);
        return add_layer_normalization_to_island(g, s, x_rows, bias.gpu, FloatRows{floats.gpu, 1, 0},
                                                 n.gamma.gpu, n.beta.gpu, to, results, nullptr);
    };
    const char* names[] = {"normalize_to_island int8 + int8", "normalize_to_island int8 + float32",
                           "normalize_to_island float32", "normalize_to_island cancelling float32"};
    const std::string name = shape_name(names[static_cast<int>(what)], rows, channels, stride, offset);
    const int64_t read = (alone ? 0 : rows * stride) + rows * channels * (inside ? 1 : 4) + channels * 12;
    if (result == Result::q) {
        check<int8_t>(
            name, rows * stride, read, 0, 20, offset, [&](int8_t* to) { return run(to, {}); },
            [&](int64_t i) {
                const int64_t row = i / stride, c = i % stride;
                return c < channels ? n.quantized(row, c, s.q_scale, s.q_zero_point) : int8_t{0};
            });
        return;
    }
    const bool total = result == Result::total;
    check<float>(
        name + (total ? ", and the sum" : ", and in float32"), rows * channels, read + rows * stride, 0, 20,
        offset,
        [&](float* to) { return run(q.gpu, {.total = total ? to : nullptr, .y = total ? nullptr : to}); },
        [&](int64_t i) {
            const int64_t row = i / channels, c = i % channels;
            return total ? value(row, c) : n.at(row, c);
        });
}

// More rows of so few channels that kernels may take some at a time; one of them alone.
void narrow_row_cases() {
    for (int64_t channels : {32, 64, 96, 128, 192, 256, 384, 512})
        for (int64_t rows : {1, 1057, 3001}) {
            layer_normalization_case(rows, channels, channels);
            layer_normalization_case(rows, channels, channels, 0, true);
            for (bool keeps_sum : {false, true}) {
                add_layer_normalization_case(rows, channels, channels, keeps_sum);
                add_layer_normalization_case(rows, channels, channels, keeps_sum, 0, true);
            }
        }
    for (auto [channels, stride, offset] : {std::array<int, 3>{95, 96, 0},
                                            {100, 112, 0},
                                            {80, 80, 0},
                                            {96, 96, 1},
                                            {96, 96, 4},
                                            {192, 192, 8}}) {
        layer_normalization_case(1101, channels, stride, offset);
        add_layer_normalization_case(1101, channels, stride, true, offset);
    }
}

void small_layer_normalization_cases() {
    narrow_row_cases();
    for (int64_t rows : {1, 5, 70})
        for (auto [channels, stride] : {std::array<int64_t, 2>{768, 768},
                                        {8, 16},
                                        {15, 16},
                                        {1001, 1008},
                                        {197, 197},
                                        {64, 96},
                                        {8192, 8192}})
            layer_normalization_case(rows, channels, stride);
    layer_normalization_case(1101, 768, 768), layer_normalization_case(1058, 2048, 2048);
    layer_normalization_case(9, 768, 768, 1), layer_normalization_case(9, 197, 197, 3);
}

void large_layer_normalization_cases() {
    for (auto [side, channels] :  // of ConvNeXt-tiny and Swin-tiny at a batch of 32
         {std::array<int64_t, 2>{56, 96}, {28, 192}, {14, 384}, {7, 768}}) {
        layer_normalization_case(32 * side * side, channels, channels);
        for (bool keeps_sum : {false, true})
            add_layer_normalization_case(32 * side * side, channels, channels, keeps_sum);
    }
    for (auto [rows, channels] : {std::array<int64_t, 2>{32 * 384, 768},
                                  {32 * 128, 768},
                                  {8 * 128, 768},
                                  {128, 768},
                                  {64 * 197, 768},
                                  {32 * 384, 1024},
                                  {4096, 4096},
                                  {2048, 8192}})
        layer_normalization_case(rows, channels, channels);
}

void small_fused_normalization_cases() {
    for (int64_t rows : {1, 5, 70})
        for (auto [channels, stride] : {std::array<int64_t, 2>{768, 768},
                                        {8, 16},
                                        {15, 16},
                                        {1001, 1008},
                                        {197, 197},
                                        {64, 96},
                                        {100, 112},
                                        {516, 528},
                                        {1024, 1024},
                                        {1028, 1040}}) {
            for (bool keeps_sum : {false, true})
                add_layer_normalization_case(rows, channels, stride, keeps_sum);
            for (Result result : {Result::q, Result::y, Result::total}) {
                normalize_to_island_case(Normalizes::int8_residual, rows, channels, stride, result);
                normalize_to_island_case(Normalizes::float_residual, rows, channels, stride, result);
                if (result == Result::total) continue;
                normalize_to_island_case(Normalizes::floats, rows, channels, stride, result);
                normalize_to_island_case(Normalizes::cancelling, rows, channels, stride, result);
            }
        }
    add_layer_normalization_case(9, 768, 768, true, 1);
    for (Normalizes what : {Normalizes::int8_residual, Normalizes::float_residual, Normalizes::floats}) {
        normalize_to_island_case(what, 9, 768, 768, Result::y, 1);
        normalize_to_island_case(what, 70, 8192, 8192, Result::y);
        normalize_to_island_case(what, 3001, 100, 112, Result::y);
        normalize_to_island_case(what, 3001, 1024, 1024);
    }
}

// BERT-base's at batches of 32 (sequences of 128 and 384) and 8.
void large_fused_normalization_cases() {
    for (int64_t rows : {32 * 128, 32 * 384, 8 * 128, 128}) {
        for (bool keeps_sum : {false, true}) add_layer_normalization_case(rows, 768, 768, keeps_sum);
        normalize_to_island_case(Normalizes::int8_residual, rows, 768, 768);
        normalize_to_island_case(Normalizes::float_residual, rows, 768, 768);
        normalize_to_island_case(Normalizes::float_residual, rows, 768, 768, Result::total);
        normalize_to_island_case(Normalizes::float_residual, rows, 768, 768, Result::y);
        normalize_to_island_case(Normalizes::floats, rows, 768, 768);
    }
}

}  // namespace
