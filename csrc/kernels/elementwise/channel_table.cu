#include "kernels/common/channel_tables.cuh"
#include "kernels/common/dependent_launch.cuh"
#include "kernels/elementwise/add.cuh"
#include "kernels/elementwise/add.h"
#include "kernels/elementwise/table.h"

namespace qudnn::kernels {
namespace {

// What becomes of the words that were looked up: they are the result.
struct NoAddition {
    static constexpr bool kAdds = false;

    static bool takes_words_of(size_t) { return true; }
};

// They are added to those of a residual, of which they are the first operand or the second.
template <bool kFirst>
struct ResidualAddition {
    static constexpr bool kAdds = true;
    Binary<Add> sum;
    const int8_t* residual;

    bool takes_words_of(size_t bytes) const { return aligned(residual, bytes); }

    __device__ uint32_t of(uint32_t found, uint32_t r) const {
        return kFirst ? sum.word({found, r}) : sum.word({r, found});
    }
    __device__ uint4 of(const uint4& found, const uint4& r) const {
        return {of(found.x, r.x), of(found.y, r.y), of(found.z, r.z), of(found.w, r.w)};
    }
};

struct ChannelSlices {
    int64_t rows;              // of the tensor
    uint32_t vectors;          // of a row
    uint32_t stride;           // from a thread's vector to its next one
    uint32_t block_rows;       // fewer than 2^31
    Divisor<uint32_t> slices;  // of a row
    Divisor<uint32_t> period;  // channels after which tables repeat within a slice
};

// Block i * slices + j takes the i-th rows of slice j. Vector is uint32_t or uint4. A thread has kUnroll
// loads in flight, also while the tables are filled; with an addition as many of the residual.
template <typename Vector, int kBlock, int kUnroll, typename Addition>
__global__ void __launch_bounds__(kBlock)
    channel_table_slices(const __grid_constant__ ChannelSlices g, const int8_t* __restrict__ table,
                         const Vector* x, Vector* y, const __grid_constant__ Addition addition) {
    using Tables = ChannelTables<sizeof(Vector) / 4>;
    constexpr int kHeight = kBlock / Tables::kColumns;
    __shared__ Tables tables;
    let_next_kernel_start();
    uint32_t row_block = blockIdx.x;
    const uint32_t slice = split(row_block, g.slices), first = slice * Tables::kColumns;
    const int columns = min(Tables::kColumns, static_cast<int>(g.vectors - first));
    const ChannelTablesPart<Tables, kBlock> part(table + int64_t{first} * sizeof(Vector) * 256,
                                                 columns * int{sizeof(Vector)}, g.period);

    const int64_t first_row = int64_t{row_block} * g.block_rows, origin = first_row * g.vectors + first;
    const int column = threadIdx.x % Tables::kColumns, row = threadIdx.x / Tables::kColumns;
    int rows = static_cast<int>(min(int64_t{g.block_rows}, g.rows - first_row)) - row;
    if (column >= columns) rows = 0;
    x += origin, y += origin;
    const int64_t place = int64_t{row} * g.vectors + column;
    x += place, y += place;
    const Vector* residual = x;
    if constexpr (Addition::kAdds)
        residual = reinterpret_cast<const Vector*>(addition.residual) + origin + place;
    wait_for_kernels_before();
    Vector v[kUnroll] = {}, r[kUnroll] = {};
#pragma unroll
    for (int u = 0; u < kUnroll; ++u, x += g.stride, residual += g.stride)
        if (u * kHeight < rows) {
            v[u] = *x;
            if constexpr (Addition::kAdds) r[u] = *residual;
        }
    __syncwarp();  // otherwise the compiler lets the last of these loads wait for the tables
    part.store(tables);
    __syncthreads();

    const ChannelLookup lookup(threadIdx.x % 32);
    for (; rows > 0; rows -= kUnroll * kHeight)
#pragma unroll
        for (int u = 0; u < kUnroll; ++u, x += g.stride, y += g.stride, residual += g.stride) {
            Vector result = lookup.look_up(tables, v[u]);
            if constexpr (Addition::kAdds) result = addition.of(result, r[u]);
            if ((kUnroll + u) * kHeight < rows) {
                v[u] = *x;
                if constexpr (Addition::kAdds) r[u] = *residual;
            }
            if (u * kHeight < rows) *y = result;
        }
}

__global__ void __launch_bounds__(kThreads)
    channel_table_elements(int64_t count, int64_t c, const int8_t* __restrict__ table, const int8_t* x,
                           int8_t* y) {
    for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < count;
         i += int64_t{gridDim.x} * kThreads)
        y[i] = table[i % c * 256 + x[i] + 128];
}

// Rows of few channels, several in one.
struct Folded {
    int64_t rows, c;

    Folded(int64_t rows, int64_t c, int64_t most) : rows(rows), c(c) {
        while (this->c * 2 <= most && this->rows % 2 == 0) this->c *= 2, this->rows /= 2;
    }
};

// kMaxBlocks: that run at once on an H200, for each of them fills tables.
template <typename Vector, int kBlock, int kUnroll, int kMaxBlocks, typename Addition>
cudaError_t launch_slices(const Folded& folded, int64_t c, const int8_t* table, const int8_t* x,
                          const Addition& addition, int8_t* y, cudaStream_t stream) {
    using Tables = ChannelTables<sizeof(Vector) / 4>;
    const int64_t rows = folded.rows, vectors = folded.c / static_cast<int64_t>(sizeof(Vector));
    const int64_t slices = ceil_div(vectors, Tables::kColumns);
    const int64_t row_blocks =
        std::min(ceil_div(rows, kBlock / Tables::kColumns), std::max<int64_t>(kMaxBlocks / slices, 1));
    const int64_t block_rows = ceil_div(rows, row_blocks);
    const ChannelSlices g{rows,
                          static_cast<uint32_t>(vectors),
                          static_cast<uint32_t>(kBlock / Tables::kColumns * vectors),
                          static_cast<uint32_t>(block_rows),
                          Divisor<uint32_t>(slices),
                          Divisor<uint32_t>(std::min<int64_t>(c, Tables::kChannels))};
    return launch_dependent(channel_table_slices<Vector, kBlock, kUnroll, Addition>,
                            slices * ceil_div(rows, block_rows), kBlock, 0, stream, g, table,
                            reinterpret_cast<const Vector*>(x), reinterpret_cast<Vector*>(y), addition);
}

// Whether run_slices() takes the tensors.
template <typename Addition>
bool in_slices(int64_t rows, int64_t c, const int8_t* table, const int8_t* x, const Addition& addition,
               const int8_t* y) {
    // Few rows are not worth tables in shared memory.
    constexpr int64_t kFewRows = 16;
    return rows >= kFewRows && Folded(rows, c, ChannelTables<1>::kChannels).c % 4 == 0 &&
           aligned(table, 16) && aligned(x, 4) && aligned(y, 4) && addition.takes_words_of(4);
}

template <typename Addition>
cudaError_t run_slices(int64_t rows, int64_t c, const int8_t* table, const int8_t* x,
                       const Addition& addition, int8_t* y, cudaStream_t stream) {
    const Folded narrow(rows, c, ChannelTables<1>::kChannels), wide(rows, c, ChannelTables<4>::kChannels);
    // Slices of 128 channels have whole lines of a row, which memory likes, but tables of 32 KB, which take
    // as long as hundreds of rows: they are for tensors that caches do not hold.
    constexpr int64_t kLarge = int64_t{1} << 24;
    if (rows * c >= kLarge && wide.c % 16 == 0 && aligned(x, 16) && aligned(y, 16) &&
        addition.takes_words_of(16))
        return launch_slices<uint4, 512, 4, 264>(wide, c, table, x, addition, y, stream);
    return launch_slices<uint32_t, 256, 8, 396>(narrow, c, table, x, addition, y, stream);
}

}  // namespace

cudaError_t channel_table(int64_t rows, int64_t c, const int8_t* table, const int8_t* x, int8_t* y,
                          cudaStream_t stream) {
    if (rows * c == 0) return cudaSuccess;
    if (in_slices(rows, c, table, x, NoAddition{}, y))
        return run_slices(rows, c, table, x, NoAddition{}, y, stream);
    return launch(channel_table_elements, ceil_div(rows * c, kThreads), kThreads, stream, rows * c, c, table,
                  x, y);
}

cudaError_t channel_table_add(int64_t rows, int64_t c, const int8_t* table, const int8_t* x,
                              const Residual& residual, int8_t* y, cudaStream_t stream) {
    if (rows * c == 0) return cudaSuccess;
    const Binary<Add> sum(residual.scales);
    const ResidualAddition<true> first{sum, residual.r};
    if (!sum.large && in_slices(rows, c, table, x, first, y))
        return residual.y_first
                   ? run_slices(rows, c, table, x, first, y, stream)
                   : run_slices(rows, c, table, x, ResidualAddition<false>{sum, residual.r}, y, stream);
    const cudaError_t status = channel_table(rows, c, table, x, y, stream);
    return status != cudaSuccess ? status : add_residual(rows * c, c, residual, nullptr, y, stream);
}

}  // namespace qudnn::kernels
