// What QAdd and QMul share.
#pragma once

#include "kernels/elementwise/binary.h"
#include "ops/shared/op.h"

namespace qudnn::ops {

// The attributes of a quantized binary op.
kernels::BinaryScales read_binary_scales(const ort::Attributes& attributes);

// The same for an op whose result has another name in the attributes.
kernels::BinaryScales read_binary_scales(const ort::Attributes& attributes, const std::string& y);

}  // namespace qudnn::ops
