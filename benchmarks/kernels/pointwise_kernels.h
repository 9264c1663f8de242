// As kernels.h, for csrc/kernels/gemm/pointwise.h.
#pragma once

#include "kernels.h"
#include "kernels/gemm/pointwise.h"

namespace {

// What biases and weights are like decides which of the kernel's endings it takes.
enum class Sums { any, small, bounded };

void pointwise_case(PointwiseGeometry g, Sums sums = Sums::any) {
    const int64_t m = g.m();
    Tensor<int8_t> x(g.n * g.h * g.w * g.c), w(g.k * g.c);
    Quantization z(g.k, g.c);
    if (sums != Sums::any) {
        for (int32_t& bias : z.bias.host) bias %= 4096;
        for (int8_t& weight : w.host) weight /= 8;  // by 1 in 16 of them still large, where c is
        for (size_t i = 0; i < w.host.size(); i += 16) w.host[i] = static_cast<int8_t>(random_bits());
        for (float& multiplier : z.multiplier.host) multiplier *= 4;
        require(cudaMemcpy(z.bias.gpu, z.bias.host.data(), g.k * 4, cudaMemcpyHostToDevice), "cudaMemcpy");
        require(cudaMemcpy(z.multiplier.gpu, z.multiplier.host.data(), g.k * 4, cudaMemcpyHostToDevice),
                "cudaMemcpy");
        require(cudaMemcpy(w.gpu, w.host.data(), w.host.size(), cudaMemcpyHostToDevice), "cudaMemcpy");
        if (sums == Sums::small) z.epilogue.low = -128;
    }
    const PaddedResults y{g.n, g.p, g.q, g.k, g.y_padding, z.with_table(g.looks_up).padding()};
    char name[160];
    std::snprintf(name, sizeof name, "pointwise %ld x %ld x %ld /%ld%s%s%s", m, g.k, g.c, g.stride_h,
                  g.y_padding.any() ? " padded" : "", g.looks_up ? " table" : "",
                  sums == Sums::any     ? ""
                  : sums == Sums::small ? " small"
                                        : " bounded");
    for (const PointwiseVariant& v : pointwise_variants(g))
        check<int8_t>(
            name + (" " + std::to_string(v.rows) + " x " + std::to_string(v.columns) + ", " +
                    std::to_string(v.blocks) + " blocks"),
            y.count(), m * g.c + g.k * g.c, 2.0 * m * g.k * g.c, static_cast<double>(g.c), 0,
            [&](int8_t* y) { return pointwise(g, v, x.gpu, w.gpu, z.with_table(g.looks_up), y, nullptr); },
            [&](int64_t padded) {
                return y.expected(padded, [&](int64_t i) {
                    const int64_t row = i / g.k, q = row % g.q, p = row / g.q % g.p, n = row / g.q / g.p;
                    const int8_t* pixel =
                        x.host.data() + ((n * g.h + p * g.stride_h) * g.w + q * g.stride_w) * g.c;
                    uint32_t acc = z.bias.host[i % g.k];
                    for (int64_t j = 0; j < g.c; ++j)
                        acc += static_cast<uint32_t>(pixel[j] * w.host[i % g.k * g.c + j]);
                    return z.looked_up(requantized(acc, z.multiplier.host[i % g.k], z.epilogue), g.looks_up);
                });
            });
    if (g.looks_up) return;
    g.looks_up = true;
    pointwise_case(g, sums);
}

PointwiseGeometry matrices(int64_t m, int64_t k, int64_t c) { return {1, 1, m, c, k, 1, m, 1, 1}; }

void small_pointwise_cases() {
    for (int64_t m : {1, 31, 130})
        for (auto [k, c] : {std::array<int64_t, 2>{16, 32},
                            {48, 48},
                            {80, 144},
                            {272, 64},
                            {256, 1024},
                            {96, 16},
                            {64, 448}})
            pointwise_case(matrices(m, k, c));
    for (int64_t m : {1000, 4099})  // several tiles a block
        for (Sums sums : {Sums::any, Sums::small, Sums::bounded})
            for (auto [k, c] : {std::array<int64_t, 2>{16, 32}, {80, 96}, {208, 256}})
                pointwise_case(matrices(m, k, c), sums);
    pointwise_case({2, 13, 9, 48, 80, 7, 5, 2, 2}), pointwise_case({3, 8, 11, 128, 32, 3, 11, 3, 1});
    pointwise_case({3, 34, 33, 64, 272, 17, 17, 2, 2}, Sums::small);
    for (Sums sums : {Sums::any, Sums::small, Sums::bounded}) {
        pointwise_case({3, 34, 33, 64, 272, 17, 17, 2, 2, {1, 1, 1, 1}}, sums);
        pointwise_case({2, 40, 50, 96, 48, 40, 50, 1, 1, {0, 2, 3, 0}}, sums);
        pointwise_case({5, 1, 1, 32, 16, 1, 1, 1, 1, {2, 0, 0, 1}}, sums);
    }
}

// ResNet-50's, at batches of 64 and 1.
void large_pointwise_cases() {
    for (int64_t n : {64, 1}) {
        for (auto [side, k, c] : {std::array<int64_t, 3>{56, 256, 64},
                                  {56, 64, 64},
                                  {56, 64, 256},
                                  {56, 128, 256},
                                  {28, 512, 128},
                                  {28, 128, 512},
                                  {28, 256, 512},
                                  {14, 1024, 256},
                                  {14, 256, 1024},
                                  {14, 512, 1024},
                                  {7, 2048, 512}})
            pointwise_case(matrices(n * side * side, k, c), Sums::small);
        for (auto [side, k, c] : {std::array<int64_t, 3>{56, 512, 256}, {28, 1024, 512}, {14, 2048, 1024}})
            pointwise_case({n, side, side, c, k, side / 2, side / 2, 2, 2}, Sums::small);
        // Those before convolutions of 3x3.
        for (auto [side, k, c] : {std::array<int64_t, 3>{56, 64, 64},
                                  {56, 64, 256},
                                  {28, 128, 512},
                                  {14, 256, 1024},
                                  {14, 512, 1024}})
            pointwise_case({n, side, side, c, k, side, side, 1, 1, {1, 1, 1, 1}}, Sums::small);
        pointwise_case(matrices(n * 56 * 56, 256, 64));
        pointwise_case(matrices(n * 56 * 56, 256, 64), Sums::bounded);
    }
}

}  // namespace
