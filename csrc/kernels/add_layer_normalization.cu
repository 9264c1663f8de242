#include "kernels/add_layer_normalization.h"

#include "kernels/add.cuh"
#include "kernels/layer_normalization.cuh"

namespace qudnn::kernels {
namespace {

struct Sum {
    struct Item {
        uint32_t a, b;
    };

    Pair<Add> pair;
    const int8_t *a, *b;
    int8_t* total;  // or null
    int stride;
    bool words;  // all rows are aligned

    __device__ Item load(int64_t row, int c) const {
        return {load_word(a + row * stride, c, stride, words), load_word(b + row * stride, c, stride, words)};
    }
    __device__ uint32_t word(const Item& item, int64_t row, int c) const {
        const uint32_t sum = added(item);
        if (total != nullptr) {
            int8_t* const target = total + row * stride + c;
            if (words) {
                *reinterpret_cast<uint32_t*>(target) = sum;
            } else {
                for (int i = 0; i < 4 && c + i < stride; ++i) target[i] = static_cast<int8_t>(sum >> (8 * i));
            }
        }
        return sum;
    }

  private:
    __device__ uint32_t added(const Item& item) const {
        if (!pair.large) return pair.word({item.a, item.b});
        uint32_t sums[4];
#pragma unroll
        for (int i = 0; i < 4; ++i)
            sums[i] = pair.element({item.a >> (8 * i) & 255, item.b >> (8 * i) & 255});
        return pack(sums[0], sums[1], sums[2], sums[3]);
    }
};

}  // namespace

cudaError_t add_layer_normalization(const NormalizationGeometry& g, const PairScales& sum,
                                    const NormalizationScales& scales, const int8_t* a, const int8_t* b,
                                    const float* gamma, const float* beta, int8_t* total, int8_t* y,
                                    cudaStream_t stream) {
    if (g.rows * g.channels == 0) return cudaSuccess;
    if (!adds_in_one_pass(g) || !narrow_rows(g)) return cudaErrorInvalidValue;
    const Normalization k(g, scales);
    const bool words = g.x_stride % 4 == 0 && aligned(a, 4) && aligned(b, 4) && aligned(total, 4);
    return launch_normalize_rows(k, Sum{Pair<Add>(sum), a, b, total, k.x_stride, words}, gamma, beta, y,
                                 stream);
}

}  // namespace qudnn::kernels
