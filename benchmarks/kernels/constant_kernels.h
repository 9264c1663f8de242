// As kernels.h, for the constant of each channel that a matmul adds to its rounded results.
#pragma once

#include <algorithm>

#include "kernels.h"
#include "kernels/elementwise/add.h"

namespace {

// The formula of add.h of an int8 result and a constant, then the table if there is one.
int8_t sum_with_constant(const Residual& constant, const int8_t* table, int8_t result, int8_t added) {
    const BinaryScales& s = constant.scales;
    const float ra = s.a_scale / s.y_scale, rb = s.b_scale / s.y_scale;
    const float fixed =
        static_cast<float>(s.y_zero_point) -
        std::fmaf(static_cast<float>(s.a_zero_point), ra, rb * static_cast<float>(s.b_zero_point));
    const float y = static_cast<float>(result + s.offset), other = static_cast<float>(added + s.offset);
    const float first = constant.y_first ? y : other, second = constant.y_first ? other : y;
    const float total = std::nearbyint(std::fmaf(first, ra, std::fmaf(second, rb, fixed)));
    const float low = static_cast<float>(s.offset - 128);
    const int sum = static_cast<int>(std::clamp(total, low, low + 255)) - s.offset;
    return static_cast<int8_t>(table == nullptr ? sum : table[128 + sum]);
}

// One kernel for everything, and the addition as a kernel of its own, for which results are copied first.
void constant_case(int64_t m, int64_t k, int64_t c, bool is_uint8, bool y_first, bool looks_up,
                   int offset = 0) {
    Tensor<int8_t> x(m * c, offset), w(k * c, offset), constants(k, offset), results(m * k, offset),
        table(256);
    Quantization z(k, c, m * k > 1 << 20);
    const BinaryScales scales = is_uint8 ? BinaryScales{0.031f, 0.027f, 0.041f, 125, 120, 118, 128}
                                         : BinaryScales{0.031f, 0.027f, 0.041f, 5, -7, 0, 0};
    const Residual constant{.r = constants.gpu, .scales = scales, .y_first = y_first, .per_channel = true};
    const int8_t* const of_host = looks_up ? table.host.data() : nullptr;
    z.epilogue.table = looks_up ? table.gpu : nullptr;
    const std::string name = "constant " + std::to_string(m) + " x " + std::to_string(k) + " x " +
                             std::to_string(c) + (is_uint8 ? " uint8" : " int8") +
                             (y_first ? "" : " second") + (looks_up ? " table" : "") +
                             (offset ? " unaligned" : "");
    check<int8_t>(
        name, m * k, m * c + k * c, 2.0 * m * k * c, static_cast<double>(c), offset,
        [&](int8_t* y) {
            return matmul_and_constant(m, k, c, x.gpu, w.gpu, z.epilogue, constant, y, nullptr);
        },
        [&](int64_t i) {
            uint32_t acc = z.bias.host[i % k];
            for (int64_t j = 0; j < c; ++j)
                acc += static_cast<uint32_t>(x.host[i / k * c + j] * w.host[i % k * c + j]);
            const auto result = static_cast<int8_t>(requantized(acc, z.multiplier.host[i % k], z.epilogue));
            return sum_with_constant(constant, of_host, result, constants.host[i % k]);
        });
    check<int8_t>(
        name + " alone", m * k, 3 * m * k, 0, 1, offset,
        [&](int8_t* y) {
            require(cudaMemcpyAsync(y, results.gpu, m * k, cudaMemcpyDeviceToDevice, nullptr), "cudaMemcpy");
            return add_residual(m * k, k, constant, z.epilogue.table, y, nullptr);
        },
        [&](int64_t i) {
            return sum_with_constant(constant, of_host, results.host[i], constants.host[i % k]);
        });
}

void small_constant_cases() {
    for (bool looks_up : {false, true})
        for (bool is_uint8 : {false, true})
            for (bool y_first : {false, true}) {
                constant_case(1, 48, 80, is_uint8, y_first, looks_up);
                constant_case(9, 29, 33, is_uint8, y_first, looks_up);
                constant_case(130, 72, 68, is_uint8, y_first, looks_up);
                constant_case(70, 96, 64, is_uint8, y_first, looks_up, 1);
            }
}

// Layers of BERT-base at batch 8 and of ConvNeXt-tiny at batch 32.
void large_constant_cases() {
    for (bool looks_up : {false, true}) {
        constant_case(8 * 128, 3072, 768, true, true, looks_up);
        constant_case(32 * 56 * 56, 384, 96, true, true, looks_up);
    }
}

}  // namespace
