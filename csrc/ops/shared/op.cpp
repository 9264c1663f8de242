#include "ops/shared/op.h"

namespace qudnn::ops {

namespace {

class ScratchWorkspace final : public plan::Workspace {
  public:
    explicit ScratchWorkspace(ort::Scratch scratch) : scratch_(std::move(scratch)) {}
    void* data() const override { return scratch_.data(); }

  private:
    ort::Scratch scratch_;
};

}  // namespace

std::unique_ptr<plan::Workspace> Context::workspace(size_t bytes) const {
    return std::make_unique<ScratchWorkspace>(context_.scratch(bytes));
}

UseDevice::UseDevice(int device) {
    int current = -1;
    check_cuda(cudaGetDevice(&current));
    if (current == device) return;
    check_cuda(cudaSetDevice(device));
    before_ = current;
}

UseDevice::~UseDevice() {
    if (before_ >= 0) cudaSetDevice(before_);
}

std::string describe(const Signature& signature, const std::string& node, const Context* context) {
    std::string text = std::string(signature.name) + " '" + node + "'";
    if (context == nullptr) return text;
    text += " (";
    for (size_t i = 0; i < signature.inputs.size(); ++i) {
        if (i > 0) text += ", ";
        try {
            text += context->input(i).text();
        } catch (const std::exception&) {
            text += "?";
        }
    }
    return text + ")";
}

void fill_common(OrtCustomOp& op) {
    op.version = ort::kApiVersion;
    op.GetExecutionProviderType = [](const OrtCustomOp*) { return kProvider; };
    op.GetVariadicInputMinArity = [](const OrtCustomOp*) { return 1; };
    op.GetVariadicInputHomogeneity = [](const OrtCustomOp*) { return 1; };
    op.GetVariadicOutputMinArity = [](const OrtCustomOp*) { return 1; };
    op.GetVariadicOutputHomogeneity = [](const OrtCustomOp*) { return 1; };
}

}  // namespace qudnn::ops
