#include "ort/binding.h"

namespace qudnn::ort {

namespace {

OrtStatus* refusal(const OrtApi* api, const std::string& why) {
    if (api == nullptr) return nullptr;
    return slots::CreateStatus::of(api)(ErrorCode::fail, ("qudnn: " + why).c_str());
}

}  // namespace

bool bind(const OrtApiBase* base, uint32_t version, const char* oldest, OrtStatus** status) {
    const OrtApi* const api = base->GetApi(version);
    if (api == nullptr) {
        const OrtApi* const first = base->GetApi(1);  // has the functions that a message needs
        *status = refusal(first, std::string("needs onnxruntime ") + oldest + " or newer, this is " +
                                     base->GetVersionString());
        return false;
    }
    if (bind(api)) return true;
    *status = refusal(api, "another onnxruntime in this process already uses this library");
    return false;
}

}  // namespace qudnn::ort
