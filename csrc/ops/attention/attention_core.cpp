#include "ops/attention/attention_core.h"

#include "kernels/elementwise/table.h"
#include "ops/shared/requantize.h"
#include "plan/tuning/explanation.h"

namespace qudnn::ops {

namespace {

constexpr size_t kRank = 4;
constexpr const char* kFused = "in one kernel with the scores in shared memory";

int64_t round_up(int64_t value, int64_t to) { return (value + to - 1) / to * to; }

// Enqueues a matmul whose columns share their parameters.
void run_matmul(const PlacedMatMul& matmul, const kernels::AttentionMatMul& p, const int8_t* a,
                const int8_t* b, const kernels::MatMulScalars* scalars, int8_t* y, const Context& context) {
    run_aligned(
        matmul.problem,
        {.x = a + matmul.a_offset,
         .w = b + matmul.b_offset,
         .y = y,
         .epilogue = {.bias = &scalars->bias, .multiplier = &scalars->multiplier, .zero_point = p.zero_point},
         .x_zero_point = p.a_zero_point,
         .w_zero_point = {&scalars->b_zero_point, 0},
         .steps = {.bias = 0, .multiplier = 0, .addend = 0}},
        context);
}

}  // namespace

AttentionCore::AttentionCore(const ort::Attributes& attributes)
    : score_layout(OperandSlice::read("q", attributes), OperandSlice::read("k", attributes),
                   OperandSlice::whole(kRank).perm),
      result_layout(OperandSlice::whole(kRank), OperandSlice::read("v", attributes),
                    attributes.integers("y_perm")),
      scores{attributes.integer("q_zero_point", -128, 127), attributes.integer("k_zero_point", -128, 127),
             attributes.real("score_multiplier"), attributes.integer("score_zero_point", -128, 127)},
      result{attributes.integer("weight_zero_point", -128, 127),
             attributes.integer("v_zero_point", -128, 127), attributes.real("y_multiplier"),
             attributes.integer("y_zero_point", -128, 127)} {
    for (const auto* perm : {&score_layout.a.perm, &score_layout.b.perm, &result_layout.b.perm}) {
        require(perm->size() == kRank, "q, k and v need four dimensions");
    }
    result_layout.read_padding(attributes);
}

cudaError_t AttentionCore::run_fused(const Context& context, const PlacedMatMul& first,
                                     const PlacedMatMul& second, kernels::AttentionTensors tensors,
                                     const AttentionSoftmax& softmax) {
    const auto decline = [&](const std::string& refusal) {
        plan::explain_slow_kernel(context, kFused, refusal);
        return cudaErrorNotSupported;
    };
    const plan::BatchMatMulProblem &s = first.problem, &r = second.problem;
    if (!s.b_transposed) return decline("keys whose values are not next to each other");
    if (r.b_transposed) return decline("rows of v whose values are not next to each other");
    if (s.batch != r.batch) return decline("a v for other heads than q");
    kernels::AttentionGeometry g{};
    g.m = s.m, g.n = s.n, g.k = s.k, g.columns = r.n, g.width = r.width;
    std::copy(s.batch.begin(), s.batch.end(), g.batch);
    std::copy(s.a_stride.begin(), s.a_stride.end(), g.q_stride);
    std::copy(s.b_stride.begin(), s.b_stride.end(), g.k_stride);
    std::copy(r.b_stride.begin(), r.b_stride.end(), g.v_stride);
    std::copy(r.y_stride.begin(), r.y_stride.end(), g.y_stride);
    tensors.q += first.a_offset, tensors.k += first.b_offset, tensors.v += second.b_offset;
    const cudaError_t status = softmax.fused(g, first.y, tensors);
    return status == cudaErrorNotSupported ? decline(softmax.refusal(g, first.y, tensors)) : status;
}

void AttentionCore::run_apart(Context& context, const ort::Shape& q, const ort::Shape& k, const ort::Shape& v,
                              const kernels::AttentionTensors& tensors,
                              const AttentionSoftmax& softmax) const {
    // Rows of scores at multiples of 16, for which matmuls and softmaxes are fast.
    const int64_t n = score_layout.place(q, k).problem.n;
    BatchMatMulLayout padded = score_layout, reading = result_layout;
    padded.padding = round_up(n, 16) - n;
    reading.a.ends.back() = n;
    const PlacedMatMul first = padded.place(q, k), second = reading.place(first.y, v);

    constexpr int64_t kAlignment = 256;
    const int64_t size = round_up(first.y.count(), kAlignment);
    const auto workspace =
        context.workspace(static_cast<size_t>(2 * size) + 2 * sizeof(kernels::MatMulScalars));
    auto* const raw = static_cast<int8_t*>(workspace->data());
    int8_t* const weights = raw + size;
    auto* const scalars = reinterpret_cast<kernels::MatMulScalars*>(weights + size);
    check_cuda(kernels::store_scalars(scores, result, scalars, context.stream()));
    run_matmul(first, scores, tensors.q, tensors.k, scalars, raw, context);
    check_cuda(kernels::table(first.y.count(), tensors.table, raw, raw, context.stream()));
    check_cuda(softmax.rows(first.y, n, raw, weights));
    run_matmul(second, result, weights, tensors.v, scalars + 1, tensors.y, context);
}

void AttentionCore::compute(Context& context, const ort::Tensor& table,
                            const AttentionSoftmax& softmax) const {
    const ort::Tensor q = context.input(0), k = context.input(1), v = context.input(2);
    require(table.shape == ort::Shape{256}, "table has to be of shape [256]");
    const PlacedMatMul first = score_layout.place(q.shape, k.shape, false);
    const PlacedMatMul second = result_layout.place(first.y, v.shape, false);
    const ort::Tensor y = context.output(0, second.y);
    if (y.shape.count() == 0) return;
    const kernels::AttentionTensors tensors{q.as<const int8_t>(), k.as<const int8_t>(), v.as<const int8_t>(),
                                            table.as<const int8_t>(), y.as<int8_t>()};
    const cudaError_t status = run_fused(context, first, second, tensors, softmax);
    if (status == cudaErrorNotSupported)
        return run_apart(context, q.shape, k.shape, v.shape, tensors, softmax);
    check_cuda(status);
}

void AttentionCore::infer(const ort::InferenceContext& context) {
    const AttentionCore core(context.attributes());
    const std::vector<ort::Dim> scores = core.score_layout.infer(context.input(0), context.input(1));
    if (scores.empty()) return;
    const std::vector<ort::Dim> y = core.result_layout.infer(scores, context.input(2));
    if (!y.empty()) context.set_output(0, ort::ElementType::int8, y);
}

}  // namespace qudnn::ops
