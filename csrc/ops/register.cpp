// The table of ops, and the function through which ONNX Runtime asks for them.
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "export.h"
#include "ops/add.h"
#include "ops/add_layer_normalization.h"
#include "ops/attention.h"
#include "ops/average_pool.h"
#include "ops/batch_matmul.h"
#include "ops/border.h"
#include "ops/conv.h"
#include "ops/conv3d.h"
#include "ops/depth_to_space.h"
#include "ops/dynamic.h"
#include "ops/dynamic_entry.h"
#include "ops/dynamic_normalization.h"
#include "ops/float_attention.h"
#include "ops/float_pair.h"
#include "ops/layer_normalization.h"
#include "ops/masked_softmax.h"
#include "ops/matmul.h"
#include "ops/mul.h"
#include "ops/normalize_to_island.h"
#include "ops/pool.h"
#include "ops/resize.h"
#include "ops/softmax.h"
#include "ops/table.h"
#include "ops/usable_device.h"
#include "ops/where.h"
#include "ort/session_options.h"
#include "plan/configuration.h"

namespace qudnn::ops {

namespace {

std::vector<const OrtCustomOp*> all_ops(const plan::Configuration& c) {
    return {
        definition<QuantizeToIsland>(c),
        definition<ConvertToIsland>(c),
        definition<DequantizeFromIsland>(c),
        definition<ConvertFromIsland>(c),
        definition<DynamicQuantizeToIsland>(c),
        definition<DynamicGeluToIsland>(c),
        definition<DynamicLayerNormalizationToIsland>(c),
        definition<DynamicAddLayerNormalizationToIsland>(c),
        definition<QConv>(c),
        definition<QConvToInt32>(c),
        definition<DynamicQConv>(c),
        definition<QConv3D>(c),
        definition<QMatMul>(c),
        definition<QProjections>(c),
        definition<QMatMulToFloat>(c),
        definition<DynamicQMatMul>(c),
        definition<QBatchMatMul>(c),
        definition<QBatchMatMulToFloat>(c),
        definition<QBatchMatMulToInt32>(c),
        definition<QAdd>(c),
        definition<QMul>(c),
        definition<QFloatAdd>(c),
        definition<QFloatMul>(c),
        definition<QTable>(c),
        definition<QMaxPool>(c),
        definition<QAveragePool>(c),
        definition<QGlobalAveragePool>(c),
        definition<QResize>(c),
        definition<QFloatResize>(c),
        definition<QDepthToSpace>(c),
        definition<QSoftmax>(c),
        definition<QLayerNormalization>(c),
        definition<QAddLayerNormalization>(c),
        definition<AddLayerNormalizationToIsland>(c),
        definition<LayerNormalizationToIsland>(c),
        definition<QMaskedSoftmax>(c),
        definition<QAttention>(c),
        definition<QMaskedAttention>(c),
        definition<Attention>(c),
        definition<MaskedAttention>(c),
        definition<QWhere>(c),
    };
}

// The domain with every op for one configuration, an interned one. Sessions of equal configurations share
// it, and it stays for the process's life.
OrtCustomOpDomain* domain(const plan::Configuration& configuration) {
    static std::mutex mutex;
    static std::map<const plan::Configuration*, OrtCustomOpDomain*> made;
    const std::lock_guard lock(mutex);
    OrtCustomOpDomain*& domain = made[&configuration];
    if (domain == nullptr) {
        OrtCustomOpDomain* fresh = nullptr;
        ort::call<ort::slots::CreateCustomOpDomain>(kDomain, &fresh);
        for (const OrtCustomOp* op : all_ops(configuration)) {
            ort::call<ort::slots::CustomOpDomain_Add>(fresh, op);
        }
        domain = fresh;
    }
    return domain;
}

const plan::Configuration& configuration_of(const OrtSessionOptions* options) {
    return plan::intern(plan::parse_configuration(ort::config_entry(options, "qudnn.tune"),
                                                  ort::config_entry(options, "qudnn.workspace_limit"),
                                                  ort::config_entry(options, "qudnn.cache_dir")));
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
    return ort::guarded(
        [&] {
            const plan::Configuration& configuration = configuration_of(options);
            // Without a GPU the functions in the model serve: a registered op would keep ORT from using them.
            if (!no_usable_device().empty()) return;
            ort::call<ort::slots::AddCustomOpDomain>(options, domain(configuration));
        },
        [] { return std::string("qudnn"); });
}

}  // namespace

}  // namespace qudnn::ops

extern "C" QUDNN_API OrtStatus* RegisterCustomOps(OrtSessionOptions* options, const OrtApiBase* base) {
    return qudnn::ops::register_ops(options, base);
}
