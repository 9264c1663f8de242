#include <cooperative_groups.h>

#include "kernels/border/dynamic_range.cuh"
#include "kernels/recurrent/lstm.h"
#include "kernels/recurrent/lstm_functions.cuh"
#include "kernels/recurrent/lstm_lengths.cuh"

namespace qudnn::kernels {
namespace {

constexpr int kStepThreads = 512;
constexpr int kRows = 8;             // sequences at a time
constexpr int kParts = 4;            // threads that share a row of r
constexpr int64_t kFewestUnits = 8;  // that are worth a block

// How the states of a direction are shared out: `units` to each of the `blocks` blocks of its cluster.
struct Cut {
    int blocks, units;
    int stride;   // of rows of r in shared memory; 0: they stay where they are
    bool spills;  // whether the gates do not fit there, either
};

// So that the threads of a quarter of a warp, two rows of kParts times 16 bytes, use different banks.
int row_stride(int64_t padded_hidden) { return static_cast<int>((padded_hidden + 63) / 128 * 128 + 64); }

// A block's memory: the states, quantized, from 0 on, then rows of r, then what is kept of each output. The
// last is elsewhere if it spills. Offsets are multiples of 16.
struct Places {
    int rows, gates, sums, bias, bytes, spilled_bytes;

    __host__ __device__ Places(int64_t padded_hidden, const Cut& cut) {
        const int outputs = 4 * cut.units;
        rows = kRows * static_cast<int>(padded_hidden);
        const int rows_end = rows + outputs * cut.stride;
        gates = cut.spills ? 0 : rows_end;
        sums = gates + outputs * kRows * 4;
        bias = sums + outputs * 4;
        const int end = bias + outputs * 4;
        bytes = cut.spills ? rows_end : end;
        spilled_bytes = cut.spills ? end : 0;
    }
};
static_assert(kLstmWork == 4 * (kRows + 2) * 4);

template <bool kCluster>
__device__ void wait_for_blocks() {
#if __CUDA_ARCH__ >= 900
    if constexpr (kCluster) return cooperative_groups::this_cluster().sync();
#endif
    __syncthreads();
}

// A block's part of a layer.
template <bool kCluster, bool kShared>
class Part {
  public:
    __device__ Part(const LstmLayer& layer, const Cut& cut, int8_t* shared)
        : l_(layer),
          cut_(cut),
          d_(blockIdx.x / cut.blocks),
          hidden_(static_cast<int>(layer.hidden)),
          first_(blockIdx.x % cut.blocks * cut.units),
          units_(max(0, min(cut.units, hidden_ - first_))),
          reversed_(d_ == 1 || layer.reversed),
          states_(reinterpret_cast<uint32_t*>(shared)) {
        const Places places(layer.padded_hidden, cut);
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
        wait_for_blocks<kCluster>();
        for (int64_t step = 0; step < longest; ++step) {
            const float* const h = l_.h + state(step % 2, 0);
            const FoundScale found = quantization_of(range_of_states(h));
            for (int64_t row = 0; row < l_.batch; row += kRows) {
                const int rows = static_cast<int>(min(int64_t{kRows}, l_.batch - row));
                __syncthreads();
                quantize_states(h, found, row, rows);
                __syncthreads();
                multiply_states(step, found, row, rows);
                __syncthreads();
                advance(step, row, rows);
            }
            wait_for_blocks<kCluster>();
        }
        for (int64_t step = longest; step < l_.steps; ++step) {
            for (int64_t i = threadIdx.x; i < l_.batch * units_; i += kStepThreads)
                l_.y[result(step, i / units_, static_cast<int>(i % units_))] = 0;
        }
    }

  private:
    const LstmLayer& l_;
    const Cut& cut_;
    const int d_, hidden_, first_, units_;
    const bool reversed_;
    uint32_t* const states_;  // [kRows,padded_hidden]
    const int8_t* rows_;      // [4 units,stride]
    float* gates_;            // [kRows,4 units]
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
        const int items = 4 * units_ * kParts;
        for (int base = 0; base < items; base += kStepThreads) {
            const int item = base + static_cast<int>(threadIdx.x), row = item / kParts;
            int32_t sum = 0;
            for (int i = item % kParts; item < items && i < vectors; i += kParts) {
                const uint4 v = in_memory(row)[i];
                if constexpr (kShared) const_cast<uint4*>(row_of_r(row))[i] = v;
                sum = dot(v, uint4{kOnes, kOnes, kOnes, kOnes}, sum);
            }
            sum = sum_of_parts(sum);
            if (item >= items || item % kParts != 0) continue;
            sums_[row] = sum;
            if (l_.bias == nullptr) continue;
            const float* const b = l_.bias + d_ * 8 * int64_t{hidden_} + output(row);
            bias_[row] = plus(b[0], b[4 * int64_t{hidden_}]);
        }
    }

    // The states before the first step, and the results of empty sequences.
    __device__ void begin() {
        for (int64_t i = threadIdx.x; i < l_.batch * units_; i += kStepThreads) {
            const int64_t sequence = i / units_;
            const int64_t at = state(0, sequence) + first_ + i % units_;
            __stcg(l_.h + at, l_.initial_h == nullptr ? 0.0f : l_.initial_h[at]);
            l_.c[at] = l_.initial_c == nullptr ? 0.0f : l_.initial_c[at];
            if (lstm_length(l_.lengths, l_.steps, sequence) == 0) l_.y_h[at] = l_.y_c[at] = 0;
        }
    }

    __device__ Range range_of_states(const float* h) const {
        Range range{0, 0};
        for (int64_t i = threadIdx.x; i < l_.batch * hidden_; i += kStepThreads) {
            const float value = __ldcg(h + i);  // written by other blocks
            widen(range, value, value);
        }
        return range_of_block(range);
    }

    __device__ void quantize_states(const float* h, const FoundScale& found, int64_t row, int rows) {
        const OutputRange range(found.zero_point);
        const int words = static_cast<int>(l_.padded_hidden / 4);
        for (int i = threadIdx.x; i < rows * words; i += kStepThreads) {
            uint32_t bytes[4]{};
#pragma unroll
            for (int b = 0; b < 4; ++b) {
                const int unit = i % words * 4 + b;
                if (unit >= hidden_) continue;
                const float value = __ldcg(h + (row + i / words) * hidden_ + unit);
                bytes[b] = quantize(divide(value, found.scale), range);
            }
            states_[i] = pack(bytes[0], bytes[1], bytes[2], bytes[3]);
        }
    }

    static constexpr uint32_t kOnes = 0x01010101;
    __device__ static int32_t dot(const uint4& a, const uint4& b, int32_t sum) {
        sum = __dp4a(static_cast<int>(a.x), static_cast<int>(b.x), sum);
        sum = __dp4a(static_cast<int>(a.y), static_cast<int>(b.y), sum);
        sum = __dp4a(static_cast<int>(a.z), static_cast<int>(b.z), sum);
        return __dp4a(static_cast<int>(a.w), static_cast<int>(b.w), sum);
    }
    // Over the kParts threads that share a row, to each of them.
    __device__ static int32_t sum_of_parts(int32_t sum) {
#pragma unroll
        for (int offset = kParts / 2; offset > 0; offset /= 2) sum += __shfl_xor_sync(~0u, sum, offset);
        return sum;
    }

    // gates_ of `rows` sequences from `row` on.
    __device__ void multiply_states(int64_t step, const FoundScale& found, int64_t row, int rows) {
        const int vectors = static_cast<int>(l_.padded_hidden / 16);
        const int outputs = 4 * units_, items = outputs * kParts;
        const auto* const states = reinterpret_cast<const uint4*>(states_);
        for (int base = 0; base < items; base += kStepThreads) {
            const int item = base + static_cast<int>(threadIdx.x), part = item % kParts;
            const bool counts = item < items;
            const int local = counts ? item / kParts : 0;
            const int64_t n = output(local);
            const int r_zero_point = of(l_.r_zero_point, n);
            float inputs[kRows / kParts];  // of the sequences that this thread finishes
#pragma unroll
            for (int i = 0; i < kRows / kParts; ++i) {
                const int sequence = part + i * kParts;
                inputs[i] = sequence < rows ? gates_of_inputs(step, row + sequence, n) : 0.0f;
            }
            int32_t products[kRows]{}, sums[kRows]{};
            for (int i = part; counts && i < vectors; i += kParts) {
                const uint4 weights = row_of_r(local)[i];
#pragma unroll
                for (int s = 0; s < kRows; ++s) {
                    if (s >= rows) continue;
                    const uint4 values = states[s * vectors + i];
                    products[s] = dot(values, weights, products[s]);
                    if (r_zero_point != 0) sums[s] = dot(values, {kOnes, kOnes, kOnes, kOnes}, sums[s]);
                }
            }
            const float multiplier = multiply(found.scale, of(l_.r_scale, n));
            const auto centered = static_cast<uint32_t>(counts ? sums_[local] : 0) -
                                  static_cast<uint32_t>(hidden_) * static_cast<uint32_t>(r_zero_point);
#pragma unroll
            for (int s = 0; s < kRows; ++s) {
                const auto product = static_cast<uint32_t>(sum_of_parts(products[s]));
                const auto sum = static_cast<uint32_t>(sum_of_parts(sums[s]));
                if (!counts || s >= rows || s % kParts != part) continue;
                const uint32_t total = product - static_cast<uint32_t>(r_zero_point) * sum -
                                       static_cast<uint32_t>(found.zero_point) * centered;
                gates_[s * outputs + local] = plus(
                    inputs[s / kParts], multiply(__int2float_rn(static_cast<int32_t>(total)), multiplier));
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
        for (int i = threadIdx.x; i < rows * units_; i += kStepThreads) {
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

template <bool kCluster, bool kShared>
__global__ void __launch_bounds__(kStepThreads)
    steps_kernel(const __grid_constant__ LstmLayer layer, const __grid_constant__ Cut cut) {
    extern __shared__ __align__(16) int8_t shared[];
    Part<kCluster, kShared>(layer, cut, shared).run();
}

using Kernel = void (*)(LstmLayer, Cut);

Kernel kernel_of(const Cut& cut) {
    if (cut.blocks > 1) return cut.stride > 0 ? steps_kernel<true, true> : steps_kernel<true, false>;
    return cut.stride > 0 ? steps_kernel<false, true> : steps_kernel<false, false>;
}

// For blocks that wait for each other: as a cluster where there are several.
struct Launch {
    cudaLaunchAttribute cluster{};
    cudaLaunchConfig_t config{};

    Launch(const LstmLayer& layer, const Cut& cut, cudaStream_t stream) {
        cluster.id = cudaLaunchAttributeClusterDimension;
        cluster.val.clusterDim.x = static_cast<unsigned>(cut.blocks);
        cluster.val.clusterDim.y = cluster.val.clusterDim.z = 1;
        config.gridDim = static_cast<unsigned>(layer.directions * cut.blocks);
        config.blockDim = kStepThreads;
        config.dynamicSmemBytes = static_cast<size_t>(Places(layer.padded_hidden, cut).bytes);
        config.stream = stream;
        config.attrs = &cluster;
        config.numAttrs = cut.blocks > 1 ? 1 : 0;
    }
    Launch(const Launch&) = delete;
};

// With as much in shared memory as fits there.
Cut cut_in(int blocks, const LstmLayer& layer, int64_t room) {
    Cut cut{blocks, static_cast<int>(ceil_div(layer.hidden, blocks)), row_stride(layer.padded_hidden), false};
    if (Places(layer.padded_hidden, cut).bytes > room) cut.stride = 0;
    if (Places(layer.padded_hidden, cut).bytes > room) cut.spills = true;
    return cut;
}

// Whether the GPU can run such a cluster.
bool runs(const LstmLayer& layer, const Cut& cut) {
    int clusters = 0;
    const Launch launch(layer, cut, nullptr);
    if (cudaOccupancyMaxActiveClusters(&clusters, kernel_of(cut), &launch.config) == cudaSuccess)
        return clusters > 0;
    cudaGetLastError();
    return false;
}

}  // namespace

cudaError_t lstm_steps(const LstmLayer& layer, cudaStream_t stream) {
    if (layer.hidden > kMostLstmStates) return cudaErrorInvalidValue;
    const Gpu gpu;
    const int64_t room = gpu.shared_bytes - kStaticBytes;
    for (int blocks = gpu.major >= 9 ? kMostLstmBlocks : 1; blocks > 0; blocks /= 2) {
        if (blocks > 1 && blocks * kFewestUnits > layer.hidden) continue;
        const Cut cut = cut_in(blocks, layer, room);
        const Kernel kernel = kernel_of(cut);
        const cudaError_t status =
            cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(room));
        if (status != cudaSuccess) return status;
        if (blocks > 1 && !runs(layer, cut)) continue;
        const Launch launch(layer, cut, stream);
        return cudaLaunchKernelEx(&launch.config, kernel, layer, cut);
    }
    return cudaErrorInvalidConfiguration;
}

}  // namespace qudnn::kernels
