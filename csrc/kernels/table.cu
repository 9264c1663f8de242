#include "kernels/table.h"

#include "kernels/lane_tables.cuh"

namespace qudnn::kernels {
namespace {

template <int kUnroll>
__global__ void __launch_bounds__(kThreads)
    table_vectors(int64_t count, const int8_t* __restrict__ table, const uint4* x, uint4* y) {
    __shared__ LaneTables tables;
    const int64_t stride = int64_t{gridDim.x} * kThreads * kUnroll;
    tables.load(table);
    __syncthreads();
    for (int64_t first = int64_t{blockIdx.x} * kThreads * kUnroll + threadIdx.x; first < count;
         first += stride) {
        uint4 v[kUnroll];
#pragma unroll
        for (int u = 0; u < kUnroll; ++u)
            if (first + u * kThreads < count) v[u] = x[first + u * kThreads];
#pragma unroll
        for (int u = 0; u < kUnroll; ++u)
            if (first + u * kThreads < count) y[first + u * kThreads] = tables.look_up(v[u]);
    }
}

__global__ void __launch_bounds__(kThreads)
    table_elements(int64_t count, const int8_t* __restrict__ table, const int8_t* x, int8_t* y) {
    for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < count;
         i += int64_t{gridDim.x} * kThreads)
        y[i] = table[x[i] + 128];
}

constexpr int kBanks = 32, kTableWords = 64, kChannelThreads = 512;

// The tables of up to 32 quads of channels, a quad's in a bank of its own: a lane whose bank is its quad
// never collides with others. Fewer quads have copies for more lanes. Word (64 * j + i) * 32 + bank holds
// entries 4 i .. 4 i + 3 of the bank's j-th channel.
struct ChannelTables {
    uint32_t words[4 * kTableWords * kBanks];

    // Bank b gets quad b % width, of which there are `quads`. table: of their first, aligned to 16 bytes.
    __device__ void load(const int8_t* table, int quads, int width, int banks) {
        constexpr int kVectors = kTableWords / 4;
        const auto* vectors = reinterpret_cast<const uint4*>(table);
        for (int i = threadIdx.x; i < 4 * kVectors * banks; i += blockDim.x) {
            // Neighbours read the two halves of a sector.
            const int bank = i / 2 % banks, rest = i / 2 / banks * 2 + i % 2;
            const int j = rest / kVectors, vector = rest % kVectors;
            const int quad = bank % width;
            if (quad >= quads) continue;
            const uint4 v = vectors[(quad * 4 + j) * kVectors + vector];
            uint32_t* target = words + (j * kTableWords + vector * 4) * kBanks + bank;
            target[0] = v.x, target[kBanks] = v.y, target[2 * kBanks] = v.z, target[3 * kBanks] = v.w;
        }
    }
    __device__ uint32_t entry(const uint8_t* bank, int j, uint32_t index) const {
        return bank[j * (kTableWords * kBanks * 4) + index + index / 4 * (kBanks * 4 - 4)];
    }
    __device__ uint32_t look_up(const uint8_t* bank, uint32_t word) const {
        word ^= kByteBias;
        return pack(entry(bank, 0, word & 255), entry(bank, 1, word >> 8 & 255),
                    entry(bank, 2, word >> 16 & 255), entry(bank, 3, word >> 24));
    }
};

struct ChannelBlocks {
    int64_t rows, quads;  // of the tensor; words of a row
    int64_t blocks;       // side by side, of `width` quads but the last
    int64_t row_blocks;
    int width;
};

template <int kUnroll>
__global__ void __launch_bounds__(kChannelThreads)
    channel_table_words(ChannelBlocks g, const int8_t* __restrict__ table, const uint32_t* x, uint32_t* y) {
    __shared__ ChannelTables tables;
    const int64_t first = blockIdx.x % g.blocks * g.width;
    const int quads = static_cast<int>(min(int64_t{g.width}, g.quads - first));
    const int banks = kBanks / g.width * g.width, thread = static_cast<int>(threadIdx.x);
    tables.load(table + first * 4 * 256, quads, g.width, banks);
    __syncthreads();
    const int quad = thread % g.width, height = kChannelThreads / g.width;
    if (quad >= quads) return;
    const auto* bank = reinterpret_cast<const uint8_t*>(tables.words + thread % banks);
    const int64_t step = g.row_blocks * height;
    int64_t row = blockIdx.x / g.blocks * height + thread / g.width;
    for (; row < g.rows; row += step * kUnroll) {
        const int64_t origin = row * g.quads + first + quad, stride = step * g.quads;
        uint32_t v[kUnroll];
#pragma unroll
        for (int u = 0; u < kUnroll; ++u)
            if (row + u * step < g.rows) v[u] = x[origin + u * stride];
#pragma unroll
        for (int u = 0; u < kUnroll; ++u)
            if (row + u * step < g.rows) y[origin + u * stride] = tables.look_up(bank, v[u]);
    }
}

__global__ void __launch_bounds__(kThreads)
    channel_table_elements(int64_t count, int64_t c, const int8_t* __restrict__ table, const int8_t* x,
                           int8_t* y) {
    for (int64_t i = int64_t{blockIdx.x} * kThreads + threadIdx.x; i < count;
         i += int64_t{gridDim.x} * kThreads)
        y[i] = table[i % c * 256 + x[i] + 128];
}

}  // namespace

cudaError_t table(int64_t count, const int8_t* table, const int8_t* x, int8_t* y, cudaStream_t stream) {
    if (count == 0) return cudaSuccess;
    const int64_t vectors = aligned(x, 16) && aligned(y, 16) ? count / 16 : 0, done = vectors * 16;
    if (vectors > 0) {
        // Few enough blocks that filling the tables does not count.
        constexpr int kUnroll = 4, kMaxBlocks = 2048;
        const auto* source = reinterpret_cast<const uint4*>(x);
        auto* target = reinterpret_cast<uint4*>(y);
        const cudaError_t status =
            vectors >= kManyVectors
                ? launch(table_vectors<kUnroll>,
                         std::min<int64_t>(ceil_div(vectors, kThreads * kUnroll), kMaxBlocks), kThreads,
                         stream, vectors, table, source, target)
                : launch(table_vectors<1>, std::min<int64_t>(ceil_div(vectors, kThreads), kMaxBlocks),
                         kThreads, stream, vectors, table, source, target);
        if (status != cudaSuccess) return status;
    }
    if (done == count) return cudaSuccess;
    return launch(table_elements, ceil_div(count - done, kThreads), kThreads, stream, count - done, table,
                  x + done, y + done);
}

cudaError_t channel_table(int64_t rows, int64_t c, const int8_t* table, const int8_t* x, int8_t* y,
                          cudaStream_t stream) {
    if (rows * c == 0) return cudaSuccess;
    // So few rows are not worth tables in shared memory.
    constexpr int64_t kFewRows = 16;
    if (rows < kFewRows || c % 4 != 0 || !aligned(table, 16) || !aligned(x, 4) || !aligned(y, 4))
        return launch(channel_table_elements, ceil_div(rows * c, kThreads), kThreads, stream, rows * c, c,
                      table, x, y);
    // As many blocks as an H200 runs at once, twice over: filling the tables costs as much as some hundred
    // rows.
    constexpr int kUnroll = 8;
    constexpr int64_t kMaxBlocks = 264;
    const int64_t quads = c / 4, blocks = ceil_div(quads, kBanks);
    const int width = static_cast<int>(ceil_div(quads, blocks));
    const int height = kChannelThreads / width;
    const int64_t row_blocks = std::min(ceil_div(rows, height), std::max<int64_t>(kMaxBlocks / blocks, 1));
    const ChannelBlocks g{rows, quads, blocks, row_blocks, width};
    return launch(channel_table_words<kUnroll>, blocks * row_blocks, height * width, stream, g, table,
                  reinterpret_cast<const uint32_t*>(x), reinterpret_cast<uint32_t*>(y));
}

}  // namespace qudnn::kernels
