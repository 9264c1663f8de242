#include "engines/native/native_matmul.h"

#include "engines/native/native.h"
#include "kernels/gemm/matmul.h"

namespace qudnn::engines {

namespace {

class NativeMatMulPlan final : public plan::Plan {
  public:
    explicit NativeMatMulPlan(const plan::MatMulProblem& problem)
        : Plan("native_matmul", 0), problem_(problem) {}

    void execute(const plan::Launch& launch, const plan::Arguments& a, void*) const override {
        if (problem_.adds_constant)
            return plan::check_cuda(kernels::matmul_and_constant(problem_.m, problem_.k, problem_.c, a.x, a.w,
                                                                 a.epilogue, a.residual,
                                                                 static_cast<int8_t*>(a.y), launch.stream));
        plan::check_cuda(with_results(problem_.y_type, a.y, [&](auto* y) {
            return kernels::matmul(problem_.m, problem_.k, problem_.c, a.x, a.w, a.epilogue, y,
                                   launch.stream);
        }));
    }

  private:
    plan::MatMulProblem problem_;
};

}  // namespace

std::vector<plan::Candidate> NativeMatMul::candidates(const plan::Problem& problem, cudnnContext*) const {
    const plan::MatMulProblem& matmul = std::get<plan::MatMulProblem>(problem);
    if (!matmul.dense()) throw plan::Unsupported("strided input");
    return {{name(), 0, [matmul] { return std::make_shared<NativeMatMulPlan>(matmul); }}};
}

}  // namespace qudnn::engines
