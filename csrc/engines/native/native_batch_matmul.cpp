#include "engines/native/native_batch_matmul.h"

#include <algorithm>
#include <optional>
#include <type_traits>

#include "engines/native/native.h"
#include "kernels/gemm/mma_matmul.h"

namespace qudnn::engines {

namespace {

using plan::BatchMatMulProblem;

kernels::BatchMatMulGeometry geometry(const BatchMatMulProblem& p) {
    kernels::BatchMatMulGeometry g{};
    std::copy(p.batch.begin(), p.batch.end(), g.batch);
    g.m = p.m, g.n = p.n, g.k = p.k, g.width = p.width;
    std::copy(p.a_stride.begin(), p.a_stride.end(), g.a_stride);
    std::copy(p.b_stride.begin(), p.b_stride.end(), g.b_stride);
    std::copy(p.y_stride.begin(), p.y_stride.end(), g.y_stride);
    g.b_transposed = p.b_transposed;
    return g;
}

// The matmul that the tensor core kernel computes. It adds no bias to int32 results.
std::optional<BatchMatMulProblem> batch_matmul_of(const plan::Problem& problem) {
    if (const auto* matmul = std::get_if<BatchMatMulProblem>(&problem)) return *matmul;
    const auto weighted = plan::matmul_of(problem);
    if (!weighted || weighted->y_type == plan::DataType::int32) return std::nullopt;
    BatchMatMulProblem matmul;
    matmul.m = weighted->m, matmul.n = matmul.width = weighted->k, matmul.k = weighted->c;
    matmul.b_transposed = true;
    matmul.a_stride[3] = weighted->x_stride;
    matmul.b_stride[3] = weighted->c;
    matmul.y_stride[3] = weighted->k;
    matmul.alignment = weighted->alignment;
    matmul.y_type = weighted->y_type;
    return matmul;
}

// x's zero point is folded into the bias of a matmul with weights.
bool has_zero_points(const plan::Problem& problem) {
    return std::holds_alternative<BatchMatMulProblem>(problem);
}

kernels::BatchMatMulEpilogue epilogue(const plan::Arguments& a, bool with_zero_points = true) {
    return {.a_zero_point = with_zero_points ? a.x_zero_point : 0,
            .b_zero_point = a.w_zero_point,
            .bias = {a.epilogue.bias, a.steps.bias},
            .multiplier = {a.epilogue.multiplier, a.steps.multiplier},
            .addend = {a.epilogue.addend, a.steps.addend},
            .found = a.found,
            .zero_point = a.epilogue.zero_point,
            .low = a.epilogue.low,
            .high = a.epilogue.high,
            .zero_points = a.epilogue.zero_points};
}

class BatchMatMulPlan final : public plan::Plan {
  public:
    explicit BatchMatMulPlan(const BatchMatMulProblem& problem)
        : Plan("native_batch_matmul", 0), geometry_(geometry(problem)), type_(problem.y_type) {}

    void execute(const plan::Launch& launch, const plan::Arguments& a, void*) const override {
        plan::check_cuda(with_results(type_, a.y, [&](auto* y) {
            return kernels::batch_matmul(geometry_, a.x, a.w, epilogue(a), y, launch.stream);
        }));
    }

  private:
    kernels::BatchMatMulGeometry geometry_;
    plan::DataType type_;
};

class MmaMatMulPlan final : public plan::Plan {
  public:
    MmaMatMulPlan(const std::string& name, const BatchMatMulProblem& matmul, bool with_zero_points,
                  const kernels::MmaMatMulVariant& variant)
        : Plan(name, 0),
          geometry_(geometry(matmul)),
          type_(matmul.y_type),
          with_zero_points_(with_zero_points),
          variant_(variant) {}

    void execute(const plan::Launch& launch, const plan::Arguments& a, void*) const override {
        plan::check_cuda(with_results(type_, a.y, [&](auto* y) {
            return kernels::mma_matmul(geometry_, variant_, a.x, a.w, epilogue(a, with_zero_points_), y,
                                       launch.stream);
        }));
    }

  private:
    kernels::BatchMatMulGeometry geometry_;
    plan::DataType type_;
    bool with_zero_points_;
    kernels::MmaMatMulVariant variant_;
};

std::vector<kernels::MmaMatMulVariant> variants(const BatchMatMulProblem& problem) {
    const kernels::BatchMatMulGeometry g = geometry(problem);
    const bool aligned = problem.alignment == plan::kFullAlignment;
    switch (problem.y_type) {
        case plan::DataType::int8:
            return kernels::mma_matmul_variants<int8_t>(g, aligned);
        case plan::DataType::int32:
            return kernels::mma_matmul_variants<int32_t>(g, aligned);
        case plan::DataType::float32:
            return kernels::mma_matmul_variants<float>(g, aligned);
    }
    return {};
}

}  // namespace

std::vector<plan::Candidate> NativeBatchMatMul::candidates(const plan::Problem& problem,
                                                           cudnnContext*) const {
    const BatchMatMulProblem matmul = std::get<BatchMatMulProblem>(problem);
    return {{name(), 0, [matmul] { return std::make_shared<BatchMatMulPlan>(matmul); }}};
}

std::string NativeMmaMatMul::refusal(const plan::Problem& problem) const {
    if (plan::looks_up(problem)) return "a table";
    if (plan::adds_constant(problem)) return "a constant to add";
    if (batch_matmul_of(problem)) return {};
    return plan::matmul_of(problem) ? "int32 results of a matmul with weights" : "not the work of a matmul";
}

std::vector<plan::Candidate> NativeMmaMatMul::candidates(const plan::Problem& problem, cudnnContext*) const {
    const BatchMatMulProblem matmul = batch_matmul_of(problem).value();
    require_none(kernels::mma_matmul_refusal(geometry(matmul)));
    return variant_candidates(
        name(), variants(matmul),
        [](const auto& v) {
            return "rows=" + std::to_string(v.rows) + " columns=" + std::to_string(v.columns);
        },
        [matmul, with_zero_points = has_zero_points(problem)](const std::string& label, const auto& variant) {
            return std::make_shared<MmaMatMulPlan>(label, matmul, with_zero_points, variant);
        });
}

}  // namespace qudnn::engines
