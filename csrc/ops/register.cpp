// The table of ops, and the function through which ONNX Runtime asks for them.
#include "ops/register.h"

#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include "export.h"
#include "ops/attention/attention.h"
#include "ops/attention/float_attention.h"
#include "ops/border/arg_max.h"
#include "ops/border/border.h"
#include "ops/border/dynamic_entry.h"
#include "ops/border/float_entry.h"
#include "ops/border/steps.h"
#include "ops/border/table_exit.h"
#include "ops/conv/bottleneck.h"
#include "ops/conv/conv.h"
#include "ops/conv/conv_max_pool.h"
#include "ops/conv/float_conv.h"
#include "ops/elementwise/add.h"
#include "ops/elementwise/channel_table_add.h"
#include "ops/elementwise/float_binary.h"
#include "ops/elementwise/mul.h"
#include "ops/elementwise/table.h"
#include "ops/elementwise/table_binary.h"
#include "ops/elementwise/where.h"
#include "ops/gemm/batch_matmul.h"
#include "ops/gemm/dynamic.h"
#include "ops/gemm/dynamic_batch_matmul.h"
#include "ops/gemm/float_pointwise.h"
#include "ops/gemm/matmul.h"
#include "ops/image/average_pool.h"
#include "ops/image/depth_to_space.h"
#include "ops/image/float_pool.h"
#include "ops/image/pool.h"
#include "ops/image/pool3d.h"
#include "ops/image/resize.h"
#include "ops/image/squeeze_excitation.h"
#include "ops/image/table_pool.h"
#include "ops/norm/add_layer_normalization.h"
#include "ops/norm/dynamic_normalization.h"
#include "ops/norm/group_normalization.h"
#include "ops/norm/layer_normalization.h"
#include "ops/norm/normalize_to_island.h"
#include "ops/recurrent/lstm.h"
#include "ops/shared/configured.h"
#include "ops/shared/usable_device.h"
#include "ops/softmax/masked_softmax.h"
#include "ops/softmax/softmax.h"
#include "ops/softmax/softmax_to_island.h"
#include "ort/binding.h"
#include "plan/common/configuration.h"

namespace qudnn::ops {

namespace {

template <class... Kernels>
struct List {};

using Ops =
    List<QuantizeToIsland, QuantizeHalfToIsland, ConvertToIsland, DequantizeFromIsland, ConvertFromIsland,
         ArgMaxFromIsland, DynamicQuantizeToIsland, DynamicGeluToIsland, DynamicLayerNormalizationToIsland,
         DynamicAddLayerNormalizationToIsland, QConv, QConvAdd, QConvTable, QConvMaxPool, ConvMaxPoolToIsland,
         QConvToInt32, QConvToFloat, QConvFloatAdd, DynamicQConv, QConv3D, QMatMul, QMatMulTable, QMatMulAdd,
         QMatMulAddTable, QProjections, QMatMulToFloat, DynamicQMatMul, DynamicQBatchMatMul, DynamicQLSTM,
         QBatchMatMul, QBatchMatMulToFloat, QBatchMatMulToInt32, QAdd, QMul, QFloatAdd, QFloatMul, QTable,
         QChannelTableAdd, QTableAdd, QTableMul, QTableDiv, QMaxPool, QAveragePool, QGlobalAveragePool,
         QMaxPool3D, QAveragePool3D, QSqueezeExcitation, QResize, QFloatResize, QResizeTo, QFloatResizeTo,
         QDepthToSpace, QSoftmax, QLayerNormalization, QLayerNormalizationToFloat,
         QLayerNormalizationGlobalAveragePool, QGroupNormalization, QAddLayerNormalization,
         QFloatAddLayerNormalization, AddLayerNormalizationToIsland, AddRMSNormalizationToIsland,
         LayerNormalizationToIsland, QMaskedSoftmax, QAttention, QMaskedAttention, Attention, MaskedAttention,
         QWhere, StepsToIsland, QTableGlobalAveragePool, QTableGlobalAveragePoolToFloat,
         FloatGlobalAveragePool, FloatMaxPool, FloatAveragePool, FloatPointwise, AddToIsland, MulToIsland,
         SoftmaxToIsland, TableFromIsland, QBottleneck, QBottleneckAdd, QBottleneckFloatAdd>;

template <class... Kernels>
std::vector<const OrtCustomOp*> definitions(List<Kernels...>, const plan::Configuration& configuration) {
    return {definition<Kernels>(configuration)...};
}

template <class... Kernels>
const OrtCustomOp* find(List<Kernels...>, const std::string& op, const plan::Configuration& configuration) {
    const OrtCustomOp* found = nullptr;
    ((op == Kernels::kSignature.name && (found = definition<Kernels>(configuration))) || ...);
    if (found == nullptr) throw std::invalid_argument("no op is called " + op);
    return found;
}

template <class... Kernels>
void read(List<Kernels...>, const std::string& op, const ort::Attributes& attributes) {
    const bool known = ((op == Kernels::kSignature.name && (Kernels(attributes), true)) || ...);
    if (!known) throw std::invalid_argument("no op is called " + op);
}

// The op of sessions of any configuration: makes kernels as the op for their session's configuration does.
template <class Kernel>
const OrtCustomOp* definition_for_any() {
    static const plan::Configuration none;
    auto* const op = new Definition<Kernel>(none);  // never destroyed, as those for one configuration
    op->CreateKernelV2 = [](const OrtCustomOp*, const OrtApi* api, const OrtKernelInfo* info, void** kernel) {
        OrtStatus* status = nullptr;
        OrtStatus* const failure = ort::guarded(
            [&] {
                const Definition<Kernel> of_session(configuration_of(info));
                status = of_session.CreateKernelV2(&of_session, api, info, kernel);
            },
            [&] { return describe(Kernel::kSignature, "", nullptr); });
        return failure != nullptr ? failure : status;
    };
    return op;
}

template <class... Kernels>
std::vector<const OrtCustomOp*> definitions_for_any(List<Kernels...>) {
    return {definition_for_any<Kernels>()...};
}

OrtCustomOpDomain* make_domain(const std::vector<const OrtCustomOp*>& ops) {
    OrtCustomOpDomain* domain = nullptr;
    ort::call<ort::slots::CreateCustomOpDomain>(kDomain, &domain);
    for (const OrtCustomOp* op : ops) ort::call<ort::slots::CustomOpDomain_Add>(domain, op);
    return domain;
}

// The domain with every op for one interned configuration. Sessions with equal configurations share it, and
// it lives as long as the process.
OrtCustomOpDomain* domain(const plan::Configuration& configuration) {
    static std::mutex mutex;
    static auto& made = *new std::map<const plan::Configuration*, OrtCustomOpDomain*>;  // never destroyed
    const std::lock_guard lock(mutex);
    OrtCustomOpDomain*& domain = made[&configuration];
    if (domain == nullptr) domain = make_domain(definitions(Ops(), configuration));
    return domain;
}

OrtStatus* register_ops(OrtSessionOptions* options, const OrtApiBase* base) {
    OrtStatus* status = nullptr;
    if (!ort::bind(base, ort::kApiVersion, ort::kOldestRuntime, &status)) return status;
    return ort::guarded(
        [&] {
            const plan::Configuration& configuration = configuration_of(options);
            // Without a GPU onnxruntime runs the function bodies; a registered op would prevent that.
            if (!no_usable_device().empty()) return;
            ort::call<ort::slots::AddCustomOpDomain>(options, domain(configuration));
        },
        [] { return std::string("qudnn"); });
}

}  // namespace

OrtCustomOpDomain* domain_for_any_session() {
    static OrtCustomOpDomain* const domain = make_domain(definitions_for_any(Ops()));
    return domain;
}

void read_attributes(const std::string& op, const ort::Attributes& attributes) {
    read(Ops(), op, attributes);
}

const OrtCustomOp* find_op(const std::string& op, const plan::Configuration& configuration) {
    return find(Ops(), op, configuration);
}

}  // namespace qudnn::ops

extern "C" QUDNN_API OrtStatus* RegisterCustomOps(OrtSessionOptions* options, const OrtApiBase* base) {
    try {
        return qudnn::ops::register_ops(options, base);
    } catch (...) {
        return nullptr;  // no memory to say why; models run on their function bodies
    }
}
