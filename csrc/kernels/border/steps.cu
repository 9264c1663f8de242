#include "kernels/border/steps.h"

#include "kernels/border/cross.cuh"

namespace qudnn::kernels {
namespace {

// The function in shared memory.
struct LoadedSteps {
    using Outside = float;
    StepFunction steps;
    int highest;  // power of two that is not above the count
    uint32_t fill;

    // The number of thresholds, bit by bit from the highest on; of NaN, 0.
    __device__ uint8_t of(float x) const {
        int place = 0;
        for (int bit = highest; bit > 0; bit /= 2)
            if (place + bit <= steps.count && steps.thresholds[place + bit - 1] <= x) place += bit;
        return static_cast<uint8_t>(steps.values[isnan(x) ? steps.count + 1 : place]);
    }
    __device__ uint32_t inward(const Quad<float>& q) const {
        return pack(of(q.v[0]), of(q.v[1]), of(q.v[2]), of(q.v[3]));
    }
};

struct Steps {
    using Outside = float;
    static constexpr bool kEnter = true;
    StepFunction steps;
    int highest;
    uint32_t fill;

    __device__ LoadedSteps prepared() const {
        __shared__ float thresholds[kMostThresholds];
        __shared__ int8_t values[kMostThresholds + 2];
        for (int i = threadIdx.x; i < steps.count + 2; i += kThreads) {
            if (i < steps.count) thresholds[i] = steps.thresholds[i];
            values[i] = steps.values[i];
        }
        __syncthreads();
        return {{steps.count, thresholds, values}, highest, fill};
    }
};

}  // namespace

cudaError_t steps_to_island(const BorderGeometry& g, const StepFunction& steps, int zero_point,
                            const float* x, int8_t* y, cudaStream_t stream) {
    if (steps.count < 1 || steps.count > kMostThresholds) return cudaErrorInvalidValue;
    int highest = 1;
    while (highest * 2 <= steps.count) highest *= 2;
    return cross(g, Steps{steps, highest, splat(zero_point)}, x, y, stream);
}

}  // namespace qudnn::kernels
