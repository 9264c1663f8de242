// Broadcasting of two tensors, as NumPy does it.
#pragma once

#include <array>
#include <vector>

#include "kernels/common/broadcast.h"
#include "ort/inference_context.h"
#include "ort/tensor.h"

namespace qudnn::ops {

// The shape of the result. Throws where a and b do not broadcast.
ort::Shape broadcast_shape(const ort::Shape& a, const ort::Shape& b);

// How operands are broadcast to a result of shape y, in as few dimensions as possible. For 1 to 3 operands.
template <size_t kOperands>
kernels::Broadcast<static_cast<int>(kOperands)> broadcast_geometry(
    const std::array<ort::Shape, kOperands>& operands, const ort::Shape& y);

// What is known of the result's dimensions.
std::vector<ort::Dim> broadcast_dims(const std::vector<ort::Dim>& a, const std::vector<ort::Dim>& b);

// The shape inference of an op that broadcasts all of its inputs.
void infer_broadcast(const ort::InferenceContext& context, size_t inputs, ort::ElementType type);

}  // namespace qudnn::ops
