#include "kernels/norm/add_layer_normalization.h"

#include "kernels/elementwise/add.cuh"
#include "kernels/elementwise/float_binary.cuh"
#include "kernels/norm/layer_normalization.cuh"
#include "kernels/norm/row_tiles.cuh"

namespace qudnn::kernels {
namespace {

// As Add, with CenteredBytes::exponent's purpose.
struct TileAdd : Add {
    CenteredBytes bytes;

    explicit TileAdd(const BinaryScales& s) : Add(s), bytes(-s.offset) {}
    __device__ float value(uint32_t biased_a, uint32_t biased_b, uint32_t i) const {
        return fused_multiply_add(bytes.biased(biased_a, i), ra,
                                  fused_multiply_add(bytes.biased(biased_b, i), rb, f));
    }
};

// As the word of a Source in row_tiles.cuh. rounded_origin: what the zero point looks like among results.
__device__ inline uint32_t added(const Binary<TileAdd>& adder, const uint32_t (&v)[2], const CenteredBytes&,
                                 float rounded_origin, float (&centered)[4]) {
    uint32_t y[4];
    const uint32_t word = adder.word(v, y);
#pragma unroll
    for (int i = 0; i < 4; ++i) centered[i] = plus(__uint_as_float(y[i]), -rounded_origin);
    return word;
}
__device__ inline uint32_t added(const FloatBinary<FloatSum>& adder, const uint32_t (&v)[2],
                                 const CenteredBytes& bytes, float, float (&centered)[4]) {
    const uint32_t word = adder.word(v);
    bytes.of(word, centered);
    return word;
}

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
    float rounded_origin;

    template <bool kWords>
    __device__ Item load(int64_t row, int c) const {
        return {load_word<kWords>(a + row * stride, c, stride),
                load_word<kWords>(b + row * stride, c, stride)};
    }
    template <bool kWords>
    __device__ uint32_t word(const Item& item, int64_t row, int c) const {
        const uint32_t sum = sum_of<kWords>(item);
        if (total != nullptr) store_word<kWords>(total + row * stride, c, stride, sum);
        return sum;
    }

    static constexpr int kInputs = 2;
    __device__ const int8_t* input(int i) const { return i == 0 ? a : b; }
    __device__ uint32_t word(const uint32_t (&v)[2], const CenteredBytes& bytes, float (&centered)[4]) const {
        return added(adder, v, bytes, rounded_origin, centered);
    }

  private:
    template <bool kWords>
    __device__ uint32_t sum_of(const Item& item) const {
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
cudaError_t run(const NormalizationGeometry& g, const Adder& adder, int offset,
                const NormalizationScales& scales, const int8_t* a, const int8_t* b, const float* gamma,
                const float* beta, int8_t* total, int8_t* y, cudaStream_t stream) {
    if (g.rows * g.channels == 0) return cudaSuccess;
    if (!adds_in_one_pass(g) || !narrow_rows(g)) return cudaErrorInvalidValue;
    const Normalization k(g, scales);
    const auto all_aligned = [&](size_t bytes) {
        return !adder.large && aligned(a, bytes) && aligned(b, bytes) && aligned(total, bytes);
    };
    const float origin = kRoundingShift + static_cast<float>(scales.x_zero_point + offset);
    const Sum<Adder> source{adder, a, b, total, k.x_stride, origin};
    if (are_row_tiles(g, scales, all_aligned(16), gamma, beta, y))
        return launch_normalize_row_tiles(g, scales, source, gamma, beta, y, stream);
    return launch_normalize_rows(k, g.x_stride % 4 == 0 && all_aligned(4), source, gamma, beta, y, stream);
}

}  // namespace

cudaError_t add_layer_normalization(const NormalizationGeometry& g, const BinaryScales& sum,
                                    const NormalizationScales& scales, const int8_t* a, const int8_t* b,
                                    const float* gamma, const float* beta, int8_t* total, int8_t* y,
                                    cudaStream_t stream) {
    return run(g, Binary<TileAdd>(sum), sum.offset, scales, a, b, gamma, beta, total, y, stream);
}

cudaError_t float_add_layer_normalization(const NormalizationGeometry& g, const BinaryScales& sum,
                                          const NormalizationScales& scales, const int8_t* a, const int8_t* b,
                                          const float* gamma, const float* beta, int8_t* total, int8_t* y,
                                          cudaStream_t stream) {
    return run(g, FloatBinary<FloatSum>(sum), sum.offset, scales, a, b, gamma, beta, total, y, stream);
}

}  // namespace qudnn::kernels
