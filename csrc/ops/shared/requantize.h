// The epilogue of a conv or matmul op: its attributes, the vectors of its output channels, and the run.
#pragma once

#include "kernels/epilogue/epilogue.h"
#include "ops/shared/op.h"

namespace qudnn::ops {

// The values of a tensor [k], one for each output channel.
template <class T>
const T* per_channel(const ort::Tensor& tensor, int64_t k, const char* name) {
    if (tensor.shape != ort::Shape{k}) {
        throw std::invalid_argument(std::string(name) + " does not have one value per output channel");
    }
    return tensor.as<const T>();
}

// The entries of a tensor [256].
inline const int8_t* table_entries(const ort::Tensor& tensor) {
    require(tensor.shape == ort::Shape{256}, "table has to be of shape [256]");
    return tensor.as<const int8_t>();
}

struct Requantize {
    int y_zero_point, y_min, y_max;

    explicit Requantize(const ort::Attributes& attributes) : Requantize(attributes, "y") {}

    // The same for an op whose results have another name in the attributes.
    Requantize(const ort::Attributes& attributes, const std::string& y)
        : y_zero_point(attributes.integer((y + "_zero_point").c_str(), -128, 127)),
          y_min(attributes.integer((y + "_min").c_str(), -128, 127)),
          y_max(attributes.integer((y + "_max").c_str(), -128, 127)) {
        if (y_min > y_max) throw std::invalid_argument(y + "_min is above " + y + "_max");
    }

    bool clamps_above() const { return y_max < 127; }

    // bias [k] and multiplier [k] have to fit the k output channels.
    kernels::Epilogue epilogue(const ort::Tensor& bias, const ort::Tensor& multiplier, int64_t k) const {
        return {.bias = per_channel<int32_t>(bias, k, "bias"),
                .multiplier = per_channel<float>(multiplier, k, "multiplier"),
                .zero_point = y_zero_point,
                .low = y_min,
                .high = y_max};
    }
};

// Enqueues the problem with the alignment of its arguments; does nothing if y is empty.
template <class P>
void run_aligned(P problem, const plan::Arguments& arguments, const plan::Host& host) {
    if (problem.y_elements() == 0) return;
    problem.alignment = plan::alignment_of(arguments);
    plan::run(problem, arguments, host);
}

}  // namespace qudnn::ops
