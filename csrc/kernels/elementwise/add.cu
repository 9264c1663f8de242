#include "kernels/elementwise/add.h"

#include <utility>

#include "kernels/elementwise/add.cuh"
#include "kernels/epilogue/typed_epilogue.cuh"

namespace qudnn::kernels {

namespace {

// An elementwise operator: what the table makes of sums.
struct SumTable {
    static constexpr int kOperands = 2;
    Binary<Add> sum;
    const int8_t* table;
    bool large;

    SumTable(const BinaryScales& scales, const int8_t* of_sums)
        : sum(scales), table(of_sums), large(sum.large) {}

    __device__ uint32_t word(const uint32_t (&v)[2]) const { return looked_up_word(table, sum.word(v)); }
    __device__ uint32_t element(const uint32_t (&v)[2]) const { return looked_up(table, sum.element(v)); }
};

}  // namespace

cudaError_t add(const Broadcast<2>& g, const BinaryScales& scales, const int8_t* a, const int8_t* b,
                int8_t* y, cudaStream_t stream) {
    return elementwise(g, Binary<Add>(scales), {{a, b}}, y, stream);
}

bool sums_are_moderate(const BinaryScales& scales) { return Add(scales).bound() < 2097152.0; }

cudaError_t add_residual(int64_t count, int64_t k, const Residual& residual, const int8_t* table, int8_t* y,
                         cudaStream_t stream) {
    if (count == 0) return cudaSuccess;
    auto g = Broadcast<2>::none(count);
    if (residual.per_channel && count != k) {
        g = {2, {count / k, k}, {{k, 1}, {k, 1}}};
        g.stride[residual.y_first ? 1 : 0][0] = 0;
    }
    // A thread reads an element before it writes the same one.
    Operands<2> operands{{y, residual.r}};
    if (!residual.y_first) std::swap(operands.data[0], operands.data[1]);
    return table == nullptr ? elementwise(g, Binary<Add>(residual.scales), operands, y, stream)
                            : elementwise(g, SumTable(residual.scales, table), operands, y, stream);
}

}  // namespace qudnn::kernels
