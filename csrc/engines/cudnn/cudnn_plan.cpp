#include "engines/cudnn/cudnn_plan.h"

#include <cuda_runtime_api.h>

#include <array>
#include <unordered_map>

#include "engines/cudnn/cudnn_library.h"
#include "kernels/common/rounding.h"

namespace qudnn::engines {

namespace {

using kernels::kRoundingShift;

// With any zero point it is -128 or less.
constexpr float kLowest = -255.0f;

// The first line of cuDNN's message.
std::string brief(const std::string& message) { return message.substr(0, message.find('\n')).substr(0, 300); }

void check_call(cudnnStatus_t status, const char* call) {
    if (status == CUDNN_STATUS_SUCCESS) return;
    throw std::runtime_error(std::string(call) + ": " + fe::detail::get_error_string(status) + ", " +
                             brief(fe::detail::get_last_error_string_()));
}

// The tensors of one run. Scalars are passed by value: cuDNN reads them when the run is enqueued.
class VariantPack {
  public:
    VariantPack(const GraphEpilogue& epilogue, const plan::Arguments& a) {
        const kernels::Epilogue& e = a.epilogue;
        add(kX, a.x), add(kW, a.w), add(kY, a.y), add(kBias, e.bias);
        if (epilogue.y_type == plan::DataType::int32) return;
        add(kMultiplier, e.multiplier);
        if (epilogue.y_type == plan::DataType::float32) {
            add(kAddend, e.addend);
            add_scalar(kNothing, -0.0f);
            return;
        }
        if (epilogue.zero_point_per_channel) {
            add(kAddend, e.zero_points);
            add_scalar(kLow, kLowest);
            add_scalar(kRound, kRoundingShift);
            add_scalar(kUnround, kRoundingShift);
            return;
        }
        const auto zero_point = static_cast<float>(e.zero_point);
        add_scalar(kLow, static_cast<float>(e.low) - zero_point);
        if (epilogue.clamps_above) add_scalar(kHigh, static_cast<float>(e.high) - zero_point);
        add_scalar(kRound, kRoundingShift);
        add_scalar(kUnround, kRoundingShift - zero_point);
    }
    VariantPack(const VariantPack&) = delete;

    int64_t size() const { return static_cast<int64_t>(size_); }
    const int64_t* uids() const { return uids_.data(); }
    const void* const* pointers() const { return pointers_.data(); }

  private:
    void add(Uid uid, const void* pointer) {
        uids_[size_] = uid;
        pointers_[size_++] = pointer;
    }
    void add_scalar(Uid uid, float value) {
        scalars_[size_] = value;
        add(uid, &scalars_[size_]);
    }

    static constexpr size_t kMost = 9;
    std::array<int64_t, kMost> uids_{};
    std::array<const void*, kMost> pointers_{};
    std::array<float, kMost> scalars_{};
    size_t size_ = 0;
};

class CudnnPlan final : public plan::Plan {
  public:
    CudnnPlan(const std::string& name, std::shared_ptr<fe::ExecutionPlan> plan, const GraphEpilogue& epilogue)
        : Plan(name, static_cast<size_t>(plan->getWorkspaceSize())),
          plan_(std::move(plan)),
          epilogue_(epilogue) {}

    void execute(const plan::Launch& launch, const plan::Arguments& a, void* workspace) const override {
        const VariantPack tensors(epilogue_, a);
        fe::detail::backend_descriptor pack(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
        check_call(pack.get_status(), "create variant pack");
        using fe::detail::set_attribute;
        check_call(set_attribute(pack.get_ptr(), CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64,
                                 tensors.size(), tensors.uids()),
                   "set tensor ids");
        check_call(set_attribute(pack.get_ptr(), CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR,
                                 tensors.size(), tensors.pointers()),
                   "set pointers");
        check_call(set_attribute(pack.get_ptr(), CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1,
                                 &workspace),
                   "set workspace");
        check_call(fe::detail::finalize(pack.get_ptr()), "finalize variant pack");
        check_call(fe::detail::execute(launch.cudnn, plan_->get_raw_desc(), pack.get_ptr()), "execute");
    }

    std::string serialize() const override { return plan_->getJsonRepresentation(); }

  private:
    std::shared_ptr<fe::ExecutionPlan> plan_;
    GraphEpilogue epilogue_;
};

}  // namespace

void check(fe::error_t error) {
    if (error.is_bad()) throw plan::Unsupported(brief(error.get_message()));
}

cudnnContext* handle_of_this_thread() {
    thread_local std::unordered_map<int, cudnnHandle_t> handles;
    int device = 0;
    if (cudaGetDevice(&device) != cudaSuccess) throw std::runtime_error("no current GPU");
    cudnnHandle_t& handle = handles[device];
    if (handle == nullptr) check_call(fe::detail::create_handle(&handle), "create a handle");
    return handle;
}

std::shared_ptr<const plan::Plan> make_plan(const std::string& name, std::shared_ptr<fe::ExecutionPlan> built,
                                            const GraphEpilogue& epilogue) {
    return std::make_shared<CudnnPlan>(name, std::move(built), epilogue);
}

std::shared_ptr<const plan::Plan> graph_plan(const std::string& name, const std::string& serialized,
                                             cudnnHandle_t handle, const GraphEpilogue& epilogue) {
    std::shared_ptr<fe::ExecutionPlan> built;
    check(fe::detail::create_cudnn_execution_plan(built, serialized, handle));
    return make_plan(name, std::move(built), epilogue);
}

void require_cudnn(cudnnContext* cudnn, int64_t alignment) {
    if (!cudnn_problem().empty()) throw plan::Unsupported(cudnn_problem());
    if (cudnn == nullptr) throw plan::Unsupported("the session has no cuDNN handle");
    if (alignment < plan::kFullAlignment) {
        throw plan::Unsupported("a pointer is aligned to " + std::to_string(alignment) + " bytes only");
    }
}

}  // namespace qudnn::engines
