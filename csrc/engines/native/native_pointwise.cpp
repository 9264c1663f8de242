#include "engines/native/native_pointwise.h"

#include <optional>

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

// A convolution of 1x1 whose filter never sees padding, or what plan::as_matmul makes a matmul of; with int8
// results.
std::optional<PointwiseGeometry> pointwise_of(const plan::Problem& problem) {
    if (std::visit([](const auto& p) { return p.y_type; }, problem) != plan::DataType::int8)
        return std::nullopt;
    if (const auto matmul = plan::matmul_of(problem)) {
        if (!matmul->dense() || matmul->zero_point_per_channel) return std::nullopt;
        return PointwiseGeometry{.n = 1,
                                 .h = 1,
                                 .w = matmul->m,
                                 .c = matmul->c,
                                 .k = matmul->k,
                                 .p = 1,
                                 .q = matmul->m,
                                 .stride_h = 1,
                                 .stride_w = 1};
    }
    const auto* conv = std::get_if<plan::ConvProblem>(&problem);
    if (conv == nullptr || conv->deep() || conv->r != 1 || conv->s != 1 || conv->group != 1 ||
        conv->padded() || !conv->dense() || conv->adds)
        return std::nullopt;
    return PointwiseGeometry{.n = conv->n,
                             .h = conv->h,
                             .w = conv->w,
                             .c = conv->c,
                             .k = conv->k,
                             .p = conv->p,
                             .q = conv->q,
                             .stride_h = conv->stride_h,
                             .stride_w = conv->stride_w,
                             .y_padding = conv->y_padding};
}

}  // namespace

bool NativePointwise::takes(const plan::Problem& problem) const {
    const auto geometry = pointwise_of(problem);
    return geometry && geometry->c >= kFewest && geometry->c <= kMost;
}

std::vector<plan::Candidate> NativePointwise::candidates(const plan::Problem& problem, cudnnContext*) const {
    const PointwiseGeometry geometry = pointwise_of(problem).value();
    if (std::visit([](const auto& p) { return p.alignment; }, problem) < plan::kFullAlignment)
        throw plan::Unsupported("unaligned pointers");
    std::vector<plan::Candidate> candidates;
    for (const kernels::PointwiseVariant& variant : kernels::pointwise_variants(geometry)) {
        plan::Candidate candidate;
        candidate.name = std::string(name()) + " rows=" + std::to_string(variant.rows) +
                         " columns=" + std::to_string(variant.columns);
        candidate.build = [label = candidate.name, geometry, variant] {
            return std::make_shared<NativePointwisePlan>(label, geometry, variant);
        };
        candidates.push_back(std::move(candidate));
    }
    if (candidates.empty()) throw plan::Unsupported("channels not in sixteens, or a GPU too old");
    return candidates;
}

}  // namespace qudnn::engines
