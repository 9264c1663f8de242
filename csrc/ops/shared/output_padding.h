// The attributes y_pads and y_zero_point: pixels that an op adds around the images of its result.
#pragma once

#include <vector>

#include "kernels/common/output_padding.h"
#include "ort/attributes.h"
#include "ort/inference_context.h"
#include "ort/tensor.h"

namespace qudnn::ops {

// y_pads in ONNX Pad's form over [N,H,W,C]; nothing if the node leaves it out or it is all 0. Throws if it
// does anything but add pixels.
kernels::OutputPadding output_padding(const ort::Attributes& attributes);

// The value of the padding; 0 if there is none.
int output_zero_point(const ort::Attributes& attributes, const kernels::OutputPadding& padding);

// The shape [N,H,W,C] with its padding; throws if it has another rank, or if it is empty and padded.
ort::Shape padded(const ort::Shape& y, const kernels::OutputPadding& padding);
std::vector<ort::Dim> padded(const std::vector<ort::Dim>& y, const kernels::OutputPadding& padding);

}  // namespace qudnn::ops
