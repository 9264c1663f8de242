// Operators in sessions of a real onnxruntime over the fake CUDA runtime: on the CPU provider, all that comes
// before a launch is done as on a GPU, and nothing is computed. What that takes is the host's time of a node.
#include "c_api/qudnn.h"
#include "ort/binding.h"
#include "testing/fakes/cuda.h"
#include "testing/fakes/function_table.h"

extern "C" OrtStatus* RegisterCustomOps(OrtSessionOptions* options, const OrtApiBase* base);

namespace qudnn::testing {

namespace {

namespace slots = ort::slots;

// The functions of a runtime, some of them replaced: of a session on the CPU provider they know neither a
// stream nor a GPU.
class Runtime {
  public:
    static const OrtApiBase* over(const OrtApiBase* real, const OrtApi* api) {
        static const Runtime only(real, api);
        return &only.base_;
    }

  private:
    static constexpr size_t kCount = 415;  // up to GetTensorElementTypeAndShapeDataReference

    Runtime(const OrtApiBase* real, const OrtApi* api) {
        functions() = FunctionTable<kCount>(api);
        add() = slots::CustomOpDomain_Add::of(api);
        functions().set<slots::CustomOpDomain_Add>([](OrtCustomOpDomain* domain, const OrtCustomOp* op) {
            auto* const own = const_cast<OrtCustomOp*>(op);  // made by this library for this domain
            own->GetExecutionProviderType = [](const OrtCustomOp*) -> const char* { return nullptr; };
            own->GetInputMemoryType = [](const OrtCustomOp*, size_t) { return ort::kMemTypeDefault; };
            return add()(domain, op);
        });
        functions().set<slots::KernelContext_GetGPUComputeStream>(
            [](const OrtKernelContext*, void** stream) -> OrtStatus* { return *stream = nullptr, nullptr; });
        functions().set<slots::KernelContext_GetResource>(
            [](const OrtKernelContext*, int, int, void** resource) -> OrtStatus* {
                return *resource = nullptr, nullptr;  // GPU 0, no cuDNN
            });
        base_ = {[](uint32_t) { return functions().api(); }, real->GetVersionString};
    }

    static FunctionTable<kCount>& functions() {
        static FunctionTable<kCount> all;
        return all;
    }
    static slots::CustomOpDomain_Add::Pointer& add() {
        static slots::CustomOpDomain_Add::Pointer real = nullptr;
        return real;
    }

    OrtApiBase base_{};
};

}  // namespace

}  // namespace qudnn::testing

extern "C" QUDNN_C_API OrtStatus* qudnn_fakes_register(OrtSessionOptions* options, const OrtApiBase* base) {
    using namespace qudnn;
    const OrtApi* const api = base->GetApi(ort::kShapeReferenceVersion);
    if (api == nullptr) {
        return ort::slots::CreateStatus::of(base->GetApi(1))(
            ort::ErrorCode::fail, "qudnn: sessions without a GPU need onnxruntime 1.24 or newer");
    }
    testing::note_launches(testing::Notes::none);
    return RegisterCustomOps(options, testing::Runtime::over(base, api));
}
