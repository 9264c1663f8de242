#include "engines/native/native_window.h"

#include <string>

#include "engines/native/native.h"
#include "kernels/window/window.h"

namespace qudnn::engines {

namespace {

constexpr size_t kMostCandidates = 40;  // with the fastest or one within 6 % of it

// What the kernel needs to know of a problem.
struct Window {
    kernels::ConvGeometry geometry;
    bool pads_with_value = false;
    bool adds = false;
    std::string refusal = {};  // why there is none
};

Window refused(const char* why) { return {.geometry = {}, .refusal = why}; }

class NativeWindowPlan final : public plan::Plan {
  public:
    NativeWindowPlan(const std::string& name, const Window& window, const kernels::WindowVariant& variant)
        : Plan(name, kernels::window_workspace(window.geometry, window.pads_with_value)),
          geometry_(window.geometry),
          variant_(variant) {}

    void execute(const plan::Launch& launch, const plan::Arguments& a, void* workspace) const override {
        plan::check_cuda(kernels::window_conv(geometry_, variant_, a.x_zero_point, a.x, a.w, a.epilogue,
                                              a.residual, static_cast<int8_t*>(a.y),
                                              workspace_size() > 0 ? workspace : nullptr, launch.stream));
    }

  private:
    kernels::ConvGeometry geometry_;
    kernels::WindowVariant variant_;
};

// A matmul is a convolution of an image with one line.
Window window_of(const plan::Problem& problem) {
    if (std::visit([](const auto& p) { return p.y_type; }, problem) != plan::DataType::int8)
        return refused("results that are not int8");
    if (const auto matmul = plan::matmul_of(problem)) {
        if (!matmul->dense()) return refused("strided input");
        if (matmul->zero_point_per_channel) return refused("zero points of channels");
        return Window{{.n = 1,
                       .h = 1,
                       .w = matmul->m,
                       .c = matmul->c,
                       .k = matmul->k,
                       .r = 1,
                       .s = 1,
                       .p = 1,
                       .q = matmul->m,
                       .pad_top = 0,
                       .pad_left = 0,
                       .stride_h = 1,
                       .stride_w = 1,
                       .dilation_h = 1,
                       .dilation_w = 1,
                       .group = 1}};
    }
    const auto* conv = std::get_if<plan::ConvProblem>(&problem);
    if (conv == nullptr) return refused("a matmul of computed tensors");
    if (conv->deep()) return refused("three dimensions");
    if (conv->group != 1) return refused("groups");
    if (!conv->dense()) return refused("strided input");
    return {geometry(*conv), conv->pads_with_value, conv->adds != plan::adds_nothing};
}

}  // namespace

std::string NativeWindow::refusal(const plan::Problem& problem) const {
    const Window window = window_of(problem);
    if (!window.refusal.empty()) return window.refusal;
    if (window.geometry.c % 16 != 0) return "channels not in sixteens";
    if (window.geometry.k % 32 != 0) return "output channels not in thirty-twos";
    return {};
}

std::vector<plan::Candidate> NativeWindow::candidates(const plan::Problem& problem, cudnnContext*) const {
    const Window window = window_of(problem);
    require_aligned(std::visit([](const auto& p) { return p.alignment; }, problem));
    require_none(kernels::window_refusal());
    std::vector<plan::Candidate> candidates;
    for (const kernels::WindowVariant& variant :
         kernels::window_variants(window.geometry, window.pads_with_value, window.adds)) {
        if (candidates.size() == kMostCandidates) break;
        plan::Candidate candidate;
        candidate.name = std::string(name()) + " " + variant.text();
        candidate.workspace_size = kernels::window_workspace(window.geometry, window.pads_with_value);
        candidate.build = [label = candidate.name, window, variant] {
            return std::make_shared<NativeWindowPlan>(label, window, variant);
        };
        candidates.push_back(std::move(candidate));
    }
    if (candidates.empty()) throw plan::Unsupported("windows too large for shared memory");
    return candidates;
}

}  // namespace qudnn::engines
