#include "ops/gemm/float_pointwise.h"

#include "kernels/gemm/float_pointwise.h"
#include "ops/shared/float_activation.h"

namespace qudnn::ops {

FloatPointwise::FloatPointwise(const ort::Attributes& attributes)
    : activation(float_activation(attributes)) {}

void FloatPointwise::compute(Context& context) const {
    const ort::Tensor x = context.input(0), w = context.input(1), bias = context.input(2);
    require(x.shape.rank() >= 3 && w.shape.rank() == x.shape.rank(),
            "x and w have to be of one rank, 3 or more");
    const int64_t n = x.shape[0], c = x.shape[1], k = w.shape[0];
    ort::Shape y_shape = x.shape;
    y_shape[1] = k;
    require(x.shape.count() == n * c, "x has images of more than one pixel");
    require(w.shape[1] == c && w.shape.count() == k * c, "w is no 1x1 filter of as many channels as x has");
    require(bias.shape == ort::Shape{k}, "bias does not have a value for each output channel");
    const ort::Tensor y = context.output(0, y_shape);
    if (y.shape.count() == 0) return;
    check_cuda(kernels::float_pointwise(n, c, k, activation, x.as<const float>(), w.as<const float>(),
                                        bias.as<const float>(), y.as<float>(), context.stream()));
}

void FloatPointwise::infer(const ort::InferenceContext& context) {
    std::vector<ort::Dim> x = context.input(0);
    const std::vector<ort::Dim> w = context.input(1);
    if (x.size() < 3 || w.size() != x.size()) return;
    x[1] = w[0];
    context.set_output(0, kSignature.outputs[0], x);
}

}  // namespace qudnn::ops
