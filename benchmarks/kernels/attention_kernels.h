// As kernels.h, for csrc/kernels/attention/attention.h: against the kernels that it stands for, in bits and
// in time.
#pragma once

#include "batch_matmul_kernels.h"
#include "kernels.h"
#include "kernels/attention/attention.h"
#include "kernels/elementwise/table.h"
#include "kernels/gemm/mma_matmul.h"

namespace {

// Heads of one tensor [batch,length,3*heads,size] that holds Q, K and V side by side.
struct AttentionCase {
    int64_t batch, length, heads, size;
    bool masked = false, scaled = true;
    AttentionMatMul scores{3, -5, 2e-3f, 7}, result{-128, 0, 2e-3f, -2};

    std::string name() const {
        return std::string(masked ? "masked_attention " : "attention ") + std::to_string(batch) + "x" +
               std::to_string(heads) + "x" + std::to_string(length) + " of " + std::to_string(size) +
               (scores.b_zero_point == 0 ? " symmetric" : "") + (scaled ? "" : " unscaled");
    }
};

AttentionGeometry attention_geometry(const AttentionCase& c) {
    const int64_t row = c.heads * c.size;
    AttentionGeometry g{};
    g.batch[0] = 1, g.batch[1] = c.batch, g.batch[2] = c.heads;
    g.m = g.n = c.length;
    g.k = g.columns = g.width = c.size;
    for (auto* stride : {&g.q_stride, &g.k_stride, &g.v_stride})
        (*stride)[1] = c.length * 3 * row, (*stride)[2] = c.size, (*stride)[3] = 3 * row;
    g.y_stride[1] = c.length * row, g.y_stride[2] = c.size, g.y_stride[3] = row;
    return g;
}

// The four kernels, each as fast as it is expected to be.
class AttentionChain {
  public:
    AttentionChain(const AttentionCase& c, const AttentionGeometry& g, const SoftmaxConstants& constants,
                   const MaskedSoftmaxGeometry& rows, const MaskedSoftmaxScales& scales)
        : case_(c),
          constants_(constants),
          rows_(rows),
          scales_(scales),
          first_(::scores(c.batch, c.length, c.heads, c.size)),
          second_(context(c.batch, c.length, c.heads, c.size)),
          raw_(c.batch * c.heads * c.length * first_.width),
          weights_(raw_.host.size()),
          scalars_(2, 0, [] { return MatMulScalars{}; }) {
        std::copy(std::begin(g.q_stride), std::end(g.q_stride), first_.a_stride);
        std::copy(std::begin(g.k_stride), std::end(g.k_stride), first_.b_stride);
        std::copy(std::begin(g.v_stride), std::end(g.v_stride), second_.b_stride);
        rows_.x_stride = rows_.y_stride = first_.width;
        require(store_scalars(c.scores, c.result, scalars_.gpu, nullptr), "store_scalars");
    }

    cudaError_t run(const AttentionTensors& t, const float* mask) const {
        multiply(first_, case_.scores, 0, t.q, t.k, raw_.gpu);
        if (case_.scaled)
            require(table(static_cast<int64_t>(raw_.host.size()), t.table, raw_.gpu, raw_.gpu, nullptr),
                    "table");
        if (case_.masked)
            require(masked_softmax(rows_, scales_, raw_.gpu, mask, weights_.gpu, nullptr), "masked_softmax");
        else
            require(softmax(rows_.rows.count(), first_.width, constants_, raw_.gpu, weights_.gpu, nullptr),
                    "softmax");
        multiply(second_, case_.result, 1, weights_.gpu, t.v, t.y);
        return cudaSuccess;
    }

  private:
    void multiply(const BatchMatMulGeometry& g, const AttentionMatMul& p, int which, const int8_t* a,
                  const int8_t* b, int8_t* y) const {
        const MatMulScalars* s = scalars_.gpu + which;
        const BatchMatMulEpilogue e{.a_zero_point = p.a_zero_point,
                                    .b_zero_point = {&s->b_zero_point, 0},
                                    .bias = {&s->bias, 0},
                                    .multiplier = {&s->multiplier, 0},
                                    .addend = {},
                                    .zero_point = p.zero_point};
        require(mma_matmul(g, mma_matmul_variants<int8_t>(g, true).at(0), a, b, e, y, nullptr), "mma_matmul");
    }

    AttentionCase case_;
    SoftmaxConstants constants_;
    MaskedSoftmaxGeometry rows_;
    MaskedSoftmaxScales scales_;
    BatchMatMulGeometry first_, second_;
    Tensor<int8_t> raw_, weights_;
    Tensor<MatMulScalars> scalars_;
};

void attention_case(const AttentionCase& c) {
    const AttentionGeometry g = attention_geometry(c);
    const int64_t row = c.heads * c.size, count = c.batch * c.length * row;
    const Tensor<int8_t> qkv(3 * count);
    int next = -128;
    const Tensor<int8_t> values(256, 0, [&] {
        const int value = next++;
        return static_cast<int8_t>(c.scaled ? value * 3 / 4 : value);
    });
    const Tensor<float> mask(c.batch * c.length, 0, [] { return random_bits() >> 11 & 1 ? 0.0f : -1e4f; });
    const SoftmaxConstants constants = softmax_constants(c.length, 0.05f, 1 / 256.0f, 0, true);
    const MaskedSoftmaxScales scales{0.11f, 0.125f, 1, 1 / 256.0f, 5, -128};
    const MaskedSoftmaxGeometry rows{
        {2, {c.batch, c.heads * c.length}, {{1, 0}}}, c.length, c.length, c.length, c.length};
    const AttentionChain chain(c, g, constants, rows, scales);
    AttentionTensors t{qkv.gpu, qkv.gpu + row, qkv.gpu + 2 * row, values.gpu, nullptr};

    const Tensor<int8_t> y(count);
    t.y = y.gpu;
    require(chain.run(t, mask.gpu), "chain");
    std::vector<int8_t> expected(count);
    require(cudaMemcpy(expected.data(), y.gpu, expected.size(), cudaMemcpyDeviceToHost), "cudaMemcpy");
    const double operations = 4.0 * static_cast<double>(count * c.length);
    const auto run = [&](const char* how, const std::function<cudaError_t()>& launch) {
        check<int8_t>(
            c.name() + how, count, 3 * count, operations, 1, 0,
            [&](int8_t* to) {
                t.y = to;
                return launch();
            },
            [&](int64_t i) { return expected[i]; });
    };
    run(" in several kernels", [&] { return chain.run(t, mask.gpu); });
    run("", [&] {
        return c.masked ? masked_attention(g, c.scores, c.result, rows, scales, mask.gpu, t, nullptr)
                        : attention(g, c.scores, c.result, constants, t, nullptr);
    });
}

void small_attention_cases() {
    for (bool masked : {false, true})
        for (auto [batch, length, heads, size] : {std::array<int64_t, 4>{2, 77, 3, 32},
                                                  {1, 16, 1, 16},
                                                  {3, 200, 5, 80},
                                                  {2, 333, 2, 128},
                                                  {20, 129, 12, 48},
                                                  {10, 65, 12, 96},
                                                  {2, 450, 2, 64},
                                                  {1, 1500, 2, 64}})
            for (bool scaled : {false, true}) {
                AttentionCase c{batch, length, heads, size, masked, scaled};
                attention_case(c);
                c.scores = {0, 0, 2e-3f, 0}, c.result = {-128, 9, 2e-3f, 3};
                attention_case(c);
            }
}

// BERT-base's and ViT-B/16's.
void large_attention_cases() {
    for (bool masked : {false, true})
        for (int64_t length : {128, 384, 197})
            for (int64_t batch : {1, 8, 32}) {
                AttentionCase c{batch, length, 12, 64, masked, !masked};
                attention_case(c);
                c.scores = {0, 0, 2e-3f, 0};
                attention_case(c);
            }
}

}  // namespace
