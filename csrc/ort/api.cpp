#include "ort/api.h"

namespace qudnn::ort {

Runtime runtime;

bool bind(const OrtApi* api, uint32_t version) {
    const OrtApi* expected = nullptr;
    if (!runtime.api.compare_exchange_strong(expected, api) && expected != api) return false;
    runtime.version = version;
    return true;
}

void fail(OrtStatus* status) {
    const std::string message = invoke<slots::GetErrorMessage>(status);
    invoke<slots::ReleaseStatus>(status);
    throw Error(message);
}

}  // namespace qudnn::ort
