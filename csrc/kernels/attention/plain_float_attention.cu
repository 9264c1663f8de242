// For sizes that tensor cores do not take, and for GPUs without TF32: a warp computes kColumns columns of a
// row of y, one key per lane.
#include "kernels/attention/float_attention.h"
#include "kernels/common/common.cuh"

namespace qudnn::kernels {
namespace {

constexpr unsigned kAll = 0xFFFFFFFFu;
constexpr int kLanes = 32, kLaneColumns = 4, kColumns = kLanes * kLaneColumns;

// q times a key, times the factor, plus the mask.
__device__ float score(const FloatAttentionGeometry& g, const float* q, const float* k, const float* mask,
                       int64_t mask_step, int64_t key) {
    const float* const row = k + key * g.k_heads * g.depth;
    float sum = 0;
    for (int64_t d = 0; d < g.depth; ++d) sum += q[d] * row[d];
    return mask == nullptr ? sum * g.factor : plus(sum * g.factor, mask[key * mask_step]);
}

__global__ void plain_float_attention_kernel(FloatAttentionGeometry g, FloatAttentionTensors tensors,
                                             int64_t groups, int64_t tasks) {
    const int lane = threadIdx.x % kLanes;
    const int64_t warps = int64_t{gridDim.x} * (blockDim.x / kLanes);
    for (int64_t task = blockIdx.x * int64_t{blockDim.x / kLanes} + threadIdx.x / kLanes; task < tasks;
         task += warps) {
        const int64_t first = task % groups * kColumns + lane, head = task / groups % g.heads;
        const int64_t row = task / groups / g.heads, batch = row / g.m;
        const float* const q = tensors.q + (row * g.q_heads + head) * g.depth;
        const float* const k = tensors.k + (batch * g.n * g.k_heads + head) * g.depth;
        const float* const v = tensors.v + (batch * g.n * g.v_heads + head) * g.columns + first;
        float* const y = tensors.y + (row * g.heads + head) * g.columns + first;
        const int64_t left = g.columns - first;
        const auto& [mask_data, stride] = tensors.mask;
        const float* const mask =
            mask_data == nullptr ? nullptr
                                 : mask_data + batch * stride[0] + head * stride[1] + row % g.m * stride[2];

        float maximum = -INFINITY, sum = 0, total[kLaneColumns] = {};
        for (int64_t tile = 0; tile < g.n; tile += kLanes) {
            const float own = tile + lane < g.n ? score(g, q, k, mask, stride[3], tile + lane) : -INFINITY;
            float largest = fmaxf(maximum, own);
            for (int other = kLanes / 2; other > 0; other /= 2)
                largest = fmaxf(largest, __shfl_xor_sync(kAll, largest, other));
            // In a row that is masked by minus infinity so far, weights are 0, not NaN.
            const float origin = largest == -INFINITY ? 0 : largest;
            const float scale = expf(maximum - origin), weight = expf(own - origin);
            maximum = largest;
            sum = sum * scale + weight;
            for (float& t : total) t *= scale;
            for (int64_t key = tile; key < min(tile + kLanes, g.n); ++key) {
                const float of_key = __shfl_sync(kAll, weight, static_cast<int>(key - tile));
#pragma unroll
                for (int i = 0; i < kLaneColumns; ++i)
                    if (i * kLanes < left) total[i] += of_key * v[key * g.v_heads * g.columns + i * kLanes];
            }
        }
        for (int other = kLanes / 2; other > 0; other /= 2) sum += __shfl_xor_sync(kAll, sum, other);
        const bool none = g.n == 0 || (g.nan_to_zero && !(sum > 0));
#pragma unroll
        for (int i = 0; i < kLaneColumns; ++i)
            if (i * kLanes < left) y[i * kLanes] = none ? 0 : total[i] / sum;
    }
}

}  // namespace

cudaError_t plain_float_attention(const FloatAttentionGeometry& g, const FloatAttentionTensors& tensors,
                                  cudaStream_t stream) {
    const int64_t groups = ceil_div(g.columns, kColumns), tasks = g.batch * g.m * g.heads * groups;
    if (tasks == 0) return cudaSuccess;
    return launch(plain_float_attention_kernel, ceil_div(tasks, kThreads / kLanes), kThreads, stream, g,
                  tensors, groups, tasks);
}

}  // namespace qudnn::kernels
