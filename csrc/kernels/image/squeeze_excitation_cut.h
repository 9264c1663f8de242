// How squeeze_excitation.cuh shares images out among blocks, and what lies in a block's memory.
#pragma once

#include <cuda_runtime.h>

namespace qudnn::kernels {

constexpr int kExciteThreads = 512;
constexpr int kExciteQuads = kExciteThreads / 4;  // of lanes that read the same 16 channels of four pixels
constexpr int kExcitePitch = kExciteQuads + 8;    // of sums: lanes of a warp write to different banks

// The blocks of a cluster share an image: `slices` of its vectors of 16 channels, `parts` of its pixels.
struct ExciteCut {
    int hw, vectors, k;
    int slices, parts;
    int log_slices, log_parts;                // both are powers of 2
    int slices_in_use;                        // there may be fewer vectors
    int slice_vectors, part_pixels;           // of a block, or fewer
    int squeeze_log_lanes, excite_log_lanes;  // of lanes that share an output of a product, to the base 2
    bool keeps_weights, keeps_x;              // in a block's memory

    __host__ __device__ int blocks() const { return slices << log_parts; }
    // How often each thread of a block reads 16 channels of a pixel. vectors: those of the block.
    __host__ __device__ static int rounds(int vectors, int pixels) {
        const int at_once = kExciteQuads / vectors * 4;
        return (pixels + at_once - 1) / at_once;
    }
};

// Offsets in bytes, all of them multiples of 16.
struct ExcitePlaces {
    int sums;                       // int32 [16][kExcitePitch], of the quads
    int part_sums;                  // int32 [parts][channels], of all blocks with the same channels
    int shares;                     // int32 [slices][k], parts of the first product's sums
    int biases[2], multipliers[2];  // of both products
    int tables[2];
    int means, squeezed;  // int8
    int gates;            // float32
    int weights[2];       // rows of the block's channels, then rows of k
    int x;                // a vector for each thread and round
    int bytes;

    __host__ __device__ explicit ExcitePlaces(const ExciteCut& cut) {
        const int channels = cut.slice_vectors * 16;
        int end = 0;
        const auto take = [&end](int size) {
            const int place = end;
            end += size;
            return place;
        };
        sums = take(16 * kExcitePitch * 4);
        part_sums = take(cut.parts > 1 ? cut.parts * channels * 4 : 0);
        shares = take(cut.slices * cut.k * 4);
        for (int i = 0; i < 2; ++i) {
            biases[i] = take((i == 0 ? cut.k : channels) * 4);
            multipliers[i] = take((i == 0 ? cut.k : channels) * 4);
            tables[i] = take(256);
        }
        means = take(channels);
        squeezed = take(cut.k);
        gates = take(channels * 4);
        for (int& place : weights) place = take(cut.keeps_weights ? channels * cut.k : 0);
        x = end;
        bytes =
            end +
            (cut.keeps_x ? ExciteCut::rounds(cut.slice_vectors, cut.part_pixels) * kExciteThreads * 16 : 0);
    }
};

}  // namespace qudnn::kernels
