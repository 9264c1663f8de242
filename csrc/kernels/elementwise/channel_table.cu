#include "kernels/common/channel_tables.cuh"
#include "kernels/common/dependent_launch.cuh"
#include "kernels/elementwise/table.h"

namespace qudnn::kernels {
namespace {

struct ChannelSlices {
    int64_t rows;              // of the tensor
    uint32_t vectors;          // of a row
    uint32_t stride;           // from a thread's vector to its next one
    uint32_t block_rows;       // fewer than 2^31
    Divisor<uint32_t> slices;  // of a row
    Divisor<uint32_t> period;  // channels after which tables repeat within a slice
};

// Block i * slices + j takes the i-th rows of slice j. Vector is uint32_t or uint4. A thread has kUnroll
// loads in flight, also while the tables are filled.
template <typename Vector, int kBlock, int kUnroll>
__global__ void __launch_bounds__(kBlock)
    channel_table_slices(const __grid_constant__ ChannelSlices g, const int8_t* __restrict__ table,
                         const Vector* x, Vector* y) {
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
    wait_for_kernels_before();
    Vector v[kUnroll] = {};
#pragma unroll
    for (int u = 0; u < kUnroll; ++u, x += g.stride)
        if (u * kHeight < rows) v[u] = *x;
    __syncwarp();  // otherwise the compiler lets the last of these loads wait for the tables
    part.store(tables);
    __syncthreads();

    const ChannelLookup lookup(threadIdx.x % 32);
    for (; rows > 0; rows -= kUnroll * kHeight)
#pragma unroll
        for (int u = 0; u < kUnroll; ++u, x += g.stride, y += g.stride) {
            const Vector result = lookup.look_up(tables, v[u]);
            if ((kUnroll + u) * kHeight < rows) v[u] = *x;
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
template <typename Vector, int kBlock, int kUnroll, int kMaxBlocks>
cudaError_t launch_slices(const Folded& folded, int64_t c, const int8_t* table, const int8_t* x, int8_t* y,
                          cudaStream_t stream) {
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
    return launch_dependent(channel_table_slices<Vector, kBlock, kUnroll>,
                            slices * ceil_div(rows, block_rows), kBlock, 0, stream, g, table,
                            reinterpret_cast<const Vector*>(x), reinterpret_cast<Vector*>(y));
}

}  // namespace

cudaError_t channel_table(int64_t rows, int64_t c, const int8_t* table, const int8_t* x, int8_t* y,
                          cudaStream_t stream) {
    if (rows * c == 0) return cudaSuccess;
    // Few rows are not worth tables in shared memory.
    constexpr int64_t kFewRows = 16;
    const Folded narrow(rows, c, ChannelTables<1>::kChannels), wide(rows, c, ChannelTables<4>::kChannels);
    if (rows < kFewRows || narrow.c % 4 != 0 || !aligned(table, 16) || !aligned(x, 4) || !aligned(y, 4))
        return launch(channel_table_elements, ceil_div(rows * c, kThreads), kThreads, stream, rows * c, c,
                      table, x, y);
    // Slices of 128 channels have whole lines of a row, which memory likes, but tables of 32 KB, which take
    // as long as hundreds of rows: they are for tensors that caches do not hold.
    constexpr int64_t kLarge = int64_t{1} << 24;
    if (rows * c >= kLarge && wide.c % 16 == 0 && aligned(x, 16) && aligned(y, 16))
        return launch_slices<uint4, 512, 4, 264>(wide, c, table, x, y, stream);
    return launch_slices<uint32_t, 256, 8, 396>(narrow, c, table, x, y, stream);
}

}  // namespace qudnn::kernels
