// As kernels.h, for results that are not int8.
#pragma once

#include "kernels.h"

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

}  // namespace
