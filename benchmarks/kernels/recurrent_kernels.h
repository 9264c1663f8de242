// The cases of kernels.h for LSTM layers.
#pragma once

#include "dynamic_kernels.h"
#include "kernels/recurrent/lstm.h"

namespace {

// Forward, or in both directions; with biases, from states that are 0, and with activations that the host
// has: they take about as long as the usual ones.
struct LstmCase {
    int64_t steps, batch, hidden;
    int directions;

    int64_t padded() const { return (hidden + 15) / 16 * 16; }
    int64_t state() const { return directions * batch * hidden; }
    std::string name() const {
        return "lstm_steps " + std::to_string(steps) + "x" + std::to_string(batch) + "x" +
               std::to_string(hidden) + (directions == 2 ? " both directions" : "");
    }
};

struct LstmTensors {
    Tensor<int32_t> products;
    Tensor<int8_t> r, zero{2, 0, [] { return int8_t{0}; }};
    Tensor<float> multiplier, r_scale{2, 0, [] { return 0.0007f; }}, bias;
    Tensor<int32_t> sums;

    explicit LstmTensors(const LstmCase& c)
        : products(c.steps * c.batch * c.directions * 4 * c.hidden, 0,
                   [] { return static_cast<int32_t>(random_bits() % 20001) - 10000; }),
          r(c.directions * 4 * c.hidden * c.padded(), 0,
            [&c, i = int64_t{0}]() mutable {
                return i++ % c.padded() < c.hidden ? static_cast<int8_t>(random_bits() >> 11) : int8_t{0};
            }),
          multiplier(c.directions * 4 * c.hidden, 0, [] { return 0.0002f; }),
          bias(c.directions * 8 * c.hidden, 0,
               [] { return static_cast<float>(random_bits() % 1000) * 0.001f - 0.5f; }),
          sums(c.steps * c.batch) {}
};

constexpr float kSlope = 0.2f, kMiddle = 0.5f;
float hard_sigmoid(float x) { return std::clamp(kSlope * x + kMiddle, 0.0f, 1.0f); }
float softsign(float x) { return x / (1 + std::abs(x)); }

// y, as lstm.h has it.
std::vector<float> lstm_results(const LstmCase& c, const LstmTensors& t) {
    std::vector<float> y(static_cast<size_t>(c.steps * c.state()));
    const int64_t outputs = 4 * c.hidden;
    for (int d = 0; d < c.directions; ++d) {
        std::vector<float> h(static_cast<size_t>(c.batch * c.hidden)), cells(h.size()), next(h.size());
        for (int64_t step = 0; step < c.steps; ++step) {
            const float low = std::min(0.0f, *std::min_element(h.begin(), h.end()));
            const float high = std::max(0.0f, *std::max_element(h.begin(), h.end()));
            const float scale = FoundEpilogue::scale_of(low, high);
            const int zero_point = FoundEpilogue::zero_point_of(low, high);
            std::vector<int> q(h.size());
            for (size_t i = 0; i < h.size(); ++i)
                q[i] = saturate(std::nearbyint(h[i] / scale), zero_point) - zero_point;
            const int64_t place = d == 1 ? c.steps - 1 - step : step;
            for (int64_t b = 0; b < c.batch; ++b)
                for (int64_t unit = 0; unit < c.hidden; ++unit) {
                    float gates[4];
                    for (int64_t g = 0; g < 4; ++g) {
                        const int64_t n = d * outputs + g * c.hidden + unit;
                        int32_t sum = 0;
                        for (int64_t i = 0; i < c.hidden; ++i)
                            sum += q[b * c.hidden + i] * t.r.host[n * c.padded() + i];
                        const int64_t of_x = (place * c.batch + b) * c.directions * outputs + n;
                        const float from_x = static_cast<float>(t.products.host[of_x]) * t.multiplier.host[n];
                        const float from_h = static_cast<float>(sum) * (scale * t.r_scale.host[d]);
                        const float* const bias = t.bias.host.data() + d * 2 * outputs + g * c.hidden + unit;
                        gates[g] = (from_x + from_h) + (bias[0] + bias[outputs]);
                    }
                    float& cell = cells[b * c.hidden + unit];
                    const float kept = cell * hard_sigmoid(gates[2]);
                    const float added = hard_sigmoid(gates[0]) * softsign(gates[3]);
                    cell = kept + added;
                    next[b * c.hidden + unit] = hard_sigmoid(gates[1]) * softsign(cell);
                }
            h = next;
            std::copy(h.begin(), h.end(), y.begin() + (place * c.directions + d) * c.batch * c.hidden);
        }
    }
    return y;
}

void lstm_case(const LstmCase& c) {
    const LstmTensors t(c);
    Tensor<float> states(2 * c.state()), work(3 * c.state());
    Tensor<int8_t> spilled(c.directions * kLstmWork * (c.hidden + kMostLstmBlocks));
    LstmLayer layer{};
    layer.steps = c.steps, layer.batch = c.batch, layer.directions = c.directions;
    layer.hidden = c.hidden, layer.padded_hidden = c.padded();
    layer.clip = 3e38f;
    for (auto& activations : layer.activations) {
        activations[0] = {LstmFunction::hard_sigmoid, kSlope, kMiddle};
        activations[1] = activations[2] = {LstmFunction::softsign, 0, 0};
    }
    layer.products = t.products.gpu, layer.sums = t.sums.gpu, layer.multiplier = t.multiplier.gpu;
    layer.w_zero_point = layer.r_zero_point = {t.zero.gpu, false};
    layer.r = t.r.gpu, layer.r_scale = {t.r_scale.gpu, false}, layer.bias = t.bias.gpu;
    layer.y_h = states.gpu, layer.y_c = states.gpu + c.state();
    layer.h = work.gpu, layer.c = work.gpu + 2 * c.state(), layer.work = spilled.gpu;
    const std::vector<float> expected = lstm_results(c, t);
    check<float>(
        c.name(), c.steps * c.state(), static_cast<int64_t>(t.products.host.size()) * 4,
        8.0 * c.steps * c.state() * c.hidden, 1, 0,
        [&](float* y) {
            layer.y = y;
            return lstm_steps(layer, nullptr);
        },
        [&](int64_t i) { return expected[static_cast<size_t>(i)]; });
}

void small_lstm_cases() {
    for (const LstmCase& c :
         {LstmCase{1, 1, 1, 1}, {5, 1, 7, 2}, {6, 3, 64, 1}, {4, 11, 65, 2}, {3, 2, 520, 2}})
        lstm_case(c);
}

void large_lstm_cases() {
    for (const LstmCase& c :
         {LstmCase{100, 1, 256, 2}, {100, 1, 512, 2}, {100, 8, 256, 2}, {20, 32, 512, 2}, {50, 1, 1024, 1}})
        lstm_case(c);
}

}  // namespace
