// Broadcasting: which elements of several dense operands belong to an element of the result.
#pragma once

#include <cstdint>

namespace qudnn::kernels {

constexpr int kMaxBroadcastRank = 8;

// The result is dense, of these extents, outermost first; an operand's strides count elements and are 0 where
// it repeats. Kernels are fast if neighbouring dimensions are merged wherever they can be.
template <int kOperands>
struct Broadcast {
    int rank;
    int64_t extent[kMaxBroadcastRank];
    int64_t stride[kOperands][kMaxBroadcastRank];

    // All operands of the result's shape.
    static Broadcast none(int64_t count) {
        Broadcast g{1, {count}, {}};
        for (auto& stride : g.stride) stride[0] = 1;
        return g;
    }

    int64_t count() const {
        int64_t n = 1;
        for (int i = 0; i < rank; ++i) n *= extent[i];
        return n;
    }
};

}  // namespace qudnn::kernels
