// A block's part of an image in squeeze_excitation.cuh: its pixels and channels, their sums, which it
// exchanges with blocks that have other pixels of the same channels, and the means.
#pragma once

#include "kernels/common/clusters.cuh"
#include "kernels/common/common.cuh"
#include "kernels/common/turing.cuh"
#include "kernels/image/gate_product.cuh"
#include "kernels/image/squeeze_excitation.h"
#include "kernels/image/squeeze_excitation_cut.h"

namespace qudnn::kernels {

// A product of means or of what became of them.
struct ExciteLayer {
    const uint4* w;
    const int32_t* bias;
    const float* multiplier;
    const int8_t* table;
    OutputRange range;

    explicit ExciteLayer(const Excitation& e)
        : w(reinterpret_cast<const uint4*>(e.w)),
          bias(e.epilogue.bias),
          multiplier(e.epilogue.multiplier),
          table(e.epilogue.table),
          range(e.epilogue) {}
};

struct ExciteKernel {
    ExciteCut cut;
    ExcitePlaces at;
    int32_t mean_offset;
    float mean_scale;
    OutputRange mean_range;
    ExciteLayer layers[2];
    GateProduct product;
};

// The bytes of each word are added up by multiplying them with ones: row r < 4 of the left matrix takes byte
// r of all words of a column, which are those of a quad of lanes.
__device__ inline uint32_t ones_of_quads() {
    const uint32_t row = threadIdx.x % 32 / 4;
    return row < 4 ? 1u << row * 8 : 0;
}
// sums[i] of lane 4 * r + t, r < 4: of byte r of word i, of the warp's quads 2 * t and 2 * t + 1.
__device__ inline void add_quads(int32_t (&sums)[4][2], uint32_t ones, const uint4& v) {
    multiply_add(sums[0], ones, v.x);
    multiply_add(sums[1], ones, v.y);
    multiply_add(sums[2], ones, v.z);
    multiply_add(sums[3], ones, v.w);
}

// One block's part of one image.
class ExcitePart {
  public:
    __device__ ExcitePart(const ExciteKernel& kernel, int8_t* memory) : s_(kernel), memory_(memory) {
        const ExciteCut& cut = s_.cut;
        const int rank = static_cast<int>(blockIdx.x) & (cut.blocks() - 1);
        slice_ = rank >> cut.log_parts, part_ = rank & (cut.parts - 1);
        first_vector_ = slice_ * cut.slice_vectors;
        vectors_ = max(min(cut.slice_vectors, cut.vectors - first_vector_), 0);
        const int quad = static_cast<int>(threadIdx.x) / 4, divisor = max(vectors_, 1);
        const int row = quad / divisor;
        column_ = quad - row * divisor;
        rows_ = kExciteQuads / divisor;
        const int first_pixel = part_ * cut.part_pixels, end = min(cut.hw, first_pixel + cut.part_pixels);
        begin_ = first_pixel + row * 4 + static_cast<int>(threadIdx.x) % 4;
        rounds_ = vectors_ > 0 ? (end - first_pixel + rows_ * 4 - 1) / (rows_ * 4) : 0;
        end_ = vectors_ > 0 && row < rows_ ? end : 0;
        // The largest power of 2 for which lanes of a warp suffice.
        log_sharing_ = vectors_ > 16 || vectors_ == 0 ? 0 : 31 - __clz(32 / divisor);
    }

    // The sums of each quad of lanes; they are seen after a barrier.
    __device__ void add_up(const uint4* x) const {
        constexpr int kAtOnce = 8;
        const uint32_t ones = ones_of_quads();
        const uint4* source = x + first_read();
        auto* kept = place<uint4>(s_.at.x) + threadIdx.x;
        int32_t sums[4][2] = {};
        int pixel = begin_;
#pragma unroll 1
        for (int left = rounds_; left > 0; left -= kAtOnce) {
            uint4 v[kAtOnce];
#pragma unroll
            for (int i = 0; i < kAtOnce; ++i) {
                v[i] = pixel < end_ ? *source : uint4{};
                pixel += rows_ * 4, source += step();
            }
#pragma unroll
            for (int i = 0; i < kAtOnce; ++i) {
                if (i >= left) break;
                if (s_.cut.keeps_x) kept[i * kExciteThreads] = v[i];
                add_quads(sums, ones, v[i]);
            }
            kept += kAtOnce * kExciteThreads;
        }
        const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
        if (lane >= 16) return;
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            const int row = (i * 4 + lane / 4) * kExcitePitch, quad = warp * 8 + lane % 4 * 2;
            *reinterpret_cast<int2*>(place<int>(s_.at.sums) + row + quad) = {sums[i][0], sums[i][1]};
        }
    }

    // Of the sums, after that barrier. Each warp has one of the channels of all vectors; of few vectors
    // several lanes share one.
    __device__ void make_means() const {
        static_assert(kExciteThreads / 32 == 16);
        const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32;
        const int* const sums = place<int>(s_.at.sums) + warp * kExcitePitch;
        const int parts = s_.cut.parts, sharing = 1 << log_sharing_, own = lane & (sharing - 1);
        int* const part_sums = place<int>(s_.at.part_sums);
        if (parts > 1) wait_for_cluster();  // until all blocks run
#pragma unroll 1
        for (int first = 0; first < vectors_; first += 32 >> log_sharing_) {
            const int column = first + (lane >> log_sharing_);
            int32_t sum = 0;
            if (column < vectors_) {
#pragma unroll 4
                for (int row = own; row < rows_; row += sharing) sum += sums[row * vectors_ + column];
            }
#pragma unroll 1
            for (int other = 1; other < sharing; other *= 2) sum += __shfl_xor_sync(0xFFFFFFFFu, sum, other);
            const int channel = column * 16 + warp;
            if (column >= vectors_) continue;
            if (parts == 1 && own == 0) store_mean(channel, sum);
            if (parts == 1) continue;
#pragma unroll 1
            for (int to = own; to < parts; to += sharing)
                write_to_block(part_sums + part_ * s_.cut.slice_vectors * 16 + channel, slice_ * parts + to,
                               sum);
        }
        if (parts == 1) return;
        wait_for_all();
#pragma unroll 1
        for (int channel = static_cast<int>(threadIdx.x); channel < vectors_ * 16;
             channel += kExciteThreads) {
            int32_t sum = 0;
#pragma unroll 2
            for (int i = 0; i < parts; ++i)
                sum = wrapping_add(sum, part_sums[i * s_.cut.slice_vectors * 16 + channel]);
            store_mean(channel, sum);
        }
    }

  protected:
    const ExciteKernel& s_;
    int8_t* const memory_;
    int slice_, part_;
    int first_vector_, vectors_;  // of the block's channels
    int column_, rows_;           // the thread's vector; quads that read the same one
    int begin_, end_, rounds_;    // the thread's pixels, every 4 * rows_-th
    int log_sharing_;             // of lanes that share a channel's mean

    template <typename T = int8_t>
    __device__ T* place(int offset) const {
        return reinterpret_cast<T*>(memory_ + offset);
    }

    // For what any block of the cluster wrote to the memory of this one.
    __device__ void wait_for_all() const {
        if (s_.cut.blocks() == 1) return __syncthreads();
        arrive_at_cluster();
        wait_for_cluster();
    }
    __device__ void send(int* to, int rank, int value) const {
        if (s_.cut.blocks() > 1)
            write_to_block(to, rank, value);
        else
            *to = value;
    }

    // Of the image: the thread's first one, and from one to the next.
    __device__ int first_read() const { return begin_ * s_.cut.vectors + first_vector_ + column_; }
    __device__ int step() const { return rows_ * 4 * s_.cut.vectors; }

  private:
    __device__ void store_mean(int channel, int32_t sum) const {
        const int32_t less = wrapping_add(sum, s_.mean_offset);
        *place(s_.at.means + channel) = static_cast<int8_t>(requantize(less, s_.mean_scale, s_.mean_range));
    }
};

}  // namespace qudnn::kernels
