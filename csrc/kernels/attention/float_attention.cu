#include "kernels/attention/float_attention.h"

#include <algorithm>

#include "kernels/attention/float_attention.cuh"
#include "kernels/common/gpu.h"
#include "kernels/common/launch_limits.h"
#include "kernels/common/refusal.h"

namespace qudnn::kernels {
namespace {

constexpr int64_t kWidestHead = 128;

bool has_vectors(const FloatAttentionMask& mask) {
    return mask.stride[0] % 4 == 0 && mask.stride[1] % 4 == 0 && mask.stride[2] % 4 == 0 &&
           mask.stride[3] == 1 && aligned(mask.data, 16);
}

FloatAttention narrowed(const FloatAttentionGeometry& g, const FloatAttentionMask& mask) {
    const auto narrow = [](int64_t value) { return static_cast<int>(value); };
    return {.m = narrow(g.m),
            .n = narrow(g.n),
            .depth = narrow(g.depth),
            .columns = narrow(g.columns),
            .q_row = narrow(g.q_heads * g.depth),
            .k_row = narrow(g.k_heads * g.depth),
            .v_row = narrow(g.v_heads * g.columns),
            .row_tiles = {},
            .heads = Divisor<uint32_t>(g.heads),
            .mask_batch = mask.stride[0],
            .mask_head = mask.stride[1],
            .mask_row = narrow(mask.stride[2]),
            .mask_step = narrow(mask.stride[3]),
            .mask_vectors = has_vectors(mask),
            .factor = g.factor,
            .nan_to_zero = g.nan_to_zero};
}

template <class S>
int64_t blocks(const FloatAttentionGeometry& g) {
    return g.batch * g.heads * ceil_div(g.m, S::kRows);
}

template <class S, bool kMasked>
cudaError_t launch_kernel(const FloatAttentionGeometry& g, const FloatAttentionTensors& tensors,
                          cudaStream_t stream) {
    const auto kernel = float_attention_kernel<S, kMasked>;
    const cudaError_t status = allow_shared_memory(kernel, S::kBytes);
    if (status != cudaSuccess) return status;
    FloatAttention problem = narrowed(g, tensors.mask);
    problem.row_tiles = Divisor<uint32_t>(ceil_div(g.m, S::kRows));
    return launch_with(kernel, blocks<S>(g), S::kBlockThreads, S::kBytes, stream, problem, tensors);
}

template <class S>
cudaError_t launch_shape(const FloatAttentionGeometry& g, const FloatAttentionTensors& tensors,
                         cudaStream_t stream) {
    return tensors.mask.data == nullptr ? launch_kernel<S, false>(g, tensors, stream)
                                        : launch_kernel<S, true>(g, tensors, stream);
}

// The more rows a block has, the fewer times K and V are read: as many as leave no multiprocessor idle.
template <class Large, class Small>
cudaError_t launch_width(const FloatAttentionGeometry& g, const FloatAttentionTensors& tensors,
                         const Gpu& gpu, cudaStream_t stream) {
    return blocks<Large>(g) >= gpu.multiprocessors ? launch_shape<Large>(g, tensors, stream)
                                                   : launch_shape<Small>(g, tensors, stream);
}

}  // namespace

std::string float_attention_refusal(const FloatAttentionGeometry& g, const FloatAttentionTensors& tensors) {
    constexpr int64_t kMost = 1 << 30, kFewestRows = FloatAttentionShape<1, 32, 1>::kRows;
    if (g.n == 0) return "no keys";
    for (const int64_t count : {g.m, g.n, g.q_heads * g.depth, g.k_heads * g.depth, g.v_heads * g.columns})
        if (count > kMost) return "a side beyond 2^30";
    if (g.batch * g.heads * ceil_div(g.m, kFewestRows) > INT_MAX) return "rows of all heads beyond 31 bits";
    if (g.depth % 4 != 0 || g.columns % 4 != 0) return "heads whose sizes are no multiples of 4";
    if (std::max(g.depth, g.columns) > kWidestHead) return "heads wider than " + std::to_string(kWidestHead);
    for (const void* pointer : {tensors.q, tensors.k, tensors.v, const_cast<const float*>(tensors.y)})
        if (!aligned(pointer, 16)) return "a pointer that is not aligned to 16 bytes";
    return gpu_refusal(8);
}

cudaError_t float_attention(const FloatAttentionGeometry& g, const FloatAttentionTensors& tensors,
                            cudaStream_t stream) {
    if (g.batch * g.heads * g.m * g.columns == 0 || !float_attention_refusal(g, tensors).empty())
        return plain_float_attention(g, tensors, stream);
    const Gpu& gpu = current_gpu();
    const int64_t width = std::max(g.depth, g.columns);
    if (width <= 32)
        return launch_width<FloatAttentionShape<2, 32, 2>, FloatAttentionShape<1, 32, 4>>(g, tensors, gpu,
                                                                                          stream);
    if (width <= 64)
        return launch_width<FloatAttentionShape<2, 64, 2>, FloatAttentionShape<1, 64, 3>>(g, tensors, gpu,
                                                                                          stream);
    if (width <= 96) return launch_shape<FloatAttentionShape<1, 96, 2>>(g, tensors, stream);
    return launch_shape<FloatAttentionShape<1, 128, 2>>(g, tensors, stream);
}

}  // namespace qudnn::kernels
