#include "engines/native/native_conv.h"

#include "engines/native/native.h"
#include "kernels/conv/depthwise.h"
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
          elements_(conv.y_elements()) {}

    void execute(const plan::Launch& launch, const plan::Arguments& a, void*) const override {
        if (adds_ == plan::adds_in_float)
            return plan::check_cuda(kernels::conv_and_residual(geometry_, a.x_zero_point, a.x, a.w,
                                                               a.epilogue, a.residual,
                                                               static_cast<int8_t*>(a.y), launch.stream));
        plan::check_cuda(with_results(y_type_, a.y, [&](auto* y) {
            return kernels::conv(geometry_, a.x_zero_point, a.x, a.w, a.epilogue, y, launch.stream);
        }));
        if (adds_ == plan::adds_rounded)
            plan::check_cuda(
                kernels::add_residual(elements_, a.residual, static_cast<int8_t*>(a.y), launch.stream));
    }

  private:
    kernels::ConvGeometry geometry_;
    plan::DataType y_type_;
    plan::Addition adds_;
    int64_t elements_;
};

}  // namespace

// As kernels::conv asks.
bool NativeConv::has_kernel_for(const plan::Problem& problem, const plan::Arguments& a) const {
    const plan::ConvProblem& conv = std::get<plan::ConvProblem>(problem);
    return conv.y_type == plan::DataType::int8 && conv.adds != plan::adds_in_float &&
           !kernels::depthwise_variants(geometry(conv), a.x, a.epilogue, static_cast<const int8_t*>(a.y))
                .empty();
}

std::vector<plan::Candidate> NativeConv::candidates(const plan::Problem& problem, cudnnContext*) const {
    const plan::ConvProblem& conv = std::get<plan::ConvProblem>(problem);
    if (!conv.dense()) throw plan::Unsupported("strided input");
    return {{name(), 0, [conv] { return std::make_shared<NativeConvPlan>(conv); }}};
}

}  // namespace qudnn::engines
