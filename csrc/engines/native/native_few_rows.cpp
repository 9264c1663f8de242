#include "engines/native/native_few_rows.h"

#include <string>

#include "engines/native/native.h"
#include "kernels/gemm/few_rows.h"

namespace qudnn::engines {

namespace {

class NativeFewRowsPlan final : public plan::Plan {
  public:
    NativeFewRowsPlan(const std::string& name, const plan::MatMulProblem& problem)
        : Plan(name, 0), problem_(problem) {}

    void execute(const plan::Launch& launch, const plan::Arguments& a, void*) const override {
        plan::check_cuda(with_results(problem_.y_type, a.y, [&](auto* y) {
            return kernels::few_rows(problem_.m, problem_.k, problem_.c, a.x, a.w, a.epilogue, a.residual, y,
                                     launch.stream);
        }));
    }

  private:
    plan::MatMulProblem problem_;
};

}  // namespace

std::string NativeFewRows::refusal(const plan::Problem& problem) const {
    const auto matmul = plan::matmul_of(problem);
    if (!matmul) return "not the work of a matmul with weights";
    if (!matmul->dense()) return "strided input";
    return kernels::few_rows_refusal(matmul->m, matmul->c);
}

std::vector<plan::Candidate> NativeFewRows::candidates(const plan::Problem& problem, cudnnContext*) const {
    const plan::MatMulProblem matmul = plan::matmul_of(problem).value();
    require_aligned(matmul.alignment);
    const std::string plan = std::string(name()) + " columns=" + std::to_string(kernels::kFewRowsColumns);
    return {{plan, 0, [plan, matmul] { return std::make_shared<NativeFewRowsPlan>(plan, matmul); }}};
}

}  // namespace qudnn::engines
