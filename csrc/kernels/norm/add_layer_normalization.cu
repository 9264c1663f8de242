#include "kernels/norm/add_layer_normalization.h"

#include "kernels/elementwise/add.cuh"
#include "kernels/elementwise/float_binary.cuh"
#include "kernels/norm/layer_normalization.cuh"

namespace qudnn::kernels {
namespace {

// Adder: an elementwise operator of two tensors, see elementwise.cuh.
template <typename Adder>
struct Sum {
    struct Item {
        uint32_t a, b;
    };

    Adder adder;
    const int8_t *a, *b;
    int8_t* total;  // or null
    int stride;

    template <bool kWords>
    __device__ Item load(int64_t row, int c) const {
        return {load_word<kWords>(a + row * stride, c, stride),
                load_word<kWords>(b + row * stride, c, stride)};
    }
    template <bool kWords>
    __device__ uint32_t word(const Item& item, int64_t row, int c) const {
        const uint32_t sum = added<kWords>(item);
        if (total != nullptr) store_word<kWords>(total + row * stride, c, stride, sum);
        return sum;
    }

  private:
    template <bool kWords>
    __device__ uint32_t added(const Item& item) const {
        if constexpr (kWords) {
            return adder.word({item.a, item.b});
        } else {
            uint32_t sums[4];
#pragma unroll
            for (int i = 0; i < 4; ++i)
                sums[i] = adder.element({item.a >> (8 * i) & 255, item.b >> (8 * i) & 255});
            return pack(sums[0], sums[1], sums[2], sums[3]);
        }
    }
};

template <typename Adder>
cudaError_t run(const NormalizationGeometry& g, const Adder& adder, const NormalizationScales& scales,
                const int8_t* a, const int8_t* b, const float* gamma, const float* beta, int8_t* total,
                int8_t* y, cudaStream_t stream) {
    if (g.rows * g.channels == 0) return cudaSuccess;
    if (!adds_in_one_pass(g) || !narrow_rows(g)) return cudaErrorInvalidValue;
    const Normalization k(g, scales);
    const bool words =
        !adder.large && g.x_stride % 4 == 0 && aligned(a, 4) && aligned(b, 4) && aligned(total, 4);
    return launch_normalize_rows(k, words, Sum<Adder>{adder, a, b, total, k.x_stride}, gamma, beta, y,
                                 stream);
}

}  // namespace

cudaError_t add_layer_normalization(const NormalizationGeometry& g, const BinaryScales& sum,
                                    const NormalizationScales& scales, const int8_t* a, const int8_t* b,
                                    const float* gamma, const float* beta, int8_t* total, int8_t* y,
                                    cudaStream_t stream) {
    return run(g, Binary<Add>(sum), scales, a, b, gamma, beta, total, y, stream);
}

cudaError_t float_add_layer_normalization(const NormalizationGeometry& g, const BinaryScales& sum,
                                          const NormalizationScales& scales, const int8_t* a, const int8_t* b,
                                          const float* gamma, const float* beta, int8_t* total, int8_t* y,
                                          cudaStream_t stream) {
    return run(g, FloatBinary<FloatSum>(sum), scales, a, b, gamma, beta, total, y, stream);
}

}  // namespace qudnn::kernels
