// Dynamic quantization of rows that are dense outside, in one kernel: a thread keeps most of what it reads
// until the range is known.
#pragma once

#include <type_traits>

#include "kernels/border/dynamic_range.cuh"
#include "kernels/border/dynamic_values.cuh"
#include "kernels/common/divisor.cuh"
#include "kernels/norm/normalized_row.cuh"

namespace qudnn::kernels {

constexpr int kDenseThreads = 512, kDenseBlocks = 2;  // of a multiprocessor
constexpr int kBatch = 4;                             // vectors that a thread reads at a time

// x has `vectors` of four elements, y as many words, at the beginning of rows that `filler` words end.
struct DenseEntry {
    uint32_t vectors;
    uint32_t kept;  // batches that a thread keeps in shared memory
    Divisor<uint32_t> row;
    uint32_t filler, fillers;  // of a row, of all rows
    Divisor<uint32_t> row_filler;

    // The place of a vector's word in y.
    __device__ uint32_t place(uint32_t i) const { return filler == 0 ? i : i + row.quotient(i) * filler; }
    __device__ uint32_t filler_place(uint32_t i) const {
        const uint32_t row_index = row_filler.quotient(i);
        return (row_index + 1) * row.value + i;
    }
};

// Batches are read one after the other. The last one stays in registers, those before it in shared memory, as
// far as it goes; the first ones are read again, by when the caches have the last of them.
template <typename Values>
__global__ void __launch_bounds__(kDenseThreads, kDenseBlocks)
    dynamic_dense(const __grid_constant__ DenseEntry g, Values values, const float4* __restrict__ x,
                  uint32_t* __restrict__ y, DynamicEpilogue to) {
    extern __shared__ float4 shared[];
    const uint32_t threads = gridDim.x * kDenseThreads;
    const uint32_t first = blockIdx.x * kDenseThreads + threadIdx.x;
    const uint32_t last = (g.vectors - 1) / (kBatch * threads), again = last - min(last, g.kept);
    const auto index = [&](uint32_t batch, uint32_t u) { return (batch * kBatch + u) * threads + first; };
    const auto slot = [&](uint32_t batch, uint32_t u) {
        return shared + ((batch - again) * kBatch + u) * kDenseThreads + threadIdx.x;
    };

    float4 v[kBatch];
    const auto load = [&](uint32_t batch, float4(&loaded)[kBatch]) {
#pragma unroll
        for (uint32_t u = 0; u < kBatch; ++u)
            loaded[u] = index(batch, u) < g.vectors ? x[index(batch, u)] : float4{0, 0, 0, 0};
    };
    const auto compute = [&] {
#pragma unroll
        for (uint32_t u = 0; u < kBatch; ++u) v[u] = values_of(values, v[u]);
    };

    Range range{0, 0};
    load(0, v);
    for (uint32_t batch = 0; batch <= last; ++batch) {
        float4 next[kBatch] = {};  // on its way meanwhile
        if (batch < last) load(batch + 1, next);
        compute();
#pragma unroll
        for (uint32_t u = 0; u < kBatch; ++u) {
            widen(range, v[u]);
            if (batch < last && batch >= again) *slot(batch, u) = v[u];
            if (batch < last) v[u] = next[u];
        }
    }

    const FoundScale found = scale_of_grid(to, range);
    const RowQuantizer quantizer(found.scale, found.zero_point);
    const auto write = [&](auto plain) {
        const auto write_batch = [&](uint32_t batch) {
#pragma unroll
            for (uint32_t u = 0; u < kBatch; ++u)
                if (index(batch, u) < g.vectors)
                    y[g.place(index(batch, u))] =
                        quantizer.template quantized<plain>({v[u].x, v[u].y, v[u].z, v[u].w});
        };
        write_batch(last);
        for (uint32_t batch = last; batch-- > again;) {
#pragma unroll
            for (uint32_t u = 0; u < kBatch; ++u) v[u] = *slot(batch, u);
            write_batch(batch);
        }
        for (uint32_t batch = again; batch-- > 0;) {
            load(batch, v);
            compute();
            write_batch(batch);
        }
    };
    quantizer.plain ? write(std::true_type{}) : write(std::false_type{});
    for (uint32_t i = first; i < g.fillers; i += threads) y[g.filler_place(i)] = splat(found.zero_point);
}

// Returns false if another kernel has to do it.
inline bool dense_entry(const BorderGeometry& g, DenseEntry& entry) {
    const int channels = g.rank - 1;
    // simplified: rows that no padding separates are one.
    const int64_t rows = g.rank == 1 ? 1 : g.inside[0], width = g.extent[channels];
    const int64_t filler = g.inside[channels] - width;
    const bool fits =
        g.rank <= 2 && g.before[channels] == 0 && g.outside_stride[channels] == 1 &&
        (g.rank == 1 || (g.before[0] == 0 && g.extent[0] == rows && g.outside_stride[0] == width)) &&
        width % 4 == 0 && filler % 4 == 0 && filler >= 0 && rows * width > 0;
    if (!fits || !narrow(rows * g.inside[channels])) return false;
    entry = {static_cast<uint32_t>(rows * width / 4),
             0,
             Divisor<uint32_t>(width / 4),
             static_cast<uint32_t>(filler / 4),
             static_cast<uint32_t>(rows * filler / 4),
             Divisor<uint32_t>(std::max<int64_t>(filler / 4, 1))};
    return true;
}

template <typename Values>
cudaError_t launch_dense(DenseEntry g, const Gpu& gpu, const Values& values, const float* x, int8_t* y,
                         const DynamicEpilogue& to, cudaStream_t stream) {
    constexpr int64_t kBatchBytes = kBatch * kDenseThreads * sizeof(float4);
    // Fewer blocks meet sooner: one per multiprocessor, if that is enough.
    const int64_t single = ceil_div(g.vectors, kDenseThreads);
    const bool few = single <= int64_t{kBatch} * gpu.multiprocessors;
    const int64_t blocks = std::min(single, int64_t{few ? 1 : kDenseBlocks} * gpu.multiprocessors);
    const int64_t batches = ceil_div(g.vectors, blocks * kDenseThreads * kBatch);
    // A block's share of the multiprocessor's memory; the system takes some for each block.
    const int64_t room = gpu.shared_bytes / kDenseBlocks - 2 * kStaticBytes;
    g.kept = static_cast<uint32_t>(std::clamp<int64_t>(batches - 1, 0, room / kBatchBytes));
    return launch_cooperative(gpu, dynamic_dense<Values>, blocks, kDenseThreads, g.kept * kBatchBytes, stream,
                              g, values, reinterpret_cast<const float4*>(x), reinterpret_cast<uint32_t*>(y),
                              to);
}

}  // namespace qudnn::kernels
