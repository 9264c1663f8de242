#include "ort/api.h"

#include <atomic>

namespace qudnn::ort {

namespace {
std::atomic<const OrtApi*> bound{nullptr};
std::atomic<uint32_t> newest{0};
}  // namespace

const OrtApi* api() { return bound.load(std::memory_order_relaxed); }

bool bind(const OrtApi* api, uint32_t version) {
    const OrtApi* expected = nullptr;
    if (!bound.compare_exchange_strong(expected, api) && expected != api) return false;
    newest = version;
    return true;
}

bool has_version(uint32_t version) { return newest.load(std::memory_order_relaxed) >= version; }

void check(OrtStatus* status) {
    if (status == nullptr) return;
    const std::string message = invoke<slots::GetErrorMessage>(status);
    invoke<slots::ReleaseStatus>(status);
    throw Error(message);
}

}  // namespace qudnn::ort
