#include "ops/attention/float_attention.h"

#include "plan/tuning/explanation.h"

namespace qudnn::ops {

namespace {

constexpr size_t kRank = 4;

// The heads from `first` on of a tensor [batch,length,all heads,size].
const float* heads_of(const ort::Tensor& x, int64_t first, int64_t heads, const char* what) {
    require(heads <= x.shape[2] && first <= x.shape[2] - heads, what);
    return x.as<const float>() + first * x.shape[3];
}

kernels::FloatAttentionMask read_mask(const ort::Tensor& mask, const ort::Shape& scores) {
    require(mask.shape.rank() == kRank, "mask needs four dimensions");
    kernels::FloatAttentionMask result{mask.as<const float>(), {}};
    int64_t stride = 1;
    for (size_t d = kRank; d-- > 0; stride *= mask.shape[d]) {
        require(mask.shape[d] == scores[d] || mask.shape[d] == 1, "mask does not broadcast to the scores");
        result.stride[d] = mask.shape[d] == 1 ? 0 : stride;
    }
    return result;
}

// The product of all numbers that scale the scores.
float read_factor(const ort::Attributes& attributes) {
    const double factors = double{attributes.real("q_factor")} * attributes.real("k_factor");
    return static_cast<float>(factors * attributes.real("factor") / attributes.real("divisor"));
}

}  // namespace

FloatAttention::FloatAttention(const ort::Attributes& attributes)
    : heads(attributes.extent("heads", 1)),
      q_first(attributes.extent("q_first", 0)),
      k_first(attributes.extent("k_first", 0)),
      v_first(attributes.extent("v_first", 0)),
      factor(read_factor(attributes)),
      nan_to_zero(attributes.integer("nan_to_zero", 0, 1) != 0) {}

void FloatAttention::compute(Context& context, const ort::Tensor* mask) const {
    const ort::Tensor q = context.input(0), k = context.input(1), v = context.input(2);
    require(q.shape.rank() == kRank && k.shape.rank() == kRank && v.shape.rank() == kRank,
            "q, k and v need four dimensions");
    const int64_t batch = q.shape[0], m = q.shape[1], n = k.shape[1];
    require(k.shape[0] == batch && v.shape[0] == batch, "q, k and v are not of one batch");
    require(v.shape[1] == n, "k and v are not of one length");
    require(k.shape[3] == q.shape[3], "heads of q and k differ in size");
    kernels::FloatAttentionTensors tensors{heads_of(q, q_first, heads, "q has too few heads"),
                                           heads_of(k, k_first, heads, "k has too few heads"),
                                           heads_of(v, v_first, heads, "v has too few heads"),
                                           {},
                                           nullptr};
    if (mask != nullptr) tensors.mask = read_mask(*mask, {batch, heads, m, n});
    const ort::Tensor y = context.output(0, {batch, m, heads, v.shape[3]});
    if (y.shape.count() == 0) return;
    tensors.y = y.as<float>();
    const kernels::FloatAttentionGeometry geometry{.batch = batch,
                                                   .heads = heads,
                                                   .m = m,
                                                   .n = n,
                                                   .depth = q.shape[3],
                                                   .columns = v.shape[3],
                                                   .q_heads = q.shape[2],
                                                   .k_heads = k.shape[2],
                                                   .v_heads = v.shape[2],
                                                   .factor = factor,
                                                   .nan_to_zero = nan_to_zero};
    if (context.configuration().explain)
        plan::explain_slow_kernel(context, "on the tensor cores",
                                  context.use_tf32() ? kernels::float_attention_refusal(geometry, tensors)
                                                     : "the provider option use_tf32 is off");
    const auto kernel = context.use_tf32() ? &kernels::float_attention : &kernels::plain_float_attention;
    check_cuda(kernel(geometry, tensors, context.stream()));
}

void FloatAttention::infer(const ort::InferenceContext& context) {
    const std::vector<ort::Dim> q = context.input(0), v = context.input(2);
    if (q.size() != kRank || v.size() != kRank) return;
    const ort::Dim heads = ort::Dim::of(context.attributes().extent("heads", 1));
    context.set_output(0, ort::ElementType::float32, {q[0], q[1], heads, v[3]});
}

}  // namespace qudnn::ops
