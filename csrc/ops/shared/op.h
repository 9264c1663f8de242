// From a plain struct to an op that ONNX Runtime can call.
//
// A kernel struct has
//   static constexpr Signature kSignature;                 name, element types
//   explicit Kernel(const ort::Attributes&);               reads attributes, once
//   void compute(Context&) const;                          one run
//   static void infer(const ort::InferenceContext&);       output types and shapes
//   static constexpr size_t kSteps;                        where it runs several plans: how many
// and may throw anywhere: definition() turns that into a status that names the node, its op and its inputs.
#pragma once

#include <cuda_runtime_api.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "ort/inference_context.h"
#include "ort/kernel_context.h"
#include "plan/common/cuda_error.h"
#include "plan/common/memo.h"
#include "plan/planner/planner.h"

namespace qudnn::ops {

constexpr const char* kDomain = "qudnn";
constexpr const char* kProvider = "CUDAExecutionProvider";
constexpr size_t kMaxInputs = 12;

// The element types of an op's inputs or outputs. Undefined: any type for an input, what infer() says for an
// output.
class ElementTypes {
  public:
    constexpr ElementTypes(std::initializer_list<ort::ElementType> types) : size_(types.size()) {
        std::copy(types.begin(), types.end(), types_.begin());  // no constant where there are too many
    }
    constexpr size_t size() const { return size_; }
    constexpr ort::ElementType operator[](size_t i) const { return types_[i]; }

  private:
    std::array<ort::ElementType, kMaxInputs> types_{};
    size_t size_;
};

struct Signature {
    const char* name;
    ElementTypes inputs;
    ElementTypes outputs;
    size_t optional_outputs = 0;  // the first so many; a node may leave each out, whose name is empty then
    size_t optional_inputs = 0;   // the last so many
    size_t host_inputs = 0;       // the last so many lie in memory of the host
};

// One run of one node.
class Context final : public plan::Host {
  public:
    Context(OrtKernelContext* context, OrtAllocator* allocator, const ort::ConstantInputs& constants,
            const std::string& node, const plan::Configuration& configuration, plan::Memo& memo)
        : context_(context, allocator, constants), node_(node), configuration_(configuration), memo_(memo) {}

    ort::Tensor input(size_t index) const { return context_.input(index); }
    // Of undefined type where the node leaves it out.
    ort::Tensor optional_input(size_t index) const { return context_.optional_input(index); }
    ort::Tensor output(size_t index, const ort::Shape& shape) { return context_.output(index, shape); }
    // Null data where the node leaves it out.
    ort::Tensor optional_output(size_t index, const ort::Shape& shape) {
        return context_.optional_output(index, shape);
    }
    CUstream_st* stream() const { return context_.stream(); }
    bool use_tf32() const { return context_.use_tf32(); }

    plan::Launch launch() const override { return {context_.stream(), context_.cudnn(), &memo_, this}; }
    int device() const override { return context_.device(); }
    std::unique_ptr<plan::Workspace> workspace(size_t bytes) const override;
    const plan::Configuration& configuration() const override { return configuration_; }
    const std::string& node() const override { return node_; }
    void warn(const std::string& message) const override { context_.log(ort::LogLevel::warning, message); }
    void inform(const std::string& message) const override { context_.log(ort::LogLevel::info, message); }

  private:
    ort::KernelContext context_;
    const std::string& node_;
    const plan::Configuration& configuration_;
    plan::Memo& memo_;
};

// Makes the GPU current on this thread, since not all of ORT's threads have the session's, and restores the
// previous one at the end.
class UseDevice {
  public:
    explicit UseDevice(int device);
    UseDevice(const UseDevice&) = delete;
    ~UseDevice();

  private:
    int before_ = -1;  // negative: nothing to put back
};

// Throws if a kernel did not start, or if another call failed.
using plan::check_cuda;

// Throws unless the condition holds.
inline void require(bool condition, const char* what) {
    if (!condition) throw std::invalid_argument(what);
}

// "QConv 'name' (int8[1,2,2,16], ...)", for messages; with inputs only if there is a context.
std::string describe(const Signature& signature, const std::string& node, const Context* context);

// Sets the fields of an OrtCustomOp that are the same for every kernel struct.
void fill_common(OrtCustomOp& op);

template <class Kernel>
struct Definition final : OrtCustomOp {
    struct Instance {
        std::string node;
        ort::Allocator allocator;
        ort::ConstantInputs constants;
        const plan::Configuration& configuration;
        const Kernel kernel;
        plan::Memo memo{constants.pointers(), steps()};
    };

    static constexpr size_t steps() {
        if constexpr (requires { Kernel::kSteps; }) return Kernel::kSteps;
        return 0;
    }

    const plan::Configuration& configuration;

    explicit Definition(const plan::Configuration& of_session) : OrtCustomOp{}, configuration(of_session) {
        fill_common(*this);
        GetName = [](const OrtCustomOp*) { return Kernel::kSignature.name; };
        GetInputTypeCount = [](const OrtCustomOp*) { return Kernel::kSignature.inputs.size(); };
        GetInputType = [](const OrtCustomOp*, size_t i) { return Kernel::kSignature.inputs[i]; };
        GetInputCharacteristic = [](const OrtCustomOp*, size_t i) {
            constexpr size_t kFirst = Kernel::kSignature.inputs.size() - Kernel::kSignature.optional_inputs;
            return i < kFirst ? ort::kRequired : ort::kOptional;
        };
        GetInputMemoryType = [](const OrtCustomOp*, size_t i) {
            constexpr size_t kFirst = Kernel::kSignature.inputs.size() - Kernel::kSignature.host_inputs;
            return i < kFirst ? ort::kMemTypeDefault : ort::kMemTypeCpuInput;
        };
        GetOutputTypeCount = [](const OrtCustomOp*) { return Kernel::kSignature.outputs.size(); };
        GetOutputType = [](const OrtCustomOp*, size_t i) { return Kernel::kSignature.outputs[i]; };
        GetOutputCharacteristic = [](const OrtCustomOp*, size_t i) {
            return i < Kernel::kSignature.optional_outputs ? ort::kOptional : ort::kRequired;
        };
        CreateKernelV2 = [](const OrtCustomOp* op, const OrtApi*, const OrtKernelInfo* info, void** kernel) {
            std::string node;
            return ort::guarded(
                [&] {
                    node = ort::node_name(info);
                    *kernel = new Instance{node, ort::Allocator(info), ort::ConstantInputs(info),
                                           static_cast<const Definition*>(op)->configuration,
                                           Kernel(ort::KernelAttributes(info))};
                },
                [&] { return describe(Kernel::kSignature, node, nullptr); });
        };
        KernelDestroy = [](void* kernel) { delete static_cast<Instance*>(kernel); };
        KernelComputeV2 = [](void* kernel, OrtKernelContext* raw) {
            Instance& instance = *static_cast<Instance*>(kernel);
            Context context(raw, instance.allocator.get(), instance.constants, instance.node,
                            instance.configuration, instance.memo);
            return ort::guarded(
                [&] {
                    const UseDevice current(context.device());
                    instance.kernel.compute(context);
                },
                [&] { return describe(Kernel::kSignature, instance.node, &context); });
        };
        InferOutputShapeFn = [](const OrtCustomOp*, OrtShapeInferContext* raw) {
            return ort::guarded([&] { Kernel::infer(ort::InferenceContext(raw)); },
                                [] { return describe(Kernel::kSignature, "", nullptr); });
        };
    }
};

// The op of a kernel struct for sessions of one configuration, for as long as the process lives.
template <class Kernel>
const OrtCustomOp* definition(const plan::Configuration& configuration) {
    return new Definition<Kernel>(configuration);
}

}  // namespace qudnn::ops
