#include "engines/native_conv.h"

#include "engines/native.h"

namespace qudnn::engines {

namespace {

class NativeConvPlan final : public plan::Plan {
  public:
    explicit NativeConvPlan(const plan::ConvProblem& conv)
        : Plan("native_conv", 0), geometry_(geometry(conv)) {}

    void execute(const plan::Launch& launch, const plan::Arguments& a, void*) const override {
        plan::check_cuda(kernels::conv(geometry_, a.x_zero_point, a.x, a.w, a.epilogue, a.y, launch.stream));
    }

  private:
    kernels::ConvGeometry geometry_;
};

}  // namespace

std::vector<plan::Candidate> NativeConv::candidates(const plan::Problem& problem, cudnnContext*) const {
    const plan::ConvProblem& conv = std::get<plan::ConvProblem>(problem);
    if (!conv.dense()) throw plan::Unsupported("strided input");
    return {{name(), 0, [conv] { return std::make_shared<NativeConvPlan>(conv); }}};
}

}  // namespace qudnn::engines
