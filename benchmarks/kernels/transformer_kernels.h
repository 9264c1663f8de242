// As kernels.h, for the kernels that transformers add.
#pragma once

#include "kernels.h"
#include "kernels/elementwise/where.h"
#include "kernels/softmax/masked_softmax.h"
#include "normalization_kernels.h"

namespace {

struct Choice {
    std::string name;
    Broadcast<3> g;
    int offset = 0;
};

void where_case(const Choice& c) {
    auto elements = [&](int operand) {
        int64_t last = 0;
        for (int d = 0; d < c.g.rank; ++d) last += (c.g.extent[d] - 1) * c.g.stride[operand][d];
        return last + 1;
    };
    auto at = [&](int64_t i, int operand) {
        int64_t where = 0;
        for (int d = c.g.rank - 1; d >= 0; i /= c.g.extent[d--])
            where += i % c.g.extent[d] * c.g.stride[operand][d];
        return where;
    };
    Tensor<int8_t> condition(elements(0), c.offset,
                             [] { return static_cast<int8_t>(random_bits() >> 11 & 1); });
    Tensor<int8_t> x(elements(1), c.offset), y(elements(2), c.offset);
    check<int8_t>(
        "where " + c.name, c.g.count(), elements(0) + elements(1) + elements(2), 0, 24, c.offset,
        [&](int8_t* z) {
            return where(c.g, reinterpret_cast<const bool*>(condition.gpu), x.gpu, y.gpu, z, nullptr);
        },
        [&](int64_t i) { return condition.host[at(i, 0)] != 0 ? x.host[at(i, 1)] : y.host[at(i, 2)]; });
}

// [batch, heads, queries, keys] with a mask [batch, 1, 1, keys]. Its bound is not one of bits, and checked in
// tests/ops/test_attention_softmax.py; here it counts as equal within one quantum.
void masked_softmax_case(int64_t batch, int64_t heads, int64_t queries, int64_t keys) {
    const MaskedSoftmaxScales s{0.11f, 0.125f, 1, 1 / 256.0f, 5, -128};
    const MaskedSoftmaxGeometry g{{2, {batch, heads * queries}, {{1, 0}}}, keys, keys, keys, keys};
    const int64_t rows = batch * heads * queries;
    Tensor<int8_t> x(rows * keys);
    Tensor<float> mask(batch * keys, 0, [] { return random_bits() >> 11 & 1 ? 0.0f : -1e4f; });
    auto logit = [&](int64_t row, int64_t c) {
        return (x.host[row * keys + c] - s.x_zero_point) * static_cast<double>(s.x_scale * s.factor) +
               mask.host[row / (heads * queries) * keys + c];
    };
    const std::string name = "masked_softmax " + std::to_string(batch) + "x" + std::to_string(heads) + "x" +
                             std::to_string(queries) + "x" + std::to_string(keys);
    std::vector<int8_t> result(rows * keys);
    Tensor<int8_t> y(rows * keys);
    require(masked_softmax(g, s, x.gpu, mask.gpu, y.gpu, nullptr), name.c_str());
    require(cudaMemcpy(result.data(), y.gpu, result.size(), cudaMemcpyDeviceToHost), "cudaMemcpy");
    int64_t wrong = 0;
    const int64_t step = std::max<int64_t>(1, rows / 2000);
    for (int64_t row = 0; row < rows; row += step) {
        double largest = -1e30, sum = 0;
        for (int64_t c = 0; c < keys; ++c) largest = std::max(largest, logit(row, c));
        for (int64_t c = 0; c < keys; ++c) sum += std::exp(logit(row, c) - largest);
        for (int64_t c = 0; c < keys; ++c) {
            const double exact = std::exp(logit(row, c) - largest) / sum / s.y_scale;
            const double quantum = std::clamp(std::nearbyint(exact) + s.y_zero_point, -128.0, 127.0);
            wrong += std::abs(quantum - result[row * keys + c]) > 1;
        }
    }
    check<int8_t>(
        name + (wrong ? " BEYOND ITS BOUND" : " within one quantum"), rows * keys, rows * keys, 0, 1, 0,
        [&](int8_t* to) { return masked_softmax(g, s, x.gpu, mask.gpu, to, nullptr); },
        [&](int64_t i) { return static_cast<int8_t>(wrong ? ~result[i] : result[i]); });
}

void small_where_cases() {
    for (int64_t size : {64, 20, 197})
        for (const Choice& c : std::vector<Choice>{
                 {"alike", Broadcast<3>::none(7 * size)},
                 {"alike unaligned", Broadcast<3>::none(7 * size), 1},
                 {"mask of rows", {3, {2, 9, size}, {{size, 0, 1}, {9 * size, size, 1}, {0, 0, 0}}}},
                 {"columns", {2, {9, size}, {{1, 0}, {size, 1}, {0, 1}}}},
                 {"scalars", {1, {size}, {{1}, {0}, {0}}}}})
            where_case(c);
}

void large_where_cases() {
    for (int64_t keys : {384, 128, 197}) {
        const int64_t rows = 12 * keys;
        const std::string shape = "32x12x" + std::to_string(keys) + "x" + std::to_string(keys);
        where_case({shape + ", condition 32x1x1x" + std::to_string(keys) + ", y 1",
                    {3, {32, rows, keys}, {{keys, 0, 1}, {rows * keys, keys, 1}, {0, 0, 0}}}});
    }
    where_case({"32x384x768 alike", Broadcast<3>::none(32 * 384 * 768)});
}

void large_softmax_cases() {
    for (int64_t keys : {128, 256, 384, 512}) softmax_case(32 * 12 * keys, keys, keys, true);
    softmax_case(8 * 12 * 1024, 1024, 1024, true);
    for (int64_t keys : {128, 384}) softmax_case(12 * keys, keys, keys, true);
    softmax_case(64 * 12 * 197, 197, 197, true), softmax_case(64 * 12 * 197, 197, 208, true);
}

void large_masked_softmax_cases() {
    for (int64_t keys : {128, 384, 512}) masked_softmax_case(32, 12, keys, keys);
    masked_softmax_case(8, 12, 1024, 1024);
    masked_softmax_case(1, 12, 128, 128), masked_softmax_case(32, 12, 197, 197);
}

}  // namespace
