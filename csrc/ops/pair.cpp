#include "ops/pair.h"

#include "ops/dtype.h"

namespace qudnn::ops {

kernels::PairScales read_pair_scales(const ort::Attributes& attributes) {
    const Dtype dtype(attributes);
    return {attributes.real("a_scale"),
            attributes.real("b_scale"),
            attributes.real("y_scale"),
            dtype.zero_point(attributes, "a_zero_point"),
            dtype.zero_point(attributes, "b_zero_point"),
            dtype.zero_point(attributes, "y_zero_point"),
            dtype.offset};
}

}  // namespace qudnn::ops
