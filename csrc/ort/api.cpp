#include "ort/api.h"

#include <atomic>

namespace qudnn::ort {

namespace {
std::atomic<const OrtApi*> bound{nullptr};
}

const OrtApi* api() { return bound.load(std::memory_order_relaxed); }

bool bind(const OrtApi* api) {
    const OrtApi* expected = nullptr;
    return bound.compare_exchange_strong(expected, api) || expected == api;
}

void check(OrtStatus* status) {
    if (status == nullptr) return;
    const std::string message = invoke<slots::GetErrorMessage>(status);
    invoke<slots::ReleaseStatus>(status);
    throw Error(message);
}

}  // namespace qudnn::ort
