#include "kernels/add_layer_normalization.h"

#include "kernels/add.cuh"
#include "kernels/layer_normalization.cuh"

namespace qudnn::kernels {
namespace {

// Every row of a block is summed in a place of its own, by the threads that normalize it.
struct Sum {
    Pair<Add> pair;
    const int8_t *a, *b;
    int8_t* total;  // or null
    int place;      // bytes of shared memory for a row
    bool vectors;   // all rows are aligned, and a word takes its four sums at once

    __device__ uint4 added(const uint4& left, const uint4& right) const {
        return {pair.word({left.x, right.x}), pair.word({left.y, right.y}), pair.word({left.z, right.z}),
                pair.word({left.w, right.w})};
    }

    __device__ const int8_t* prepared(const Normalization& k, int64_t row, int lane) const {
        extern __shared__ uint4 places[];
        int8_t* sums = reinterpret_cast<int8_t*>(places) + threadIdx.x / kLanes * place;
        const int64_t start = row * k.x_stride;
        __syncwarp();  // with the row before
        for (int at = lane * kUnit; at < k.x_stride; at += kLanes * kUnit) {
            if (vectors) {
                const uint4 v = added(*reinterpret_cast<const uint4*>(a + start + at),
                                      *reinterpret_cast<const uint4*>(b + start + at));
                *reinterpret_cast<uint4*>(sums + at) = v;
                if (total != nullptr) *reinterpret_cast<uint4*>(total + start + at) = v;
                continue;
            }
            for (int c = at; c < min(at + kUnit, k.x_stride); ++c) {
                const auto value = static_cast<int8_t>(
                    pair.element({static_cast<uint8_t>(a[start + c]), static_cast<uint8_t>(b[start + c])}));
                sums[c] = value;
                if (total != nullptr) total[start + c] = value;
            }
        }
        __syncwarp();
        return sums;
    }
};

}  // namespace

cudaError_t add_layer_normalization(const NormalizationGeometry& g, const PairScales& sum,
                                    const NormalizationScales& scales, const int8_t* a, const int8_t* b,
                                    const float* gamma, const float* beta, int8_t* total, int8_t* y,
                                    cudaStream_t stream) {
    if (g.rows * g.channels == 0) return cudaSuccess;
    if (!adds_in_shared_memory(g) || !narrow(g.y_stride + kLanes * kUnit)) return cudaErrorInvalidValue;
    Normalization k(g, scales);
    k.x_vectors = true;  // in shared memory
    const Pair<Add> pair(sum);
    const bool vectors = !pair.large && g.x_stride % kUnit == 0 && aligned(a, kUnit) && aligned(b, kUnit) &&
                         (total == nullptr || aligned(total, kUnit));
    const int place = static_cast<int>(ceil_div(g.x_stride, kUnit)) * kUnit;
    return launch_normalize_rows(g, k, Sum{pair, a, b, total, place, vectors}, kThreads / kLanes * place,
                                 gamma, beta, y, stream);
}

}  // namespace qudnn::kernels
