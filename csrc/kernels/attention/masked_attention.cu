#include "kernels/attention/attention.h"
#include "kernels/attention/attention_launch.cuh"

namespace qudnn::kernels {

cudaError_t masked_attention(const AttentionGeometry& g, const AttentionMatMul& scores,
                             const AttentionMatMul& result, const MaskedSoftmaxGeometry& rows,
                             const MaskedSoftmaxScales& scales, const float* mask,
                             const AttentionTensors& tensors, cudaStream_t stream) {
    if (rows.rows.count() == 0) return cudaSuccess;
    if (!narrow(rows)) return cudaErrorNotSupported;  // as masked_attention_refusal() says
    // Scores lie in shared memory, in rows of whole slabs.
    MaskedSoftmaxGeometry in_place = rows;
    in_place.x_stride = in_place.y_stride = ceil_div(g.n, Attention32::kColumns) * Attention32::kColumns;
    const MaskedSoftmax softmax = masked_softmax_rows(in_place, scales, nullptr, mask, nullptr);
    const auto run = [&]<int kWords>() {
        return launch_attention(g, scores, result, MaskedRows<kWords>{softmax, mask}, tensors, stream);
    };
    if (in_place.y_stride <= 128) return run.template operator()<1>();
    if (in_place.y_stride <= 256) return run.template operator()<2>();
    if (in_place.y_stride <= 384) return run.template operator()<3>();
    if (in_place.y_stride <= 512) return run.template operator()<4>();
    return run.template operator()<8>();
}

std::string masked_attention_refusal(const AttentionGeometry& g, const MaskedSoftmaxGeometry& rows,
                                     const AttentionTensors& tensors) {
    if (!narrow(rows)) return "rows of scores beyond 31 bits";
    return launch_refusal(g, tensors, current_gpu());
}

}  // namespace qudnn::kernels
