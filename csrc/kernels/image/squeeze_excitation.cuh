// The kernel of squeeze_excitation.h. A block of a cluster has some of the channels, of all pixels or of
// some:
//
//   1. adds up its part of x, which it keeps in its memory where there is room, and where others have pixels
//      of the same channels sends them its sums; means (squeeze_excitation_part.cuh)
//   2. multiplies its means, which are a part of the depth of the first product, and sends the sums to all
//   3. ends the first product, and multiplies to get the gates of its own channels: nothing to exchange
//   4. multiplies its part of x with them
#pragma once

#include "kernels/common/ampere.cuh"
#include "kernels/common/clusters.cuh"
#include "kernels/common/common.cuh"
#include "kernels/common/dependent_launch.cuh"
#include "kernels/image/squeeze_excitation_part.cuh"

namespace qudnn::kernels {

// Starts copying a vector to shared memory; waits on older GPUs.
__device__ inline void bring(uint4* shared, const uint4* global) {
#if __CUDA_ARCH__ >= 800
    copy_once(reinterpret_cast<uint32_t*>(shared), global);
#else
    *shared = *global;
#endif
}
// Vectors side by side, all threads of the block together. Loops are short: no copies of their code.
__device__ inline void bring_all(int8_t* shared, const void* global, int bytes) {
#pragma unroll 1
    for (int i = static_cast<int>(threadIdx.x); i < bytes / 16; i += kExciteThreads)
        bring(reinterpret_cast<uint4*>(shared) + i, static_cast<const uint4*>(global) + i);
}

__device__ inline int32_t add_products(uint4 a, uint4 b, int32_t sum) {
    sum = __dp4a(static_cast<int>(a.x), static_cast<int>(b.x), sum);
    sum = __dp4a(static_cast<int>(a.y), static_cast<int>(b.y), sum);
    sum = __dp4a(static_cast<int>(a.z), static_cast<int>(b.z), sum);
    return __dp4a(static_cast<int>(a.w), static_cast<int>(b.w), sum);
}

// The product of two rows of vectors, of which each of the lanes that share an output takes its own; all of
// them get it.
__device__ inline int32_t shared_product(const uint4* a, const uint4* b, int vectors, int log_lanes) {
    const int lanes = 1 << log_lanes;
    int32_t sum = 0;
#pragma unroll 2
    for (int i = static_cast<int>(threadIdx.x) & (lanes - 1); i < vectors; i += lanes) {
        const uint4 of_a = a[i], of_b = b[i];
        sum = add_products(of_a, of_b, sum);
    }
#pragma unroll 1
    for (int lane = 1; lane < lanes; lane *= 2) sum += __shfl_xor_sync(0xFFFFFFFFu, sum, lane);
    return sum;
}

// One block's work on one image.
class ExciteBlock : ExcitePart {
  public:
    using ExcitePart::ExcitePart;

    // Before the kernels before have ended: weights, and what goes with them.
    __device__ void bring_constants() const {
        const ExciteCut& cut = s_.cut;
        const int channel = first_vector_ * 16, channels = vectors_ * 16;
        const auto& [squeeze, excite] = s_.layers;
        bring_all(place(s_.at.biases[0]), squeeze.bias, cut.k * 4);
        bring_all(place(s_.at.multipliers[0]), squeeze.multiplier, cut.k * 4);
        bring_all(place(s_.at.tables[0]), squeeze.table, 256);
        bring_all(place(s_.at.biases[1]), excite.bias + channel, channels * 4);
        bring_all(place(s_.at.multipliers[1]), excite.multiplier + channel, channels * 4);
        bring_all(place(s_.at.tables[1]), excite.table, 256);
        if (cut.keeps_weights && vectors_ > 0) {
            bring_columns();
            bring_all(place(s_.at.weights[1]), excite.w + channel * (cut.k / 16), channels * cut.k);
        }
        commit_copies();
    }

    __device__ void run(const uint4* x, uint4* y) const {
        add_up(x);
        wait_for_copies<0>();
        __syncthreads();
        make_means();
        __syncthreads();
        multiply_means();
        wait_for_all();
        end_squeeze();
        __syncthreads();
        make_gates();
        __syncthreads();
        multiply_x(x, y);
    }

  private:
    // The columns of the first product's weights that belong to the block's channels.
    __device__ void bring_columns() const {
        const uint4* const from = s_.layers[0].w + first_vector_;
        auto* const to = place<uint4>(s_.at.weights[0]);
        int row = static_cast<int>(threadIdx.x) / vectors_;
        int column = static_cast<int>(threadIdx.x) - row * vectors_;
        const int rows = kExciteThreads / vectors_, columns = kExciteThreads - rows * vectors_;
#pragma unroll 1
        while (row < s_.cut.k) {
            bring(to + row * vectors_ + column, from + row * s_.cut.vectors + column);
            row += rows, column += columns;
            if (column >= vectors_) column -= vectors_, ++row;
        }
    }

    // Blocks with the same channels share out the outputs.
    __device__ void multiply_means() const {
        const ExciteCut& cut = s_.cut;
        const int log_lanes = cut.squeeze_log_lanes,
                  lane = static_cast<int>(threadIdx.x) & ((1 << log_lanes) - 1);
        const uint4* const w =
            cut.keeps_weights ? place<uint4>(s_.at.weights[0]) : s_.layers[0].w + first_vector_;
        const int pitch = cut.keeps_weights ? vectors_ : cut.vectors;
        if (cut.blocks() > 1 && cut.parts == 1) wait_for_cluster();  // until all blocks run
#pragma unroll 1
        for (int first = 0; first << cut.log_parts < cut.k; first += kExciteThreads >> log_lanes) {
            const int number = first + (static_cast<int>(threadIdx.x) >> log_lanes);
            const int output = part_ + (number << cut.log_parts);
            const bool valid = output < cut.k && vectors_ > 0;
            const int32_t sum = shared_product(place<uint4>(s_.at.means), w + output * pitch,
                                               valid ? vectors_ : 0, log_lanes);
            if (!valid) continue;
#pragma unroll 1
            for (int to = lane; to < cut.blocks(); to += 1 << log_lanes)
                send(place<int>(s_.at.shares) + slice_ * cut.k + output, to, sum);
        }
    }

    // A result of layer i as its table has it.
    __device__ int looked_up(int i, int32_t sum, int output) const {
        const int32_t biased = wrapping_add(sum, place<int32_t>(s_.at.biases[i])[output]);
        const uint32_t result =
            requantize(biased, place<float>(s_.at.multipliers[i])[output], s_.layers[i].range);
        return place<int8_t>(s_.at.tables[i])[(result ^ 0x80) & 0xFF];
    }

    __device__ void end_squeeze() const {
#pragma unroll 1
        for (int output = static_cast<int>(threadIdx.x); output < s_.cut.k; output += kExciteThreads) {
            int32_t sum = 0;
#pragma unroll 2
            for (int i = 0; i < s_.cut.slices_in_use; ++i)
                sum = wrapping_add(sum, place<int>(s_.at.shares)[i * s_.cut.k + output]);
            *place(s_.at.squeezed + output) = static_cast<int8_t>(looked_up(0, sum, output));
        }
    }

    __device__ void make_gates() const {
        const ExciteCut& cut = s_.cut;
        const int log_lanes = cut.excite_log_lanes, channels = vectors_ * 16, pitch = cut.k / 16;
        const uint4* const w =
            cut.keeps_weights ? place<uint4>(s_.at.weights[1]) : s_.layers[1].w + first_vector_ * 16 * pitch;
#pragma unroll 1
        for (int first = 0; first < channels; first += kExciteThreads >> log_lanes) {
            const int channel = first + (static_cast<int>(threadIdx.x) >> log_lanes);
            const bool valid = channel < channels;
            const int32_t sum = shared_product(place<uint4>(s_.at.squeezed), w + channel * pitch,
                                               valid ? pitch : 0, log_lanes);
            if (valid && (threadIdx.x & ((1u << log_lanes) - 1)) == 0)
                place<float>(s_.at.gates)[channel] = s_.product.gate(looked_up(1, sum, channel));
        }
    }

    __device__ void multiply_x(const uint4* x, uint4* y) const {
        if (begin_ >= end_) return;
        float gates[4][4], starts[4][4];
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            const float4 four = place<float4>(s_.at.gates)[column_ * 4 + i];
            gates[i][0] = four.x, gates[i][1] = four.y, gates[i][2] = four.z, gates[i][3] = four.w;
#pragma unroll
            for (int j = 0; j < 4; ++j) starts[i][j] = s_.product.start(gates[i][j]);
        }
        const auto* kept = place<uint4>(s_.at.x) + threadIdx.x;
        const uint4* source = x + first_read();
        uint4* target = y + first_read();
#pragma unroll 1
        for (int pixel = begin_; pixel < end_; pixel += rows_ * 4) {
            const uint4 v = s_.cut.keeps_x ? *kept : *source;
            *target = {s_.product.word(v.x, gates[0], starts[0]), s_.product.word(v.y, gates[1], starts[1]),
                       s_.product.word(v.z, gates[2], starts[2]), s_.product.word(v.w, gates[3], starts[3])};
            kept += kExciteThreads, source += step(), target += step();
        }
    }
};

// x is no `const __restrict__`: what another kernel is writing may not be read through the read-only cache.
__global__ void __launch_bounds__(kExciteThreads, 2)
    squeeze_excitation_kernel(const __grid_constant__ ExciteKernel kernel, const uint4* x, uint4* y) {
    extern __shared__ __align__(16) int8_t memory[];
    let_next_kernel_start();
    const ExciteBlock block(kernel, memory);
    if (kernel.cut.blocks() > 1) arrive_without_order();
    block.bring_constants();
    wait_for_kernels_before();
    const int64_t image = blockIdx.x >> (kernel.cut.log_slices + kernel.cut.log_parts);
    const int64_t first = image * kernel.cut.hw * kernel.cut.vectors;
    block.run(x + first, y + first);
}

}  // namespace qudnn::kernels
