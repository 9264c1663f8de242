// As kernels.h, for csrc/kernels/gemm/batch_matmul.h and mma_matmul.h.
#pragma once

#include <iterator>

#include "kernels.h"
#include "kernels/gemm/mma_matmul.h"

namespace {

// Tensors of random values for a geometry, and the parameters of its columns.
struct BatchMatMulCase {
    std::string name;
    BatchMatMulGeometry g;
    int a_zero_point = 0;
    bool b_zero_points = false;  // one for each column
    bool per_column = true;
    int offset = 0;  // bytes by which a and b, values by which y miss their alignment
};

int64_t extent(const BatchMatMulGeometry& g, const int64_t (&stride)[4], int64_t rows, int64_t columns) {
    int64_t last = (rows - 1) * stride[3] + columns - 1;
    for (int i = 0; i < 3; ++i) last += (g.batch[i] - 1) * stride[i];
    return last + 1;
}

template <class Y>
void batch_matmul_case(const BatchMatMulCase& c) {
    const BatchMatMulGeometry& g = c.g;
    Tensor<int8_t> a(extent(g, g.a_stride, g.m, g.k), c.offset);
    Tensor<int8_t> b(extent(g, g.b_stride, g.b_transposed ? g.n : g.k, g.b_transposed ? g.k : g.n), c.offset);
    const Quantization z(g.n, g.k, !c.per_column);
    Tensor<float> addend(g.n, 0, [] { return static_cast<float>(random_bits() % 2000) * 0.05f - 50.0f; });
    Tensor<int8_t> zero_points(g.n, 0,
                               [&] { return static_cast<int8_t>(c.b_zero_points ? random_bits() : 0); });
    const int step = c.per_column ? 1 : 0;
    const BatchMatMulEpilogue e{.a_zero_point = c.a_zero_point,
                                .b_zero_point = {zero_points.gpu, c.b_zero_points ? 1 : 0},
                                .bias = {z.bias.gpu, step},
                                .multiplier = {z.multiplier.gpu, step},
                                .addend = {addend.gpu, step},
                                .zero_point = z.epilogue.zero_point,
                                .low = z.epilogue.low,
                                .high = z.epilogue.high};
    const auto expected = [&](int64_t i) {
        const auto at = [&](int axis, int64_t size) { return i / g.y_stride[axis] % size; };
        const int64_t row = at(3, g.m), column = i % g.width;
        if (column >= g.n) return Y{};
        int64_t from_a = row * g.a_stride[3], from_b = g.b_transposed ? column * g.b_stride[3] : column;
        for (int axis = 0; axis < 3; ++axis) {
            if (g.batch[axis] == 1) continue;
            from_a += at(axis, g.batch[axis]) * g.a_stride[axis];
            from_b += at(axis, g.batch[axis]) * g.b_stride[axis];
        }
        const int zero_point = zero_points.host[column * e.b_zero_point.step];
        uint32_t acc = 0;
        for (int64_t k = 0; k < g.k; ++k)
            acc += static_cast<uint32_t>(
                (a.host[from_a + k] - c.a_zero_point) *
                (b.host[from_b + (g.b_transposed ? k : k * g.b_stride[3])] - zero_point));
        if constexpr (std::is_same_v<Y, int32_t>) {
            return static_cast<int32_t>(acc);
        } else {
            acc += static_cast<uint32_t>(z.bias.host[column * step]);
            const float multiplier = z.multiplier.host[column * step];
            if constexpr (std::is_same_v<Y, float>) {
                const volatile float scaled = static_cast<float>(static_cast<int32_t>(acc)) * multiplier;
                return scaled + addend.host[column * step];
            } else {
                return static_cast<int8_t>(requantized(acc, multiplier, z.epilogue));
            }
        }
    };
    const int64_t rows = g.batch[0] * g.batch[1] * g.batch[2] * g.m;
    const char* type = std::is_same_v<Y, int8_t> ? "int8" : std::is_same_v<Y, float> ? "float32" : "int32";
    const auto run = [&](const std::string& kernel, const std::function<cudaError_t(Y*)>& launch) {
        check<Y>(c.name + " " + type + " " + kernel, rows * g.width, a.host.size() + b.host.size(),
                 2.0 * static_cast<double>(rows * g.n * g.k), static_cast<double>(g.k), c.offset, launch,
                 expected);
    };
    run("plain", [&](Y* y) { return batch_matmul(g, a.gpu, b.gpu, e, y, nullptr); });
    for (const MmaMatMulVariant& v : mma_matmul_variants<Y>(g, c.offset == 0))
        run(std::to_string(v.rows) + "x" + std::to_string(v.columns),
            [&](Y* y) { return mma_matmul(g, v, a.gpu, b.gpu, e, y, nullptr); });
}

// Dense a [batch,m,depth], b [batch,n,depth] or [batch,depth,n], y [batch,m,width].
BatchMatMulGeometry dense_batch_matmul(int64_t batch, int64_t m, int64_t n, int64_t k, bool b_transposed,
                                       int64_t depth = 0, int64_t width = 0) {
    depth = std::max(depth, k), width = std::max(width, n);
    return {{1, 1, batch},
            m,
            n,
            k,
            {0, 0, m * depth, depth},
            {0, 0, n * depth, b_transposed ? depth : n},
            {0, 0, m * width, width},
            b_transposed,
            width};
}

int64_t rounded_up(int64_t size) { return (size + 15) / 16 * 16; }

// Q * K^T of [batch,length,heads,size].
BatchMatMulGeometry scores(int64_t batch, int64_t length, int64_t heads, int64_t size) {
    const int64_t row = heads * size, width = rounded_up(length);
    return {{1, batch, heads},
            length,
            length,
            size,
            {0, length * row, size, row},
            {0, length * row, size, row},
            {0, heads * length * width, length * width, width},
            true,
            width};
}

// P * V of P [batch,heads,length,rounded up] and V [batch,length,heads,size].
BatchMatMulGeometry context(int64_t batch, int64_t length, int64_t heads, int64_t size) {
    const int64_t row = heads * size, width = rounded_up(length);
    return {{1, batch, heads},
            length,
            size,
            length,
            {0, heads * length * width, length * width, width},
            {0, length * row, size, row},
            {0, length * row, size, row},
            false,
            size};
}

void small_batch_matmul_cases() {
    for (bool b_transposed : {true, false})
        for (int offset : {0, 1})
            for (auto [m, n, k] : {std::array<int64_t, 3>{1, 1, 1},
                                   {70, 83, 29},
                                   {130, 64, 64},
                                   {197, 208, 197},
                                   {33, 300, 145},
                                   {5, 16, 1000}}) {
                const std::string name = std::string("batch_matmul ") + std::to_string(m) + "x" +
                                         std::to_string(n) + "x" + std::to_string(k) +
                                         (b_transposed ? " along" : " across") + (offset ? " unaligned" : "");
                BatchMatMulCase c{name, dense_batch_matmul(3, m, n, k, b_transposed)};
                c.offset = offset;
                batch_matmul_case<int8_t>(c);
                c.a_zero_point = -128, c.b_zero_points = true;
                c.name += " zeros";
                batch_matmul_case<int8_t>(c), batch_matmul_case<float>(c), batch_matmul_case<int32_t>(c);
                c.g = dense_batch_matmul(3, m, n, k, b_transposed, k + 16 - k % 16, n + 16 - n % 16);
                c.b_zero_points = false, c.per_column = false;
                c.name += " padded";
                batch_matmul_case<int8_t>(c);
            }
    for (const auto& [name, g] :
         {std::pair{"scores", scores(2, 77, 3, 32)}, {"context", context(2, 77, 3, 32)}})
        batch_matmul_case<int8_t>({std::string("batch_matmul ") + name, g, -5, true});
}

// BERT-base's and ViT-B/16's attention, and one large matmul.
void large_batch_matmul_cases() {
    for (auto [batch, length] : {std::array<int64_t, 2>{1, 128},
                                 {8, 128},
                                 {32, 128},
                                 {1, 384},
                                 {8, 384},
                                 {32, 384},
                                 {1, 197},
                                 {32, 197}}) {
        const std::string size = " " + std::to_string(batch) + "x12x" + std::to_string(length);
        batch_matmul_case<int8_t>({"scores" + size, scores(batch, length, 12, 64), 0, false, false});
        batch_matmul_case<int8_t>(
            {"scores" + size + " zeros", scores(batch, length, 12, 64), 3, true, false});
        batch_matmul_case<float>({"scores" + size, scores(batch, length, 12, 64), 3, true, false});
        batch_matmul_case<int8_t>({"context" + size, context(batch, length, 12, 64), -128, false, false});
    }
    for (bool b_transposed : {true, false})
        batch_matmul_case<int8_t>({std::string("batch_matmul 4096 ") + (b_transposed ? "along" : "across"),
                                   dense_batch_matmul(1, 4096, 4096, 4096, b_transposed)});
}

}  // namespace
