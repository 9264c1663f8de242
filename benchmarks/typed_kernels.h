// As kernels.h, for results that are not int8, and dynamic quantization.
#pragma once

#include "kernels.h"
#include "kernels/dynamic_quantize.h"

namespace {

// Y: float or int32_t.
template <typename Y>
void typed_matmul_case(int64_t m, int64_t k, int64_t c, int offset = 0) {
    constexpr bool kFloat = std::is_same_v<Y, float>;
    Tensor<int8_t> x(m * c, offset), w(k * c, offset);
    Quantization z(k, c, m * k > 1 << 20);
    // Of the products' size, so that a fused multiply-add shows.
    Tensor<float> addend(k, 0, [] { return (static_cast<int>(random_bits() % 2001) - 1000) * 0.0137f; });
    z.epilogue.addend = addend.gpu;
    check<Y>(
        std::string(kFloat ? "matmul float32 " : "matmul int32 ") + std::to_string(m) + " x " +
            std::to_string(k) + " x " + std::to_string(c) + (offset ? " unaligned" : ""),
        m * k, m * c + k * c, 2.0 * m * k * c, static_cast<double>(c), offset,
        [&](Y* y) { return matmul(m, k, c, x.gpu, w.gpu, z.epilogue, y, nullptr); },
        [&](int64_t i) {
            uint32_t acc = z.bias.host[i % k];
            for (int64_t j = 0; j < c; ++j)
                acc += static_cast<uint32_t>(x.host[i / k * c + j] * w.host[i % k * c + j]);
            const auto sum = static_cast<int32_t>(acc);
            if constexpr (kFloat) {
                const float product = static_cast<float>(sum) * z.multiplier.host[i % k];
                return product + addend.host[i % k];
            } else {
                return sum;
            }
        });
}

// Both passes over x.
void dynamic_quantize_case(const Crossing& crossing) {
    const BorderGeometry g = crossing.geometry();
    const int64_t count = product(g.inside, g.rank), elements = product(crossing.outside, g.rank);
    // From -100 to 155 in halves, where there are two: of scale 1, with many ties.
    Tensor<float> x(elements, crossing.offset, [i = 0]() mutable {
        ++i;
        return i == 1 ? -100.0f : i == 2 ? 155.0f : static_cast<float>(random_bits() % 511) * 0.5f - 100.0f;
    });
    const float low = elements > 0 ? -100.0f : 0.0f, high = elements > 1 ? 155.0f : 0.0f;
    const float scale = (high - low) / 255.0f;
    const int zero_point = static_cast<int>(std::nearbyint(std::min(0 - low / scale, 255.0f))) - 128;
    const int parts = range_count(elements);
    Tensor<float> found_scale(1), ranges(2 * parts);
    Tensor<int8_t> found_zero_point(1);
    check<int8_t>(
        "dynamic_quantize " + crossing.name, count, elements * 8, 0, 12, 0,
        [&](int8_t* y) {
            auto* found = reinterpret_cast<Range*>(ranges.gpu);
            require(find_ranges(elements, x.gpu, found, nullptr), "find_ranges");
            return dynamic_quantize_to_island(g, found, parts, x.gpu, y, found_scale.gpu,
                                              found_zero_point.gpu, nullptr);
        },
        [&](int64_t i) {
            int64_t where = 0;
            for (int d = g.rank - 1; d >= 0; i /= g.inside[d--]) {
                const int64_t j = i % g.inside[d] - g.before[d];
                if (j < 0 || j >= g.extent[d]) return static_cast<int8_t>(zero_point);
                where += j * g.outside_stride[d];
            }
            return static_cast<int8_t>(saturate(std::nearbyint(x.host[where] / scale), zero_point));
        });
    float s = 0;
    int8_t z = 0;
    require(cudaMemcpy(&s, found_scale.gpu, sizeof s, cudaMemcpyDeviceToHost), "cudaMemcpy");
    require(cudaMemcpy(&z, found_zero_point.gpu, sizeof z, cudaMemcpyDeviceToHost), "cudaMemcpy");
    if (s == scale && z == zero_point) return;
    std::printf("  scale %g and zero point %d for %g and %d\n", s, z, scale, zero_point);
    ++failures;
}

void small_typed_matmul_cases() {
    for (int64_t m : {1, 9, 64, 65, 130}) {
        typed_matmul_case<float>(m, 48, 80), typed_matmul_case<int32_t>(m, 48, 80);
        typed_matmul_case<float>(m, 29, 33), typed_matmul_case<int32_t>(m, 29, 33);
        typed_matmul_case<float>(m, 2, 768), typed_matmul_case<float>(m, 70, 68);
    }
    typed_matmul_case<float>(13, 32, 64, 1), typed_matmul_case<int32_t>(70, 32, 64, 1);
}

// BERT's: its layers at batch 1 and 32, and its two classes.
void large_typed_matmul_cases() {
    for (int64_t m : {128, 32 * 128})
        typed_matmul_case<float>(m, 768, 768), typed_matmul_case<float>(m, 3072, 768),
            typed_matmul_case<float>(m, 768, 3072);
    typed_matmul_case<float>(32, 2, 768);
}

void large_dynamic_quantize_cases() {
    const auto matrix = [](int64_t rows, int64_t c) {
        dynamic_quantize_case({std::to_string(rows) + "x" + std::to_string(c), {rows, c}, {0, 1}});
    };
    matrix(128, 768), matrix(32 * 128, 768), matrix(32 * 384, 768), matrix(32 * 384, 3072);
    matrix(400'000, 768);
    dynamic_quantize_case({"64x256x56x56", {64, 256, 56, 56}, {0, 2, 3, 1}});
    dynamic_quantize_case(
        {"64x3x224x224 padded by 3 to 4", {64, 3, 224, 224}, {0, 2, 3, 1}, {0, 3, 3, 0}, {0, 3, 3, 0}, 0, 4});
}

}  // namespace
