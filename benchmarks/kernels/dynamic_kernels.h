// As kernels.h, for dynamic quantization.
#pragma once

#include "kernels.h"
#include "kernels/border/dynamic_quantize.h"
#include "kernels/norm/dynamic_normalize.h"
#include "normalization_kernels.h"

namespace {

// What a kernel gives the matmuls that read its result, as many as BERT-base's three projections.
struct FoundEpilogue {
    static constexpr int64_t kOutputs = 2304;
    Tensor<int32_t> w_sum{kOutputs}, bias{kOutputs};
    Tensor<float> w_scale{kOutputs, 0, [] { return 1e-3f + random_bits() % 1000 * 1e-5f; }};
    Tensor<float> multiplier{kOutputs}, ranges{2 * kMostRanges};

    DynamicEpilogue to() {
        return {kOutputs, w_sum.gpu,      w_scale.gpu,
                bias.gpu, multiplier.gpu, reinterpret_cast<Range*>(ranges.gpu)};
    }

    // Compares with what `low` and `high` give.
    void check(float low, float high) {
        const float scale = scale_of(low, high);
        const int zero_point = zero_point_of(low, high);
        std::vector<int32_t> b(kOutputs);
        std::vector<float> m(kOutputs);
        require(cudaMemcpy(b.data(), bias.gpu, kOutputs * sizeof(int32_t), cudaMemcpyDeviceToHost),
                "cudaMemcpy");
        require(cudaMemcpy(m.data(), multiplier.gpu, kOutputs * sizeof(float), cudaMemcpyDeviceToHost),
                "cudaMemcpy");
        int64_t mismatches = 0;
        for (int64_t i = 0; i < kOutputs; ++i) {
            const auto wanted = static_cast<uint32_t>(-zero_point) * static_cast<uint32_t>(w_sum.host[i]);
            mismatches += static_cast<uint32_t>(b[i]) != wanted || m[i] != scale * w_scale.host[i];
        }
        if (mismatches == 0) return;
        std::printf("  %ld mismatches of bias and multiplier for scale %g and zero point %d\n", mismatches,
                    scale, zero_point);
        ++failures;
    }

    static float scale_of(float low, float high) { return low == high ? 1 : (high - low) / 255; }
    static int zero_point_of(float low, float high) {
        const float place = 0 - low / scale_of(low, high);
        return static_cast<int>(std::nearbyint(std::clamp(place, 0.0f, 255.0f))) - 128;
    }
};

// Of x itself, or of Gelu(x), for which x is where erf gives 1 or -1.
void dynamic_quantize_case(const Crossing& crossing, bool gelu = false) {
    const BorderGeometry g = crossing.geometry();
    const int64_t count = product(g.inside, g.rank), elements = product(crossing.outside, g.rank);
    // From -100 to 155 in halves, where there are two: of scale 1, with many ties. Of Gelu from 0 to 255.
    const float lowest = -100, highest = gelu ? 255 : 155;
    Tensor<float> x(elements, crossing.offset, [=, i = 0]() mutable {
        ++i;
        const float value = static_cast<float>(random_bits() % 511) * 0.5f - 100;
        return i == 1 ? lowest : i == 2 ? highest : gelu && std::abs(value) < 6 ? 0 : value;
    });
    const float low = elements > 0 && !gelu ? lowest : 0, high = elements > 1 ? highest : 0;
    const float scale = FoundEpilogue::scale_of(low, high);
    const int zero_point = FoundEpilogue::zero_point_of(low, high);
    FoundEpilogue found;
    check<int8_t>(
        (gelu ? "dynamic_gelu " : "dynamic_quantize ") + crossing.name, count, elements * 4, 0, 12, 0,
        [&](int8_t* y) {
            return gelu ? dynamic_gelu_to_island(g, elements, std::sqrt(0.5f), x.gpu, y, found.to(), nullptr)
                        : dynamic_quantize_to_island(g, elements, x.gpu, y, found.to(), nullptr);
        },
        [&](int64_t i) {
            int64_t where = 0;
            for (int d = g.rank - 1; d >= 0; i /= g.inside[d--]) {
                const int64_t j = i % g.inside[d] - g.before[d];
                if (j < 0 || j >= g.extent[d]) return static_cast<int8_t>(zero_point);
                where += j * g.outside_stride[d];
            }
            const float value = gelu ? std::max(x.host[where], 0.0f) : x.host[where];
            return static_cast<int8_t>(saturate(std::nearbyint(value / scale), zero_point));
        });
    found.check(low, high);
}

Crossing rows_of(int64_t rows, int64_t channels, int offset = 0) {
    return {std::to_string(rows) + "x" + std::to_string(channels) + (offset ? " unaligned" : ""),
            {rows, channels},
            {0, 1},
            {},
            {},
            offset};
}

void small_dynamic_quantize_cases() {
    for (bool gelu : {false, true}) {
        for (int64_t rows : {1, 3, 70, 1101})
            for (int64_t channels : {4, 12, 312, 768, 1001, 1200})
                dynamic_quantize_case(rows_of(rows, channels), gelu);
        dynamic_quantize_case(rows_of(70, 768, 1), gelu);
        // Whose vectors are more than a thread keeps.
        dynamic_quantize_case(rows_of(1, (int64_t{1} << 24) + 4), gelu);
    }
}

// BERT-base's and BERT-large's.
void large_dynamic_quantize_cases() {
    for (bool gelu : {false, true})
        for (int64_t rows : {128, 8 * 128, 32 * 128, 32 * 384})
            for (int64_t channels : {768, 3072}) dynamic_quantize_case(rows_of(rows, channels), gelu);
    dynamic_quantize_case(rows_of(400'000, 768));
    dynamic_quantize_case({"64x256x56x56", {64, 256, 56, 56}, {0, 2, 3, 1}});
    dynamic_quantize_case(
        {"64x3x224x224 padded by 3 to 4", {64, 3, 224, 224}, {0, 2, 3, 1}, {0, 3, 3, 0}, {0, 3, 3, 0}, 0, 4});
}

// What else is wanted, and then compared too.
struct Wanted {
    bool y, total;
};

// q of a + b, or of a alone.
void dynamic_normalize_case(bool adds, Wanted wants, int64_t rows, int64_t channels, int64_t stride,
                            int offset = 0) {
    const float epsilon = 1e-5f;
    const auto random = [] { return (static_cast<int>(random_bits() % 20001) - 10000) * 1e-3f; };
    Tensor<float> a(rows * channels, offset, random), b(rows * channels, offset, random);
    Tensor<float> y(rows * channels), total(rows * channels);
    const auto value = [&](int64_t row, int64_t c) {
        const int64_t i = row * channels + c;
        return adds ? a.host[i] + b.host[i] : a.host[i];
    };
    const Normalized n(rows, channels, epsilon, value);
    float low = 0, high = 0;
    for (int64_t row = 0; row < rows; ++row)
        for (int64_t c = 0; c < channels; ++c) {
            low = std::min(low, n.at(row, c));
            high = std::max(high, n.at(row, c));
        }
    const float scale = FoundEpilogue::scale_of(low, high);
    const int zero_point = FoundEpilogue::zero_point_of(low, high);
    FoundEpilogue found;
    const ToIslandGeometry g{rows, channels, stride};
    const bool writes_y = wants.y || offset != 0 || needs_y(g);
    const FloatResults results{adds && wants.total ? total.gpu : nullptr, writes_y ? y.gpu : nullptr};
    const int64_t elements = rows * channels * 4;
    check<int8_t>(
        shape_name(adds ? "dynamic_normalize sum" : "dynamic_normalize", rows, channels, stride, offset) +
            (wants.y ? ", and y" : "") + (results.total ? ", and the sum" : ""),
        rows * stride, elements * (1 + adds) + (results.y ? elements : 0) + (results.total ? elements : 0), 0,
        20, offset,
        [&](int8_t* q) {
            return adds ? dynamic_add_layer_normalization_to_island(g, epsilon, a.gpu, b.gpu, n.gamma.gpu,
                                                                    n.beta.gpu, q, results, found.to(),
                                                                    nullptr)
                        : dynamic_layer_normalization_to_island(g, epsilon, a.gpu, n.gamma.gpu, n.beta.gpu, q,
                                                                results, found.to(), nullptr);
        },
        [&](int64_t i) {
            const int64_t row = i / stride, c = i % stride;
            return c < channels ? n.quantized(row, c, scale, zero_point) : static_cast<int8_t>(zero_point);
        });
    found.check(low, high);
    const auto compare = [&](const float* gpu, const char* what, const auto& expected) {
        std::vector<float> actual(rows * channels);
        require(cudaMemcpy(actual.data(), gpu, elements, cudaMemcpyDeviceToHost), "cudaMemcpy");
        int64_t mismatches = 0;
        for (int64_t i = 0; i < rows * channels; ++i) {
            const float wanted = expected(i / channels, i % channels);
            mismatches += std::memcmp(&actual[i], &wanted, sizeof wanted) != 0;
        }
        if (mismatches) std::printf("  %ld mismatches of %s\n", mismatches, what), ++failures;
    };
    if (wants.y) compare(y.gpu, "y", [&](int64_t row, int64_t c) { return n.at(row, c); });
    if (results.total) compare(total.gpu, "the sum", value);
}

void small_dynamic_normalize_cases() {
    for (bool adds : {false, true})
        for (const Wanted wants : {Wanted{false, false}, {true, false}, {true, true}}) {
            for (int64_t rows : {1, 5, 70, 1101})
                for (auto [channels, stride] : {std::array<int64_t, 2>{768, 768},
                                                {8, 16},
                                                {312, 320},
                                                {516, 528},
                                                {1000, 1008},
                                                {1024, 1024},
                                                {1028, 1040},
                                                {15, 16},
                                                {197, 197}})
                    dynamic_normalize_case(adds, wants, rows, channels, stride);
            dynamic_normalize_case(adds, wants, 9, 768, 768, 1);
        }
}

// As BERT-base has it, and ViT twice.
void large_dynamic_normalize_cases() {
    for (int64_t rows : {128, 8 * 128, 32 * 128, 32 * 384}) {
        dynamic_normalize_case(true, {true, false}, rows, 768, 768);
        dynamic_normalize_case(true, {false, true}, rows, 768, 768);
        dynamic_normalize_case(false, {false, false}, rows, 768, 768);
    }
    dynamic_normalize_case(true, {true, false}, 32 * 128, 1024, 1024);
}

}  // namespace
