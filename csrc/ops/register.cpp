// The table of ops, and the function through which ONNX Runtime asks for them.
#include <array>
#include <mutex>
#include <string>

#include "export.h"
#include "ops/add.h"
#include "ops/average_pool.h"
#include "ops/border.h"
#include "ops/conv.h"
#include "ops/depth_to_space.h"
#include "ops/matmul.h"
#include "ops/mul.h"
#include "ops/pool.h"
#include "ops/resize.h"
#include "ops/softmax.h"
#include "ops/table.h"
#include "ops/usable_device.h"

namespace qudnn::ops {

namespace {

std::array<const OrtCustomOp*, 15> all_ops() {
    return {
        definition<QuantizeToIsland>(),
        definition<ConvertToIsland>(),
        definition<DequantizeFromIsland>(),
        definition<ConvertFromIsland>(),
        definition<QConv>(),
        definition<QMatMul>(),
        definition<QAdd>(),
        definition<QMul>(),
        definition<QTable>(),
        definition<QMaxPool>(),
        definition<QAveragePool>(),
        definition<QGlobalAveragePool>(),
        definition<QResize>(),
        definition<QDepthToSpace>(),
        definition<QSoftmax>(),
    };
}

// The domain with every op; sessions share it, and it stays for the process's life.
OrtCustomOpDomain* domain() {
    static std::mutex mutex;
    static OrtCustomOpDomain* made = nullptr;
    const std::lock_guard lock(mutex);
    if (made == nullptr) {
        OrtCustomOpDomain* fresh = nullptr;
        ort::call<ort::slots::CreateCustomOpDomain>(kDomain, &fresh);
        for (const OrtCustomOp* op : all_ops()) ort::call<ort::slots::CustomOpDomain_Add>(fresh, op);
        made = fresh;
    }
    return made;
}

OrtStatus* refuse(const OrtApi* api, const std::string& why) {
    if (api == nullptr) return nullptr;  // no way to say it; models run on their functions
    return ort::slots::CreateStatus::of(api)(ort::ErrorCode::fail, ("qudnn: " + why).c_str());
}

OrtStatus* register_ops(OrtSessionOptions* options, const OrtApiBase* base) {
    const OrtApi* api = base->GetApi(ort::kApiVersion);
    if (api == nullptr) {
        const OrtApi* oldest = base->GetApi(1);  // has all that a message needs
        return refuse(oldest, std::string("needs onnxruntime ") + ort::kOldestRuntime +
                                  " or newer, this is " + base->GetVersionString());
    }
    if (!ort::bind(api)) return refuse(api, "another onnxruntime in this process already uses this library");
    // Without a GPU the functions in the model serve: a registered op would keep ORT from using them.
    if (!no_usable_device().empty()) return nullptr;
    return ort::guarded([&] { ort::call<ort::slots::AddCustomOpDomain>(options, domain()); },
                        [] { return std::string("qudnn"); });
}

}  // namespace

}  // namespace qudnn::ops

extern "C" QUDNN_API OrtStatus* RegisterCustomOps(OrtSessionOptions* options, const OrtApiBase* base) {
    return qudnn::ops::register_ops(options, base);
}
