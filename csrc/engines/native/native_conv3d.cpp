#include "engines/native/native_conv3d.h"

#include "kernels/conv/conv3d.h"
#include "plan/cuda_error.h"

namespace qudnn::engines {

namespace {

kernels::Conv3dGeometry geometry(const plan::Conv3dProblem& c) {
    return {.n = c.n,
            .d = c.d,
            .h = c.h,
            .w = c.w,
            .c = c.c,
            .k = c.k,
            .t = c.t,
            .r = c.r,
            .s = c.s,
            .z = c.z,
            .p = c.p,
            .q = c.q,
            .pad_front = c.pad_front,
            .pad_top = c.pad_top,
            .pad_left = c.pad_left,
            .stride_d = c.stride_d,
            .stride_h = c.stride_h,
            .stride_w = c.stride_w,
            .dilation_d = c.dilation_d,
            .dilation_h = c.dilation_h,
            .dilation_w = c.dilation_w,
            .group = c.group};
}

class NativeConv3dPlan final : public plan::Plan {
  public:
    explicit NativeConv3dPlan(const plan::Conv3dProblem& conv)
        : Plan("native_conv3d", 0), geometry_(geometry(conv)) {}

    void execute(const plan::Launch& launch, const plan::Arguments& a, void*) const override {
        plan::check_cuda(kernels::conv3d(geometry_, a.x_zero_point, a.x, a.w, a.epilogue,
                                         static_cast<int8_t*>(a.y), launch.stream));
    }

  private:
    kernels::Conv3dGeometry geometry_;
};

}  // namespace

std::vector<plan::Candidate> NativeConv3d::candidates(const plan::Problem& problem, cudnnContext*) const {
    const auto conv = std::get<plan::Conv3dProblem>(problem);
    return {{name(), 0, [conv] { return std::make_shared<NativeConv3dPlan>(conv); }}};
}

}  // namespace qudnn::engines
