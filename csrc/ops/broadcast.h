// Broadcasting of two tensors, as NumPy does it.
#pragma once

#include <vector>

#include "kernels/broadcast.h"
#include "ort/inference_context.h"
#include "ort/tensor.h"

namespace qudnn::ops {

// The shape of the result. Throws where a and b do not broadcast.
ort::Shape broadcast_shape(const ort::Shape& a, const ort::Shape& b);

// How a and b meet in a result of that shape, in as few dimensions as possible.
kernels::Broadcast broadcast_geometry(const ort::Shape& a, const ort::Shape& b, const ort::Shape& y);

// What is known of the result's dimensions.
std::vector<ort::Dim> broadcast_dims(const std::vector<ort::Dim>& a, const std::vector<ort::Dim>& b);

}  // namespace qudnn::ops
