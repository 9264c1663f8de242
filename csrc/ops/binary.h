// What QAdd and QMul have in common.
#pragma once

#include "kernels/elementwise/binary.h"
#include "ops/op.h"

namespace qudnn::ops {

// The attributes of an op of two quantized tensors.
kernels::BinaryScales read_binary_scales(const ort::Attributes& attributes);

// The same of an op whose y has another name.
kernels::BinaryScales read_binary_scales(const ort::Attributes& attributes, const std::string& y);

}  // namespace qudnn::ops
