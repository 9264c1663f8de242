// A block's part of an LSTM layer: a share of the states of a direction, in all steps.
#pragma once

#include <cooperative_groups.h>

#include "kernels/border/dynamic_range.cuh"
#include "kernels/recurrent/lstm_cut.h"
#include "kernels/recurrent/lstm_functions.cuh"
#include "kernels/recurrent/lstm_lengths.cuh"
#include "kernels/recurrent/lstm_sums.cuh"

namespace qudnn::kernels {

template <bool kCluster>
__device__ void wait_for_lstm_blocks() {
#if __CUDA_ARCH__ >= 900
    if constexpr (kCluster) return cooperative_groups::this_cluster().sync();
#endif
    __syncthreads();
}

// A block's part of a layer.
template <bool kCluster, bool kShared>
class LstmPart {
  public:
    __device__ LstmPart(const LstmLayer& layer, const LstmCut& cut, int8_t* shared)
        : l_(layer),
          cut_(cut),
          d_(blockIdx.x / cut.blocks),
          hidden_(static_cast<int>(layer.hidden)),
          first_(blockIdx.x % cut.blocks * cut.units),
          units_(max(0, min(cut.units, hidden_ - first_))),
          reversed_(d_ == 1 || layer.reversed),
          states_(reinterpret_cast<uint32_t*>(shared)) {
        const LstmPlaces places(layer.padded_hidden, cut);
        rows_ = shared + places.rows;
        int8_t* const kept = cut.spills ? layer.work + int64_t{blockIdx.x} * places.spilled_bytes : shared;
        gates_ = reinterpret_cast<float*>(kept + places.gates);
        sums_ = reinterpret_cast<int32_t*>(kept + places.sums);
        bias_ = reinterpret_cast<float*>(kept + places.bias);
    }

    __device__ void run() {
        const int64_t longest = longest_length(l_.lengths, l_.steps, l_.batch);
        prepare();
        begin();
        wait_for_lstm_blocks<kCluster>();
        for (int64_t step = 0; step < longest; ++step) {
            const float* const h = l_.h + state(step % 2, 0);
            float kept[4];  // of the states, where they are few
            const bool keeps = l_.batch <= kLstmRows && l_.batch * words() <= kLstmThreads;
            const FoundScale found = quantization_of(keeps ? range_of_kept(h, kept) : range_of_states(h));
            for (int64_t row = 0; row < l_.batch; row += kLstmRows) {
                const int rows = static_cast<int>(min(int64_t{kLstmRows}, l_.batch - row));
                __syncthreads();
                if (!keeps)
                    quantize_states(h, found, row, rows);
                else if (static_cast<int>(threadIdx.x) < rows * words())
                    states_[threadIdx.x] = quantized(static_cast<int>(threadIdx.x), kept, found);
                __syncthreads();
                multiply_states(step, found, row, rows);
                __syncthreads();
                advance(step, row, rows);
            }
            wait_for_lstm_blocks<kCluster>();
        }
        for (int64_t step = longest; step < l_.steps; ++step) {
            for (int64_t i = threadIdx.x; i < l_.batch * units_; i += kLstmThreads)
                l_.y[result(step, i / units_, static_cast<int>(i % units_))] = 0;
        }
    }

  private:
    const LstmLayer& l_;
    const LstmCut& cut_;
    const int d_, hidden_, first_, units_;
    const bool reversed_;
    uint32_t* const states_;  // [kLstmRows,padded_hidden]
    const int8_t* rows_;      // [4 units,stride]
    float* gates_;            // [kLstmRows,4 units]
    int32_t* sums_;           // [4 units], of rows
    float* bias_;             // [4 units]

    // The index of a gate's row in its direction: i, o, f, c are gates 0 to 3.
    __device__ int64_t output(int row) const {
        return int64_t{row / units_} * hidden_ + first_ + row % units_;
    }
    __device__ int64_t state(int64_t copy, int64_t sequence) const {
        return ((copy * l_.directions + d_) * l_.batch + sequence) * hidden_;
    }
    __device__ int64_t result(int64_t step, int64_t sequence, int unit) const {
        return ((step * l_.directions + d_) * l_.batch + sequence) * hidden_ + first_ + unit;
    }
    // The step of x and y that a sequence is at.
    __device__ int64_t place(int64_t step, int64_t length) const {
        return reversed_ && step < length ? length - 1 - step : step;
    }
    template <typename T>
    __device__ T of(const LstmParameter<T>& parameter, int64_t output) const {
        return parameter.values[parameter.per_output ? d_ * 4 * int64_t{hidden_} + output : d_];
    }
    __device__ const uint4* row_of_r(int row) const {
        if constexpr (kShared) return reinterpret_cast<const uint4*>(rows_ + row * cut_.stride);
        return in_memory(row);
    }
    __device__ const uint4* in_memory(int row) const {
        const int64_t index = d_ * 4 * int64_t{hidden_} + output(row);
        return reinterpret_cast<const uint4*>(l_.r + index * l_.padded_hidden);
    }

    // What is the same in all steps: the weights, their sums, the biases.
    __device__ void prepare() {
        const int vectors = static_cast<int>(l_.padded_hidden / 16);
        const int items = 4 * units_ * kLstmParts;
        for (int base = 0; base < items; base += kLstmThreads) {
            const int item = base + static_cast<int>(threadIdx.x), row = item / kLstmParts;
            int32_t sum = 0;
            for (int i = item % kLstmParts; item < items && i < vectors; i += kLstmParts) {
                const uint4 v = in_memory(row)[i];
                if constexpr (kShared) const_cast<uint4*>(row_of_r(row))[i] = v;
                sum = sum_of_bytes(v, sum);
            }
            sum = sum_of_parts<kLstmParts>(sum);
            if (item >= items || item % kLstmParts != 0) continue;
            sums_[row] = sum;
            if (l_.bias == nullptr) continue;
            const float* const b = l_.bias + d_ * 8 * int64_t{hidden_} + output(row);
            bias_[row] = plus(b[0], b[4 * int64_t{hidden_}]);
        }
    }

    // The states before the first step, and the results of empty sequences.
    __device__ void begin() {
        for (int64_t i = threadIdx.x; i < l_.batch * units_; i += kLstmThreads) {
            const int64_t sequence = i / units_;
            const int64_t at = state(0, sequence) + first_ + i % units_;
            __stcg(l_.h + at, l_.initial_h == nullptr ? 0.0f : l_.initial_h[at]);
            l_.c[at] = l_.initial_c == nullptr ? 0.0f : l_.initial_c[at];
            if (lstm_length(l_.lengths, l_.steps, sequence) == 0) l_.y_h[at] = l_.y_c[at] = 0;
        }
    }

    __device__ Range range_of_states(const float* h) const {
        Range range{0, 0};
        for (int64_t i = threadIdx.x; i < l_.batch * hidden_; i += kLstmThreads) {
            const float value = __ldcg(h + i);  // written by other blocks
            widen(range, value, value);
        }
        return range_of_block(range);
    }

    // Each thread reads the values of one word, to quantize them afterwards.
    __device__ Range range_of_kept(const float* h, float (&kept)[4]) const {
        const int i = static_cast<int>(threadIdx.x);
        read_word(h, i, i < l_.batch * words(), kept);
        Range range{0, 0};
#pragma unroll
        for (const float value : kept) widen(range, value, value);
        return range_of_block(range);
    }

    __device__ int words() const { return static_cast<int>(l_.padded_hidden / 4); }

    // The four values from which word i of quantized states is made, of the sequences from h on.
    __device__ void read_word(const float* h, int i, bool exists, float (&values)[4]) const {
#pragma unroll
        for (int b = 0; b < 4; ++b) {
            const int unit = i % words() * 4 + b;
            values[b] = exists && unit < hidden_ ? __ldcg(h + int64_t{i / words()} * hidden_ + unit) : 0.0f;
        }
    }

    // Word i; 0 beyond the states, so that it does not count in sums.
    __device__ uint32_t quantized(int i, const float (&values)[4], const FoundScale& found) const {
        const OutputRange range(found.zero_point);
        uint32_t bytes[4];
#pragma unroll
        for (int b = 0; b < 4; ++b) bytes[b] = quantize(divide(values[b], found.scale), range);
        const uint32_t word = pack(bytes[0], bytes[1], bytes[2], bytes[3]);
        return word & first_bytes(hidden_ - i % words() * 4);
    }

    __device__ void quantize_states(const float* h, const FoundScale& found, int64_t row, int rows) {
        for (int i = threadIdx.x; i < rows * words(); i += kLstmThreads) {
            float values[4];
            read_word(h + row * hidden_, i, true, values);
            states_[i] = quantized(i, values, found);
        }
    }

    // gates_ of `rows` sequences from `row` on.
    __device__ void multiply_states(int64_t step, const FoundScale& found, int64_t row, int rows) {
        const int vectors = static_cast<int>(l_.padded_hidden / 16);
        const int outputs = 4 * units_, items = outputs * kLstmParts;
        const auto* const states = reinterpret_cast<const uint4*>(states_);
        for (int base = 0; base < items; base += kLstmThreads) {
            const int item = base + static_cast<int>(threadIdx.x), part = item % kLstmParts;
            const bool counts = item < items;
            const int local = counts ? item / kLstmParts : 0;
            const int64_t n = output(local);
            const int r_zero_point = of(l_.r_zero_point, n);
            float inputs[kLstmRows / kLstmParts];  // of the sequences that this thread finishes
#pragma unroll
            for (int i = 0; i < kLstmRows / kLstmParts; ++i) {
                const int sequence = part + i * kLstmParts;
                inputs[i] = sequence < rows ? gates_of_inputs(step, row + sequence, n) : 0.0f;
            }
            int32_t products[kLstmRows]{}, sums[kLstmRows]{};
            for (int i = part; counts && i < vectors; i += kLstmParts) {
                const uint4 weights = row_of_r(local)[i];
#pragma unroll
                for (int s = 0; s < kLstmRows; ++s) {
                    if (s >= rows) continue;
                    const uint4 values = states[s * vectors + i];
                    products[s] = dot(values, weights, products[s]);
                    if (r_zero_point != 0) sums[s] = sum_of_bytes(values, sums[s]);
                }
            }
            const float multiplier = multiply(found.scale, of(l_.r_scale, n));
            const auto centered = static_cast<uint32_t>(counts ? sums_[local] : 0) -
                                  static_cast<uint32_t>(hidden_) * static_cast<uint32_t>(r_zero_point);
#pragma unroll
            for (int s = 0; s < kLstmRows; ++s) {
                const auto product = static_cast<uint32_t>(sum_of_parts<kLstmParts>(products[s]));
                const auto sum = static_cast<uint32_t>(sum_of_parts<kLstmParts>(sums[s]));
                if (!counts || s >= rows || s % kLstmParts != part) continue;
                const uint32_t total = product - static_cast<uint32_t>(r_zero_point) * sum -
                                       static_cast<uint32_t>(found.zero_point) * centered;
                gates_[s * outputs + local] =
                    plus(inputs[s / kLstmParts],
                         multiply(__int2float_rn(static_cast<int32_t>(total)), multiplier));
            }
        }
    }

    __device__ float gates_of_inputs(int64_t step, int64_t sequence, int64_t n) const {
        const int64_t row = place(step, lstm_length(l_.lengths, l_.steps, sequence)) * l_.batch + sequence;
        const int64_t outputs = 4 * int64_t{hidden_};
        const auto product = static_cast<uint32_t>(l_.products[(row * l_.directions + d_) * outputs + n]);
        const auto zero_point = static_cast<uint32_t>(int{of(l_.w_zero_point, n)});
        const auto total = static_cast<int32_t>(product - zero_point * static_cast<uint32_t>(l_.sums[row]));
        return multiply(__int2float_rn(total), l_.multiplier[d_ * outputs + n]);
    }

    // The value that an activation takes: with its peephole and bias, clipped.
    __device__ float before(const float* gates, int gate, int unit) const {
        float value = gates[gate * units_ + unit];
        if (l_.bias != nullptr) value = plus(value, bias_[gate * units_ + unit]);
        return clamped(value, l_.clip);
    }

    // From gates to states, of `rows` sequences from `row` on.
    __device__ void advance(int64_t step, int64_t row, int rows) {
        const LstmActivation* const activations = l_.activations[d_];
        for (int i = threadIdx.x; i < rows * units_; i += kLstmThreads) {
            const int unit = i % units_;
            const int64_t sequence = row + i / units_;
            const int64_t length = lstm_length(l_.lengths, l_.steps, sequence);
            const int64_t at = state(0, sequence) + first_ + unit;
            float h = 0;
            if (step < length) {
                float* const gates = gates_ + i / units_ * 4 * units_;
                float c = l_.c[at];
                add_peephole(gates, 0, unit, c);
                const float input = activate(activations[0], before(gates, 0, unit));
                float forget = plus(1.0f, -input);
                if (!l_.input_forget) {
                    add_peephole(gates, 2, unit, c);
                    forget = activate(activations[0], before(gates, 2, unit));
                }
                const float cell = activate(activations[1], before(gates, 3, unit));
                c = plus(multiply(c, forget), multiply(input, cell));
                add_peephole(gates, 1, unit, c);
                const float out = activate(activations[0], before(gates, 1, unit));
                h = multiply(out, activate(activations[2], c));
                l_.c[at] = c;
                if (step + 1 == length) l_.y_h[at] = h, l_.y_c[at] = c;
            }
            __stcg(l_.h + state((step + 1) % 2, sequence) + first_ + unit, h);
            l_.y[result(place(step, length), sequence, unit)] = h;
        }
    }

    __device__ void add_peephole(float* gates, int gate, int unit, float c) const {
        if (l_.peepholes == nullptr) return;
        const float p = l_.peepholes[(d_ * 3 + gate) * int64_t{hidden_} + first_ + unit];
        float& value = gates[gate * units_ + unit];
        value = plus(value, multiply(c, p));
    }
};

}  // namespace qudnn::kernels
