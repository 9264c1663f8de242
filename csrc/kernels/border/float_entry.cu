#include "kernels/border/float_entry.h"

#include "kernels/border/dynamic_values.cuh"
#include "kernels/common/common.cuh"
#include "kernels/common/divisor.cuh"
#include "kernels/common/sigmoid.cuh"

namespace qudnn::kernels {
namespace {

// The last dimension inside counts groups of kElements.
template <typename Index, int kOperands>
struct Places {
    int rank;
    Divisor<Index> inside[kMaxBorderRank];
    int64_t before[kMaxBorderRank];
    int64_t extent[kMaxBorderRank];
    int64_t stride[kOperands][kMaxBorderRank];
};

template <int kOperands>
struct Floats {
    const float* data[kOperands];
};

// NaN stays, as in onnxruntime's Clip.
struct Clip {
    float low, high;

    __device__ float operator()(float x) const {
        x = x < low ? low : x;
        return x > high ? high : x;
    }
};

// x / divisor, which mostly is 1: all threads of a warp take one branch then.
__device__ float divided(float x, float divisor) { return divisor == 1.0f ? x : divide(x, divisor); }

struct Sum {
    static constexpr int kOperands = 4;
    Clip clip;

    __device__ float of(const float (&v)[4]) const {
        return divided(clip(plus(plus(v[0], v[2]), v[1])), v[3]);
    }
};

struct IdentityGate {
    __device__ float operator()(float x) const { return x; }
};

struct SigmoidGate {
    __device__ float operator()(float x) const { return sigmoid(x); }
};

struct HardSigmoidGate {
    float alpha, beta;

    __device__ float operator()(float x) const { return Clip{0.0f, 1.0f}(plus(multiply(x, alpha), beta)); }
};

template <bool kGelu, typename Gate>
struct Product {
    static constexpr int kOperands = 3;
    Clip clip;
    Gate gate;

    __device__ float of(const float (&v)[3]) const {
        float a = clip(v[0]);
        if constexpr (kGelu) a = Gelu{0.70710678f}(a);
        return divided(multiply(a, gate(v[1])), v[2]);
    }
};

template <typename Function, typename Index, int kElements>
__global__ void __launch_bounds__(kThreads)
    enter(Index count, const __grid_constant__ Places<Index, Function::kOperands> g, Function function,
          float scale, OutputRange range, Floats<Function::kOperands> operands, int8_t* __restrict__ y) {
    constexpr int kOperands = Function::kOperands;
    const Index step = static_cast<Index>(gridDim.x) * kThreads;
    for (Index i = static_cast<Index>(blockIdx.x) * kThreads + threadIdx.x; i < count; i += step) {
        Index rest = i;
        const int last = g.rank - 1;
        const int64_t channel =
            static_cast<int64_t>(split(rest, g.inside[last])) * kElements - g.before[last];
        int64_t at[kOperands];
#pragma unroll
        for (int o = 0; o < kOperands; ++o) at[o] = channel * g.stride[o][last];
        bool valid = true;
        for (int d = last - 1; d >= 0; --d) {
            const int64_t place = static_cast<int64_t>(split(rest, g.inside[d])) - g.before[d];
            valid = valid && place >= 0 && place < g.extent[d];
#pragma unroll
            for (int o = 0; o < kOperands; ++o) at[o] += place * g.stride[o][d];
        }
        uint32_t bytes[kElements];
#pragma unroll
        for (int e = 0; e < kElements; ++e) {
            bytes[e] = static_cast<uint32_t>(range.zero_point());
            if (valid && channel + e >= 0 && channel + e < g.extent[last]) {
                float v[kOperands];
#pragma unroll
                for (int o = 0; o < kOperands; ++o) v[o] = operands.data[o][at[o] + e * g.stride[o][last]];
                bytes[e] = quantize(divide(function.of(v), scale), range);
            }
        }
        if constexpr (kElements == 4)
            reinterpret_cast<uint32_t*>(y)[i] = pack(bytes[0], bytes[1], bytes[2], bytes[3]);
        else
            y[i] = static_cast<int8_t>(bytes[0]);
    }
}

template <typename Index, int kElements, typename Function>
cudaError_t run(const FloatEntryGeometry<Function::kOperands>& g, const FloatEntry& entry,
                const Function& function, const Floats<Function::kOperands>& operands, int64_t count,
                int8_t* y, cudaStream_t stream) {
    Places<Index, Function::kOperands> places{};
    places.rank = g.rank;
    for (int d = 0; d < g.rank; ++d) {
        places.inside[d] = Divisor<Index>(g.inside[d] / (d == g.rank - 1 ? kElements : 1));
        places.before[d] = g.before[d];
        places.extent[d] = g.extent[d];
        for (int o = 0; o < Function::kOperands; ++o) places.stride[o][d] = g.stride[o][d];
    }
    return launch(enter<Function, Index, kElements>, ceil_div(count / kElements, kThreads), kThreads, stream,
                  static_cast<Index>(count / kElements), places, function, entry.scale,
                  OutputRange(entry.zero_point), operands, y);
}

template <typename Function>
cudaError_t run(const FloatEntryGeometry<Function::kOperands>& g, const FloatEntry& entry,
                const Function& function, const float* const (&data)[Function::kOperands], int8_t* y,
                cudaStream_t stream) {
    int64_t count = 1;
    for (int d = 0; d < g.rank; ++d) count *= g.inside[d];
    if (count == 0) return cudaSuccess;
    Floats<Function::kOperands> operands;
    for (int o = 0; o < Function::kOperands; ++o) operands.data[o] = data[o];
    if (g.inside[g.rank - 1] % 4 == 0 && aligned(y, 4))
        return narrow(count) ? run<uint32_t, 4>(g, entry, function, operands, count, y, stream)
                             : run<uint64_t, 4>(g, entry, function, operands, count, y, stream);
    return narrow(count) ? run<uint32_t, 1>(g, entry, function, operands, count, y, stream)
                         : run<uint64_t, 1>(g, entry, function, operands, count, y, stream);
}

template <typename Gate>
cudaError_t product(const FloatEntryGeometry<3>& g, const FloatEntry& entry, bool gelu, const Gate& gate,
                    const float* const (&operands)[3], int8_t* y, cudaStream_t stream) {
    const Clip clip{entry.low, entry.high};
    return gelu ? run(g, entry, Product<true, Gate>{clip, gate}, operands, y, stream)
                : run(g, entry, Product<false, Gate>{clip, gate}, operands, y, stream);
}

}  // namespace

cudaError_t add_to_island(const FloatEntryGeometry<4>& g, const FloatEntry& entry,
                          const float* const (&operands)[4], int8_t* y, cudaStream_t stream) {
    return run(g, entry, Sum{{entry.low, entry.high}}, operands, y, stream);
}

cudaError_t mul_to_island(const FloatEntryGeometry<3>& g, const FloatEntry& entry, bool gelu,
                          const FloatGate& gate, const float* const (&operands)[3], int8_t* y,
                          cudaStream_t stream) {
    switch (gate.kind) {
        case FloatGate::kNone:
            return product(g, entry, gelu, IdentityGate{}, operands, y, stream);
        case FloatGate::kSigmoid:
            return product(g, entry, gelu, SigmoidGate{}, operands, y, stream);
        case FloatGate::kHardSigmoid:
            return product(g, entry, gelu, HardSigmoidGate{gate.alpha, gate.beta}, operands, y, stream);
    }
    return cudaErrorInvalidValue;
}

}  // namespace qudnn::kernels
