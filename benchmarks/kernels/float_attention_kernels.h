// As kernels.h, for csrc/kernels/attention/float_attention.h: against sums in double, within bounds.
#pragma once

#include "kernels.h"
#include "kernels/attention/float_attention.h"

namespace {

enum class FloatMask { none, keys, rows, one };  // [B,1,1,N], [B,1,M,N], [1,1,1,1]

struct FloatAttentionCase {
    int64_t batch, heads, m, n, depth, columns;
    FloatMask mask = FloatMask::none;
    bool plain = false;

    // Heads of queries, keys and values lie side by side in one tensor where they can.
    bool merged() const { return m == n && depth == columns; }
    int64_t stored_heads() const { return merged() ? 3 * heads : heads; }

    std::string name() const {
        const char* const masks[] = {"", " masked by keys", " masked by rows", " masked by a number"};
        return std::string(plain ? "plain_float_attention " : "float_attention ") + std::to_string(batch) +
               "x" + std::to_string(heads) + "x" + std::to_string(m) + "x" + std::to_string(n) + " of " +
               std::to_string(depth) + (depth == columns ? "" : "," + std::to_string(columns)) +
               masks[static_cast<int>(mask)];
    }

    FloatAttentionGeometry geometry() const {
        const int64_t stored = stored_heads();
        return {batch, heads, m, n, depth, columns, stored, stored, stored, 0.125f, false};
    }

    std::array<int64_t, 4> mask_shape() const {
        if (mask == FloatMask::one) return {1, 1, 1, 1};
        return {batch, 1, mask == FloatMask::rows ? m : 1, n};
    }
};

float random_float() {  // of a bell-shaped distribution, with a variance of about 1
    float sum = -2;
    for (int i = 0; i < 4; ++i) sum += static_cast<float>(random_bits() >> 8) / (1 << 24);
    return sum * 1.7f;
}

// The results of a row, and how far off they may be where each term of a matmul is by `precision`.
struct FloatAttentionRow {
    std::vector<double> y, bound;

    FloatAttentionRow(const FloatAttentionGeometry& g, double precision, const float* q, const float* k,
                      const float* v, const float* mask, int64_t mask_step)
        : y(g.columns), bound(g.columns) {
        std::vector<double> scores(g.n);
        double largest = -INFINITY, error = 0, sum = 0;
        for (int64_t key = 0; key < g.n; ++key) {
            const float* const row = k + key * g.k_heads * g.depth;
            double score = 0, size = 0;
            for (int64_t d = 0; d < g.depth; ++d)
                score += double{q[d]} * row[d], size += std::fabs(double{q[d]} * row[d]);
            scores[key] = score * g.factor + (mask == nullptr ? 0 : mask[key * mask_step]);
            error = std::max(error, size * std::fabs(g.factor) * precision);
            largest = std::max(largest, scores[key]);
        }
        for (double& score : scores) sum += score = std::exp(score - largest);
        for (int64_t key = 0; key < g.n; ++key)
            for (int64_t c = 0; c < g.columns; ++c) {
                const double term = scores[key] / sum * v[key * g.v_heads * g.columns + c];
                y[c] += term, bound[c] += std::fabs(term) * (std::expm1(2 * error) + precision);
            }
    }
};

void float_attention_case(const FloatAttentionCase& c) {
    const FloatAttentionGeometry g = c.geometry();
    const auto shape = c.mask_shape();
    const float hidden = c.mask == FloatMask::one ? -1.0f : -1e9f;  // of which a row keeps some keys
    const Tensor<float> q(c.batch * c.m * g.q_heads * c.depth, 0, random_float),
        k(c.merged() ? 1 : c.batch * c.n * g.k_heads * c.depth, 0, random_float),
        v(c.merged() ? 1 : c.batch * c.n * g.v_heads * c.columns, 0, random_float),
        mask(product(shape, 4), 0, [&] { return random_bits() >> 11 & 1 ? 0.0f : hidden; });
    const int64_t k_at = c.merged() ? c.heads * c.depth : 0, v_at = 2 * k_at, row = c.heads * c.columns;
    const Tensor<float>&keys = c.merged() ? q : k, &values = c.merged() ? q : v;
    FloatAttentionTensors tensors{q.gpu, keys.gpu + k_at, values.gpu + v_at, {}, nullptr};
    if (c.mask != FloatMask::none) {
        tensors.mask.data = mask.gpu;
        int64_t stride = 1;
        for (int d = 3; d >= 0; stride *= shape[d--]) tensors.mask.stride[d] = shape[d] == 1 ? 0 : stride;
    }
    const int64_t count = c.batch * c.m * row;
    const Tensor<float> y(count, 0, [] { return NAN; });
    tensors.y = y.gpu;
    const auto run = [&] {
        return c.plain ? plain_float_attention(g, tensors, nullptr) : float_attention(g, tensors, nullptr);
    };
    require(run(), "float_attention");
    std::vector<float> found(count);
    require(cudaMemcpy(found.data(), y.gpu, count * sizeof(float), cudaMemcpyDeviceToHost), "cudaMemcpy");

    // Factors of TF32 are within 2^-11, terms within twice that; float32 sums of 400 within 2^-15.
    const double precision = std::ldexp(1, -15) + (c.plain ? 0 : std::ldexp(1, -10) + std::ldexp(1, -22));
    const int64_t rows = c.batch * c.m * c.heads, step = std::max<int64_t>(1, rows / 20011);
    std::vector<double> worst(std::max(1u, std::thread::hardware_concurrency()), 0);  // of the bound
    std::vector<std::thread> threads;
    for (size_t t = 0; t < worst.size(); ++t)
        threads.emplace_back([&, t] {
            for (int64_t i = t * step; i < rows; i += worst.size() * step) {
                const int64_t head = i % c.heads, query = i / c.heads, batch = query / c.m;
                const auto* stride = tensors.mask.stride;
                const float* const mask_row =
                    c.mask == FloatMask::none
                        ? nullptr
                        : mask.host.data() + batch * stride[0] + head * stride[1] + query % c.m * stride[2];
                const FloatAttentionRow expected(
                    g, precision, q.host.data() + (query * g.q_heads + head) * c.depth,
                    keys.host.data() + k_at + (batch * c.n * g.k_heads + head) * c.depth,
                    values.host.data() + v_at + (batch * c.n * g.v_heads + head) * c.columns, mask_row,
                    stride[3]);
                for (int64_t j = 0; j < c.columns; ++j) {
                    const double part =
                        std::fabs(found[i * c.columns + j] - expected.y[j]) / expected.bound[j];
                    worst[t] = part <= worst[t] ? worst[t] : part;  // a NaN stays
                }
            }
        });
    for (std::thread& thread : threads) thread.join();
    double of_bound = 0;
    for (const double w : worst) of_bound = w <= of_bound ? of_bound : w;

    const double seconds = timed ? median_seconds(run) : 0;
    const int64_t bytes = 4 * (count + c.batch * c.heads * (c.m * c.depth + c.n * (c.depth + c.columns)));
    const double operations = 2.0 * c.batch * c.heads * c.m * c.n * (c.depth + c.columns);
    std::printf("%-64s", c.name().c_str());
    if (timed)
        std::printf(" %8.1f us %7.0f GB/s %6.1f TFLOPS", seconds * 1e6, bytes / seconds * 1e-9,
                    operations / seconds * 1e-12);
    std::printf("  %ld of %ld rows compared, at most %.3f of the bound%s\n", (rows + step - 1) / step, rows,
                of_bound, of_bound <= 1 ? "" : ": MISMATCH");
    failures += !(of_bound <= 1);
    ++cases;
}

void float_attention_cases(const FloatAttentionCase& c) {
    for (const FloatMask mask : {FloatMask::none, FloatMask::keys, FloatMask::rows, FloatMask::one}) {
        FloatAttentionCase masked = c;
        masked.mask = mask;
        float_attention_case(masked);
    }
}

void small_float_attention_cases() {
    for (const auto& [batch, heads, m, n, depth, columns] : {std::array<int64_t, 6>{1, 1, 1, 1, 64, 64},
                                                             {2, 3, 33, 47, 64, 64},
                                                             {2, 3, 65, 97, 64, 36},
                                                             {20, 12, 65, 65, 64, 64},
                                                             {2, 3, 77, 77, 8, 8},
                                                             {30, 7, 129, 130, 32, 32},
                                                             {2, 3, 40, 72, 80, 80},
                                                             {3, 5, 200, 201, 96, 96},
                                                             {3, 5, 130, 333, 128, 128}}) {
        float_attention_cases({batch, heads, m, n, depth, columns});
        float_attention_cases({batch, heads, m, n, depth, columns, FloatMask::none, true});
    }
    float_attention_cases({2, 3, 33, 47, 7, 130});  // which tensor cores do not take
}

// BERT-base's and ViT-B/16's.
void large_float_attention_cases() {
    for (const int64_t length : {128, 384, 197})
        for (const int64_t batch : {8, 32}) float_attention_cases({batch, 12, length, length, 64, 64});
}

}  // namespace
