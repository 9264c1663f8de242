#include "engines/native/native_window.h"

#include <algorithm>
#include <string>

#include "engines/native/native.h"
#include "kernels/window/window.h"
#include "plan/common/memo.h"

namespace qudnn::engines {

namespace {

constexpr size_t kMostCandidates = 40;  // with the fastest or one within 6 % of it

// What the kernel needs to know of a problem.
struct Window {
    kernels::ConvGeometry geometry;
    kernels::WindowOptions options{};
    std::string refusal = {};  // why there is none
};

Window refused(const char* why) { return {.geometry = {}, .refusal = why}; }

// The table that padding with a value needs is made of constants alone, so it is made once for a node that
// can keep it; otherwise each run makes one in its workspace.
class NativeWindowPlan final : public plan::Plan {
  public:
    NativeWindowPlan(const std::string& name, const kernels::WindowConv& conv)
        : Plan(name, conv.table_bytes()), conv_(conv) {}

    size_t workspace_needed(const plan::Launch& launch, const plan::Arguments& a) const override {
        return workspace_size() > 0 && kept_table(launch, a) == nullptr ? workspace_size() : 0;
    }

    void execute(const plan::Launch& launch, const plan::Arguments& a, void* workspace) const override {
        const int32_t* table = nullptr;
        bool is_old = false;
        if (workspace_size() > 0) {
            table = kept_table(launch, a);
            if (table == nullptr) table = made_to_keep(launch, a);
            is_old = table != nullptr;
            if (!is_old) {
                table = static_cast<int32_t*>(workspace);
                write_table(launch, a, workspace);
            }
        }
        plan::check_cuda(conv_.run(a.x, a.w, a.epilogue, a.residual, static_cast<int8_t*>(a.y), table, is_old,
                                   launch.memo != nullptr ? &launch.memo->maps : nullptr, launch.stream));
    }

  private:
    const int32_t* kept_table(const plan::Launch& launch, const plan::Arguments& a) const {
        if (launch.memo == nullptr) return nullptr;
        return static_cast<const int32_t*>(launch.memo->find_table(key(a)));
    }

    // Null where the node cannot keep it, or not now.
    const int32_t* made_to_keep(const plan::Launch& launch, const plan::Arguments& a) const {
        plan::Memo* const memo = launch.memo;
        if (memo == nullptr || !memo->is_constant(a.w) || !memo->is_constant(a.epilogue.bias)) return nullptr;
        const auto make = [&](void* table) { write_table(launch, a, table); };
        return static_cast<const int32_t*>(memo->table(key(a), workspace_size(), launch.stream, make));
    }

    void write_table(const plan::Launch& launch, const plan::Arguments& a, void* table) const {
        plan::check_cuda(conv_.make_table(a.x_zero_point, a.w, a.epilogue.bias, static_cast<int32_t*>(table),
                                          launch.stream));
    }

    plan::Memo::TableKey key(const plan::Arguments& a) const {
        plan::Memo::TableKey key{};
        const auto of_geometry = conv_.table_key();
        const auto rest = std::copy(of_geometry.begin(), of_geometry.end(), key.begin());
        rest[0] = a.x_zero_point;
        rest[1] = reinterpret_cast<intptr_t>(a.w), rest[2] = reinterpret_cast<intptr_t>(a.epilogue.bias);
        return key;
    }

    kernels::WindowConv conv_;
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
                       .group = 1},
                      {.adds_constant = matmul->adds_constant, .looks_up = matmul->looks_up}};
    }
    const auto* conv = std::get_if<plan::ConvProblem>(&problem);
    if (conv == nullptr)
        return refused(std::holds_alternative<plan::BlockProblem>(problem) ? "a residual block"
                                                                           : "a matmul of computed tensors");
    if (conv->deep()) return refused("three dimensions");
    if (conv->group != 1) return refused("groups");
    if (!conv->dense()) return refused("strided input");
    return {geometry(*conv),
            {.pads_with_value = conv->pads_with_value,
             .adds = conv->adds != plan::adds_nothing,
             .looks_up = conv->looks_up}};
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
    for (const kernels::WindowVariant& variant : kernels::window_variants(window.geometry, window.options)) {
        if (candidates.size() == kMostCandidates) break;
        plan::Candidate candidate;
        candidate.name = std::string(name()) + " " + variant.text();
        const kernels::WindowConv conv(window.geometry, variant, window.options);
        candidate.workspace_size = conv.table_bytes();
        candidate.build = [label = candidate.name, conv] {
            return std::make_shared<NativeWindowPlan>(label, conv);
        };
        candidates.push_back(std::move(candidate));
    }
    if (candidates.empty()) throw plan::Unsupported("windows too large for shared memory");
    return candidates;
}

}  // namespace qudnn::engines
