#include "ops/shared/binary.h"

#include "ops/shared/dtype.h"

namespace qudnn::ops {

kernels::BinaryScales read_binary_scales(const ort::Attributes& attributes) {
    return read_binary_scales(attributes, "y");
}

kernels::BinaryScales read_binary_scales(const ort::Attributes& attributes, const std::string& y) {
    const Dtype dtype(attributes);
    return {attributes.real("a_scale"),
            attributes.real("b_scale"),
            attributes.real((y + "_scale").c_str()),
            dtype.zero_point(attributes, "a_zero_point"),
            dtype.zero_point(attributes, "b_zero_point"),
            dtype.zero_point(attributes, (y + "_zero_point").c_str()),
            dtype.offset};
}

}  // namespace qudnn::ops
