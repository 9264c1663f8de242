#include "kernels/norm/add_layer_normalization.h"

#include "kernels/elementwise/add.cuh"
#include "kernels/elementwise/float_binary.cuh"
#include "kernels/norm/layer_normalization.cuh"
#include "kernels/norm/row_tiles.cuh"

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

// Adders of words of tiles of rows, see row_tiles.cuh.
struct TileAdd : Binary<Add> {
    CenteredBytes bytes;  // + offset, of a and b
    float origin;         // what the normalization's zero point looks like among rounded sums

    TileAdd(const BinaryScales& s, int zero_point)
        : Binary(s), bytes(-s.offset), origin(kRoundingShift + static_cast<float>(zero_point + s.offset)) {}

    __device__ uint32_t word(const uint32_t (&v)[2], const CenteredBytes&, float (&centered)[4]) const {
        const uint32_t a = v[0] ^ kByteBias, b = v[1] ^ kByteBias;
        uint32_t sums[4];
#pragma unroll
        for (uint32_t i = 0; i < 4; ++i) {
            const float sum =
                fused_multiply_add(bytes.biased(a, i), formula.ra,
                                   fused_multiply_add(bytes.biased(b, i), formula.rb, formula.f));
            sums[i] = round_to_byte(fminf(fmaxf(sum, low), high));
            centered[i] = plus(__uint_as_float(sums[i]), -origin);
        }
        return pack(sums[0], sums[1], sums[2], sums[3]) ^ flip;
    }
};

struct TileFloatAdd : FloatBinary<FloatSum> {
    TileFloatAdd(const BinaryScales& s, int) : FloatBinary(s) {}

    __device__ uint32_t word(const uint32_t (&v)[2], const CenteredBytes& bytes, float (&centered)[4]) const {
        const uint32_t sum = FloatBinary::word(v);
        bytes.of(sum, centered);
        return sum;
    }
};

template <typename TileAdder>
struct TileSum {
    static constexpr int kInputs = 2;

    TileAdder adder;
    const int8_t *a, *b;
    int8_t* total;  // or null

    __device__ const int8_t* input(int i) const { return i == 0 ? a : b; }
    __device__ uint32_t word(const uint32_t (&v)[2], const CenteredBytes& bytes, float (&centered)[4]) const {
        return adder.word(v, bytes, centered);
    }
};

template <typename Adder, typename TileAdder>
cudaError_t run(const NormalizationGeometry& g, const BinaryScales& sum, const NormalizationScales& scales,
                const int8_t* a, const int8_t* b, const float* gamma, const float* beta, int8_t* total,
                int8_t* y, cudaStream_t stream) {
    if (g.rows * g.channels == 0) return cudaSuccess;
    if (!adds_in_one_pass(g) || !narrow_rows(g)) return cudaErrorInvalidValue;
    const Adder adder(sum);
    const auto all_aligned = [&](size_t bytes) {
        return !adder.large && aligned(a, bytes) && aligned(b, bytes) && aligned(total, bytes);
    };
    if (are_row_tiles(g, scales, all_aligned(16), gamma, beta, y)) {
        const TileSum<TileAdder> source{TileAdder(sum, scales.x_zero_point), a, b, total};
        return launch_normalize_row_tiles(g, scales, source, gamma, beta, y, stream);
    }
    const Normalization k(g, scales);
    const bool words = g.x_stride % 4 == 0 && all_aligned(4);
    return launch_normalize_rows(k, words, Sum<Adder>{adder, a, b, total, k.x_stride}, gamma, beta, y,
                                 stream);
}

}  // namespace

cudaError_t add_layer_normalization(const NormalizationGeometry& g, const BinaryScales& sum,
                                    const NormalizationScales& scales, const int8_t* a, const int8_t* b,
                                    const float* gamma, const float* beta, int8_t* total, int8_t* y,
                                    cudaStream_t stream) {
    return run<Binary<Add>, TileAdd>(g, sum, scales, a, b, gamma, beta, total, y, stream);
}

cudaError_t float_add_layer_normalization(const NormalizationGeometry& g, const BinaryScales& sum,
                                          const NormalizationScales& scales, const int8_t* a, const int8_t* b,
                                          const float* gamma, const float* beta, int8_t* total, int8_t* y,
                                          cudaStream_t stream) {
    return run<FloatBinary<FloatSum>, TileFloatAdd>(g, sum, scales, a, b, gamma, beta, total, y, stream);
}

}  // namespace qudnn::kernels
