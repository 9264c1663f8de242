// A table of float32 numbers, one for each 8-bit value, as an input of an op.
#pragma once

#include "kernels/elementwise/table_binary.h"
#include "ops/shared/op.h"

namespace qudnn::ops {

// channels: the last dimension of what is looked up.
inline kernels::FloatTable float_table(const ort::Tensor& values, int64_t channels) {
    const size_t rank = values.shape.rank();
    require(rank > 0 && rank <= 2 && values.shape.back() == 256,
            "a table has to be of shape [256] or [channels,256]");
    require(rank == 1 || values.shape[0] == channels,
            "a table does not have a row for each channel of the result, its last dimension");
    return {values.as<const float>(), rank == 2};
}

}  // namespace qudnn::ops
