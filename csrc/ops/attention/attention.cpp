#include "ops/attention/attention.h"

#include "ops/shared/dtype.h"
#include "ops/softmax/masked_softmax.h"

namespace qudnn::ops {

namespace {

class Linear final : public AttentionSoftmax {
  public:
    Linear(const QAttention& op, cudaStream_t stream) : op_(op), stream_(stream) {}

    cudaError_t fused(const kernels::AttentionGeometry& g, const ort::Shape&,
                      const kernels::AttentionTensors& tensors) const override {
        return kernels::attention(g, op_.core.scores, op_.core.result, *op_.constants.of(g.n), tensors,
                                  stream_);
    }
    std::string refusal(const kernels::AttentionGeometry& g, const ort::Shape&,
                        const kernels::AttentionTensors& tensors) const override {
        return kernels::attention_refusal(g, *op_.constants.of(g.n), tensors);
    }
    cudaError_t rows(const ort::Shape& shape, int64_t n, const int8_t* x, int8_t* y) const override {
        return kernels::softmax(shape.count() / shape.back(), shape.back(), *op_.constants.of(n), x, y,
                                stream_);
    }

  private:
    const QAttention& op_;
    cudaStream_t stream_;
};

class Masked final : public AttentionSoftmax {
  public:
    Masked(const QMaskedAttention& op, const ort::Tensor& mask, cudaStream_t stream)
        : op_(op), mask_(mask), stream_(stream) {}

    cudaError_t fused(const kernels::AttentionGeometry& g, const ort::Shape& scores,
                      const kernels::AttentionTensors& tensors) const override {
        return kernels::masked_attention(g, op_.core.scores, op_.core.result,
                                         masked_softmax_geometry(scores, mask_.shape, g.n, g.n), op_.scales,
                                         mask_.as<const float>(), tensors, stream_);
    }
    std::string refusal(const kernels::AttentionGeometry& g, const ort::Shape& scores,
                        const kernels::AttentionTensors& tensors) const override {
        return kernels::masked_attention_refusal(g, masked_softmax_geometry(scores, mask_.shape, g.n, g.n),
                                                 tensors);
    }
    cudaError_t rows(const ort::Shape& shape, int64_t n, const int8_t* x, int8_t* y) const override {
        return kernels::masked_softmax(masked_softmax_geometry(shape, mask_.shape, n, shape.back()),
                                       op_.scales, x, mask_.as<const float>(), y, stream_);
    }

  private:
    const QMaskedAttention& op_;
    const ort::Tensor& mask_;
    cudaStream_t stream_;
};

}  // namespace

QAttention::QAttention(const ort::Attributes& attributes)
    : core(attributes),
      constants(attributes.real("softmax_scale"), attributes.real("probability_scale"),
                Dtype(attributes).zero_point(attributes, "probability_zero_point"),
                Dtype(attributes).is_uint8()) {}

void QAttention::compute(Context& context) const {
    core.compute(context, context.input(3), Linear(*this, context.stream()));
}

QMaskedAttention::QMaskedAttention(const ort::Attributes& attributes)
    : core(attributes),
      scales{attributes.real("softmax_scale"),
             attributes.real("factor"),
             attributes.real("divisor"),
             attributes.real("probability_scale"),
             attributes.integer("softmax_zero_point", -128, 127),
             attributes.integer("probability_zero_point", -128, 127)} {}

void QMaskedAttention::compute(Context& context) const {
    const ort::Tensor mask = context.input(4);
    core.compute(context, context.input(3), Masked(*this, mask, context.stream()));
}

}  // namespace qudnn::ops
