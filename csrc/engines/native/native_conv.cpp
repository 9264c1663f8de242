#include "engines/native/native_conv.h"

#include "engines/native/native.h"
#include "kernels/elementwise/add.h"

namespace qudnn::engines {

namespace {

class NativeConvPlan final : public plan::Plan {
  public:
    explicit NativeConvPlan(const plan::ConvProblem& conv)
        : Plan("native_conv", 0),
          geometry_(geometry(conv)),
          y_type_(conv.y_type),
          adds_(conv.adds),
          elements_(conv.y_elements()),
          k_(conv.k) {}

    void execute(const plan::Launch& launch, const plan::Arguments& a, void*) const override {
        if (adds_ == plan::adds_in_float)
            return plan::check_cuda(kernels::conv_and_residual(geometry_, a.x_zero_point, a.x, a.w,
                                                               a.epilogue, a.residual,
                                                               static_cast<int8_t*>(a.y), launch.stream));
        plan::check_cuda(with_results(y_type_, a.y, [&](auto* y) {
            return kernels::conv(geometry_, a.x_zero_point, a.x, a.w, a.epilogue, y, launch.stream);
        }));
        if (adds_ == plan::adds_rounded)
            plan::check_cuda(kernels::add_residual(elements_, k_, a.residual, nullptr,
                                                   static_cast<int8_t*>(a.y), launch.stream));
    }

  private:
    kernels::ConvGeometry geometry_;
    plan::DataType y_type_;
    plan::Addition adds_;
    int64_t elements_, k_;
};

}  // namespace

std::vector<plan::Candidate> NativeConv::candidates(const plan::Problem& problem, cudnnContext*) const {
    const plan::ConvProblem& conv = std::get<plan::ConvProblem>(problem);
    if (!conv.dense()) throw plan::Unsupported("strided input");
    return {{name(), 0, [conv] { return std::make_shared<NativeConvPlan>(conv); }}};
}

}  // namespace qudnn::engines
