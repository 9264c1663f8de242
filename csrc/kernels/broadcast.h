// How the elements of two dense tensors meet in those of a third.
#pragma once

#include <cstdint>

namespace qudnn::kernels {

constexpr int kMaxBroadcastRank = 8;

// The result is dense, of these extents, outermost first; strides count elements and are 0 where the
// operand repeats. Fast where neighbouring dimensions that could be one are one.
struct Broadcast {
    int rank;
    int64_t extent[kMaxBroadcastRank];
    int64_t a_stride[kMaxBroadcastRank], b_stride[kMaxBroadcastRank];

    // Two operands of the result's shape.
    static Broadcast none(int64_t count) { return {1, {count}, {1}, {1}}; }

    int64_t count() const {
        int64_t n = 1;
        for (int i = 0; i < rank; ++i) n *= extent[i];
        return n;
    }
};

}  // namespace qudnn::kernels
