// The matmuls of float_attention.cuh, by a warp on the tensor cores.
//
// The order of summation is free, so dimensions of Q * K^T and keys of P * V are assigned to lanes as they
// are loaded best. With lane = 4 * g + t:
//   dimensions  4 t to 4 t + 3 of each 16 are the lane's: two mmas take two of them each
//   keys        4 t to 4 t + 3 of each 16 are the lane's, too: scores lie where P's fragments need them, and
//               four of a mask's row are neighbours
//   columns     4 g to 4 g + 3 of each 32 are the lane's in V, 8 t to 8 t + 7 in Y
#pragma once

#include "kernels/attention/float_attention_tiles.cuh"

namespace qudnn::kernels {

// What a warp keeps of its rows: 16 i + 8 half + g, of tile i.
template <class S>
struct FloatAttentionRows {
    uint32_t q[S::kRowTiles][S::kDepthSteps][4];
    float y[S::kRowTiles][S::kColumnTiles][4] = {};
    float maximum[S::kRowTiles][2];
    float sum[S::kRowTiles][2] = {};  // of the lane's weights
};

// The warp's scores for a tile of keys: [i][2 * group + pair][2 * half + n] is that of row 16 i + 8 half + g
// and key 16 group + 4 t + 2 pair + n.
template <class S>
using FloatAttentionScores = float[S::kRowTiles][S::kKeyTiles][4];

// Four floats of shared memory as factors.
__device__ __forceinline__ void load_factors(uint32_t (&v)[4], const uint32_t* shared) {
    const float4 four = *reinterpret_cast<const float4*>(shared);
    v[0] = to_tf32(four.x), v[1] = to_tf32(four.y), v[2] = to_tf32(four.z), v[3] = to_tf32(four.w);
}

template <class S>
__device__ __forceinline__ void multiply_keys(FloatAttentionScores<S>& scores,
                                              const FloatAttentionRows<S>& rows, const uint32_t* keys) {
    const int lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
    // The mmas' column g, and where its swizzle puts chunks t of even and of odd groups of four.
    const int own = g / 2 * 4 + g % 2, shift = key_swizzle(own) * 4;
    const uint32_t* const row = keys + own * S::kWidth + t * 4;
    const uint32_t* const chunks[2] = {row + shift, row - shift};
#pragma unroll
    for (int step = 0; step < S::kDepthSteps; step += 2) {
        uint32_t k[S::kKeyTiles][4];
#pragma unroll
        for (int j = 0; j < S::kKeyTiles; ++j)
            load_factors(k[j], chunks[step / 2 % 2] + (j / 2 * 16 + j % 2 * 2) * S::kWidth + step * 8);
#pragma unroll
        for (int pair = 0; pair < 2; ++pair)
#pragma unroll
            for (int j = 0; j < S::kKeyTiles; ++j)
#pragma unroll
                for (int i = 0; i < S::kRowTiles; ++i)
                    multiply_add(scores[i][j], rows.q[i][step + pair], {k[j][2 * pair], k[j][2 * pair + 1]});
    }
}

template <class S>
__device__ __forceinline__ void multiply_values(FloatAttentionRows<S>& rows,
                                                const FloatAttentionScores<S>& weights,
                                                const uint32_t* values) {
    const int lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
    const uint32_t* const own = values + t * 4 * S::kWidth + (g ^ value_swizzle(t * 4)) * 4;
#pragma unroll
    for (int j = 0; j < S::kKeyTiles; ++j) {
        uint32_t p[S::kRowTiles][4];
#pragma unroll
        for (int i = 0; i < S::kRowTiles; ++i)
#pragma unroll
            for (int n = 0; n < 4; ++n) p[i][n] = __float_as_uint(weights[i][j][n % 2 * 2 + n / 2]);
#pragma unroll
        for (int column = 0; column < S::kColumnTiles; column += 4) {
            uint32_t v[2][4];
#pragma unroll
            for (int n = 0; n < 2; ++n)
                load_factors(v[n], own + (j / 2 * 16 + j % 2 * 2 + n) * S::kWidth + column * 8);
#pragma unroll
            for (int n = 0; n < 4; ++n)
#pragma unroll
                for (int i = 0; i < S::kRowTiles; ++i)
                    multiply_add(rows.y[i][column + n], p[i], {v[0][n], v[1][n]});
        }
    }
}

}  // namespace qudnn::kernels
