#include "kernels/elementwise/table_binary.h"

#include "kernels/elementwise/elementwise.cuh"
#include "kernels/elementwise/float_binary.cuh"

namespace qudnn::kernels {
namespace {

// Two tables; from a channel's to the next channel's there are `stride` values.
struct Tables {
    const float* values[2];
    int64_t stride[2];
};

// Groups of kElements in a row; the innermost dimension of g and `row`, that of the channels, count groups.
// Bit i of `repeated`: operand i has one element for the whole innermost dimension.
template <typename Operation, typename Index, int kElements>
__global__ void __launch_bounds__(kThreads)
    table_binary(Index count, const __grid_constant__ ElementBroadcast<Index, 2> g, Divisor<Index> row,
                 unsigned repeated, Tables tables, ResultScale y_scale, OutputRange range,
                 Operands<2> operands, int8_t* __restrict__ y) {
    const Index stride = static_cast<Index>(gridDim.x) * kThreads;
    for (Index i = static_cast<Index>(blockIdx.x) * kThreads + threadIdx.x; i < count; i += stride) {
        Index rest = i, rows = i;
        const int64_t channel = static_cast<int64_t>(split(rows, row)) * kElements;
        int64_t where[2] = {};
        for (int d = g.rank - 1; d >= 0; --d) {
            const auto at = static_cast<int64_t>(split(rest, g.extent[d]));
#pragma unroll
            for (int o = 0; o < 2; ++o) where[o] += at * g.stride[o][d];
        }
        float reals[2][kElements];
#pragma unroll
        for (int o = 0; o < 2; ++o) {
            const int8_t* source = operands.data[o] + where[o];
            uint32_t word[1];
            if constexpr (kElements == 4)
                load_words(word, source, repeated >> o & 1);
            else
                word[0] = static_cast<uint8_t>(*source);
            word[0] ^= kByteBias;
            const float* table = tables.values[o] + channel * tables.stride[o];
#pragma unroll
            for (int j = 0; j < kElements; ++j)
                reals[o][j] = __ldg(table + j * tables.stride[o] + (word[0] >> (8 * j) & 255));
        }
        const float* scales = y_scale.values + (y_scale.per_channel ? channel : 0);
        float scale = __ldg(scales);
        uint32_t bytes[kElements];
#pragma unroll
        for (int j = 0; j < kElements; ++j) {
            if (j > 0 && y_scale.per_channel) scale = __ldg(scales + j);
            bytes[j] = quantize(divide(Operation::of(reals[0][j], reals[1][j]), scale), range);
        }
        if constexpr (kElements == 4)
            reinterpret_cast<uint32_t*>(y)[i] = pack(bytes[0], bytes[1], bytes[2], bytes[3]);
        else
            y[i] = static_cast<int8_t>(bytes[0]);
    }
}

// Whether y can be split into groups of four of a row, for which each operand has four in a row or one.
bool in_fours(const Broadcast<2>& g, int64_t channels, const Operands<2>& operands, const int8_t* y) {
    const int last = g.rank - 1;
    if (channels % 4 != 0 || g.extent[last] % 4 != 0 || !aligned(y, 4)) return false;
    for (int o = 0; o < 2; ++o) {
        const int64_t* stride = g.stride[o];
        if (stride[last] == 0) continue;
        if (stride[last] != 1 || !aligned(operands.data[o], 4)) return false;
        for (int d = 0; d < last; ++d)
            if (stride[d] % 4 != 0) return false;
    }
    return true;
}

template <typename Operation, typename Index, int kElements>
cudaError_t run(const Broadcast<2>& g, const TableBinary& f, const Tables& tables,
                const Operands<2>& operands, int8_t* y, cudaStream_t stream) {
    const int last = g.rank - 1;
    ElementBroadcast<Index, 2> e{};
    e.rank = g.rank;
    unsigned repeated = 0;
    for (int d = 0; d < g.rank; ++d) {
        const int64_t elements = d == last ? kElements : 1;
        e.extent[d] = Divisor<Index>(g.extent[d] / elements);
        for (int o = 0; o < 2; ++o) e.stride[o][d] = g.stride[o][d] * elements;
    }
    for (int o = 0; o < 2; ++o)
        if (g.stride[o][last] == 0) repeated |= 1u << o;
    const int64_t count = g.count() / kElements;
    return launch(table_binary<Operation, Index, kElements>, ceil_div(count, kThreads), kThreads, stream,
                  static_cast<Index>(count), e, Divisor<Index>(f.channels / kElements), repeated, tables,
                  f.y_scale, OutputRange(f.y_zero_point, f.limits.low, f.limits.high), operands, y);
}

template <typename Operation>
cudaError_t run(const Broadcast<2>& g, const TableBinary& f, FloatTable a_table, FloatTable b_table,
                const int8_t* a, const int8_t* b, int8_t* y, cudaStream_t stream) {
    const int64_t count = g.count();
    if (count == 0) return cudaSuccess;
    const Tables tables{{a_table.values, b_table.values},
                        {a_table.per_channel ? 256 : 0, b_table.per_channel ? 256 : 0}};
    const Operands<2> operands{{a, b}};
    if (in_fours(g, f.channels, operands, y))
        return narrow(count / 4) ? run<Operation, uint32_t, 4>(g, f, tables, operands, y, stream)
                                 : run<Operation, uint64_t, 4>(g, f, tables, operands, y, stream);
    return narrow(count) ? run<Operation, uint32_t, 1>(g, f, tables, operands, y, stream)
                         : run<Operation, uint64_t, 1>(g, f, tables, operands, y, stream);
}

}  // namespace

cudaError_t table_add(const Broadcast<2>& g, const TableBinary& formula, FloatTable a_table,
                      FloatTable b_table, const int8_t* a, const int8_t* b, int8_t* y, cudaStream_t stream) {
    return run<FloatSum>(g, formula, a_table, b_table, a, b, y, stream);
}

cudaError_t table_mul(const Broadcast<2>& g, const TableBinary& formula, FloatTable a_table,
                      FloatTable b_table, const int8_t* a, const int8_t* b, int8_t* y, cudaStream_t stream) {
    return run<FloatMul>(g, formula, a_table, b_table, a, b, y, stream);
}

cudaError_t table_div(const Broadcast<2>& g, const TableBinary& formula, FloatTable a_table,
                      FloatTable b_table, const int8_t* a, const int8_t* b, int8_t* y, cudaStream_t stream) {
    return run<FloatQuotient>(g, formula, a_table, b_table, a, b, y, stream);
}

}  // namespace qudnn::kernels
