// The attribute dtype: which 8 bits the arithmetic of an op sees.
#pragma once

#include "ops/shared/op.h"

namespace qudnn::ops {

// An island holds int8; an op whose formula works on tensors of dtype uint8 adds 128 to each value.
struct Dtype {
    int offset;  // 128 for uint8, 0 for int8

    explicit Dtype(const ort::Attributes& attributes) {
        const auto type = static_cast<ort::ElementType>(attributes.extent("dtype", 0));
        require(type == ort::ElementType::uint8 || type == ort::ElementType::int8,
                "dtype is neither uint8 nor int8");
        offset = type == ort::ElementType::uint8 ? 128 : 0;
    }

    bool is_uint8() const { return offset != 0; }

    // A zero point of this type.
    int zero_point(const ort::Attributes& attributes, const char* name) const {
        return attributes.integer(name, offset - 128, offset + 127);
    }
};

}  // namespace qudnn::ops
