// What the kernels of normalize_to_island.h share: how they write their results.
#pragma once

#include "kernels/norm/normalize_to_island.h"
#include "kernels/norm/normalized_row.cuh"

namespace qudnn::kernels {

// Whether 32 bits count the elements of a row, with room for the last step of its loop.
inline bool fits(const ToIslandGeometry& g) {
    return narrow(g.channels + 32 * 4) && narrow(g.q_stride + 32 * 4);
}

struct ToIsland {
    int64_t rows;
    int channels, q_stride;
    int staged_stride;  // elements between rows in shared memory, where whole rows lie there
    bool vectors;       // all rows are aligned
    float epsilon;
    double reciprocal;  // of channels
    RowQuantizer quantizer;
    const float *gamma, *beta;
    int8_t* q;
    float *y, *total;  // or null

    // source_is: whether the rows that are normalized are aligned. beta: or null, where nothing is added.
    ToIsland(const ToIslandGeometry& g, const ToIslandScales& s, bool source_is, const float* gamma,
             const float* beta, int8_t* q, const FloatResults& results)
        : rows(g.rows),
          channels(static_cast<int>(g.channels)),
          q_stride(static_cast<int>(g.q_stride)),
          staged_stride(0),
          vectors(source_is && g.channels % 4 == 0 && g.q_stride % 4 == 0 && aligned(q, 4) && wide(gamma) &&
                  wide(beta) && wide(results.y) && wide(results.total)),
          epsilon(s.epsilon),
          reciprocal(1.0 / static_cast<double>(g.channels)),
          quantizer(s.q_scale, s.q_zero_point),
          gamma(gamma),
          beta(beta),
          q(q),
          y(results.y),
          total(results.total) {}

    __device__ uint32_t quantized(float value) const {
        return quantizer.plain ? quantizer.quantized<true>(value) : quantizer.quantized<false>(value);
    }

    // Channels c to c + 3 of an aligned row.
    template <bool kPlain>
    __device__ void store_four(int64_t row, int c, const float (&normalized)[4]) const {
        *reinterpret_cast<uint32_t*>(q + row * q_stride + c) = quantizer.quantized<kPlain>(normalized);
        if (y != nullptr)
            *reinterpret_cast<float4*>(y + row * channels + c) = {normalized[0], normalized[1], normalized[2],
                                                                  normalized[3]};
    }

    // Channels c to c + 3 of any row.
    __device__ void store(int64_t row, int c, const float (&normalized)[4]) const {
        if (vectors && quantizer.plain) return store_four<true>(row, c, normalized);
        if (vectors) return store_four<false>(row, c, normalized);
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            if (c + i >= channels) break;
            q[row * q_stride + c + i] = static_cast<int8_t>(quantized(normalized[i]));
            if (y != nullptr) y[row * channels + c + i] = normalized[i];
        }
    }

    __device__ void fill(int64_t row, int first, int step) const {
#pragma unroll 1
        for (int c = channels + first; c < q_stride; c += step) q[row * q_stride + c] = 0;
    }

  private:
    static bool wide(const void* pointer) { return aligned(pointer, sizeof(float4)); }  // null too
};

__device__ inline void load_four(float (&values)[4], const float* source, int c, int channels, bool vectors) {
    if (vectors) {
        const float4 four = *reinterpret_cast<const float4*>(source + c);
        values[0] = four.x, values[1] = four.y, values[2] = four.z, values[3] = four.w;
        return;
    }
#pragma unroll
    for (int i = 0; i < 4; ++i) values[i] = c + i < channels ? source[c + i] : 0.0f;
}

}  // namespace qudnn::kernels
