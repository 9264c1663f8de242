// As kernels.h, for matmuls with weights and a zero point for each output channel.
#pragma once

#include <algorithm>

#include "kernels.h"
#include "kernels/gemm/mma_matmul.h"

namespace {

void projections_case(int64_t m, int64_t k, int64_t c, int offset = 0) {
    Tensor<int8_t> x(m * c, offset), w(k * c, offset);
    Quantization z(k, c, m * k > 1 << 20);
    Tensor<float> zero_points(k, 0, [] { return static_cast<float>(static_cast<int8_t>(random_bits())); });
    z.epilogue.low = -128, z.epilogue.zero_points = zero_points.gpu;
    const BatchMatMulEpilogue e{
        .bias = {z.bias.gpu, 1}, .multiplier = {z.multiplier.gpu, 1}, .zero_points = zero_points.gpu};
    const BatchMatMulGeometry g{{1, 1, 1}, m, k, c, {0, 0, 0, c}, {0, 0, 0, c}, {0, 0, 0, k}, true, k};
    const auto expected = [&](int64_t i) {
        uint32_t acc = z.bias.host[i % k];
        for (int64_t j = 0; j < c; ++j)
            acc += static_cast<uint32_t>(x.host[i / k * c + j] * w.host[i % k * c + j]);
        Epilogue of_channel = z.epilogue;
        of_channel.zero_point = static_cast<int>(zero_points.host[i % k]);
        return static_cast<int8_t>(requantized(acc, z.multiplier.host[i % k], of_channel));
    };
    const std::string name = "projections " + std::to_string(m) + " x " + std::to_string(k) + " x " +
                             std::to_string(c) + (offset ? " unaligned" : "");
    const auto run = [&](const std::string& kernel, const std::function<cudaError_t(int8_t*)>& launch) {
        check<int8_t>(name + " " + kernel, m * k, m * c + k * c, 2.0 * m * k * c, static_cast<double>(c),
                      offset, launch, expected);
    };
    run("plain", [&](int8_t* y) { return matmul(m, k, c, x.gpu, w.gpu, z.epilogue, y, nullptr); });
    for (const MmaMatMulVariant& v : mma_matmul_variants<int8_t>(g, offset == 0))
        run(std::to_string(v.rows) + "x" + std::to_string(v.columns),
            [&](int8_t* y) { return mma_matmul(g, v, x.gpu, w.gpu, e, y, nullptr); });
}

void small_projections_cases() {
    for (int64_t m : {1, 9, 64, 65, 130})
        projections_case(m, 96, 32), projections_case(m, 304, 96), projections_case(m, 29, 33);
    projections_case(13, 96, 64, 1), projections_case(70, 96, 64, 1);
}

// Queries, keys and values of BERT-base at batch 1, 8 and 32.
void large_projections_cases() {
    for (int64_t batch : {1, 8, 32}) projections_case(batch * 128, 2304, 768);
}

}  // namespace
