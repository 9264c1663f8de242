#include "engines/native/native_pointwise.h"

#include <string>

#include "engines/native/native.h"
#include "kernels/gemm/pointwise.h"

namespace qudnn::engines {

namespace {

using kernels::PointwiseGeometry;

constexpr int64_t kFewest = 32, kMost = 1024;

class NativePointwisePlan final : public plan::Plan {
  public:
    NativePointwisePlan(const std::string& name, const PointwiseGeometry& geometry,
                        const kernels::PointwiseVariant& variant)
        : Plan(name, 0), geometry_(geometry), variant_(variant) {}

    void execute(const plan::Launch& launch, const plan::Arguments& a, void*) const override {
        plan::check_cuda(kernels::pointwise(geometry_, variant_, a.x, a.w, a.epilogue,
                                            static_cast<int8_t*>(a.y), launch.stream));
    }

  private:
    PointwiseGeometry geometry_;
    kernels::PointwiseVariant variant_;
};

// The geometry of a 1x1 convolution without padding, or of a problem that plan::as_matmul turns into a
// matmul; else the reason why there is none.
struct Found {
    PointwiseGeometry geometry{};
    std::string refusal = {};
};

Found refused(const char* why) { return {{}, why}; }

Found pointwise_of(const plan::Problem& problem) {
    if (std::visit([](const auto& p) { return p.y_type; }, problem) != plan::DataType::int8)
        return refused("results that are not int8");
    if (plan::adds_constant(problem)) return refused("a constant to add");
    if (const auto matmul = plan::matmul_of(problem)) {
        if (!matmul->dense()) return refused("strided input");
        if (matmul->zero_point_per_channel) return refused("zero points of channels");
        return {{.n = 1,
                 .h = 1,
                 .w = matmul->m,
                 .c = matmul->c,
                 .k = matmul->k,
                 .p = 1,
                 .q = matmul->m,
                 .stride_h = 1,
                 .stride_w = 1,
                 .looks_up = matmul->looks_up}};
    }
    const auto* conv = std::get_if<plan::ConvProblem>(&problem);
    if (conv == nullptr)
        return refused(std::holds_alternative<plan::BlockProblem>(problem) ? "a residual block"
                                                                           : "a matmul of computed tensors");
    if (conv->deep()) return refused("three dimensions");
    if (conv->r != 1 || conv->s != 1) return refused("a filter other than 1x1");
    if (conv->group != 1) return refused("groups");
    if (conv->padded()) return refused("padding");
    if (!conv->dense()) return refused("strided input");
    if (conv->adds) return refused("a residual");
    return {{.n = conv->n,
             .h = conv->h,
             .w = conv->w,
             .c = conv->c,
             .k = conv->k,
             .p = conv->p,
             .q = conv->q,
             .stride_h = conv->stride_h,
             .stride_w = conv->stride_w,
             .y_padding = conv->y_padding,
             .looks_up = conv->looks_up}};
}

}  // namespace

std::string NativePointwise::refusal(const plan::Problem& problem) const {
    const auto [geometry, refusal] = pointwise_of(problem);
    if (!refusal.empty()) return refusal;
    if (geometry.c < kFewest || geometry.c > kMost) return std::to_string(geometry.c) + " values to sum";
    return {};
}

std::vector<plan::Candidate> NativePointwise::candidates(const plan::Problem& problem, cudnnContext*) const {
    const PointwiseGeometry g = pointwise_of(problem).geometry;
    require_aligned(std::visit([](const auto& p) { return p.alignment; }, problem));
    require_none(kernels::pointwise_refusal(g));
    return variant_candidates(
        name(), kernels::pointwise_variants(g),
        [](const auto& v) {
            return "rows=" + std::to_string(v.rows) + " columns=" + std::to_string(v.columns);
        },
        [g](const std::string& label, const auto& variant) {
            return std::make_shared<NativePointwisePlan>(label, g, variant);
        });
}

}  // namespace qudnn::engines
