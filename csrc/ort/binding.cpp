#include "ort/binding.h"

#include <algorithm>
#include <charconv>
#include <string_view>

namespace qudnn::ort {

namespace {

OrtStatus* refusal(const OrtApi* api, const std::string& why) {
    if (api == nullptr) return nullptr;
    return slots::CreateStatus::of(api)(ErrorCode::fail, ("qudnn: " + why).c_str());
}

// Release 1.N has the functions of API versions up to N. To ask for one that a runtime lacks makes it write a
// message. 0 for other texts.
uint32_t newest_version(const OrtApiBase* base) {
    const std::string_view release = base->GetVersionString();
    if (!release.starts_with("1.")) return 0;
    uint32_t version = 0;
    std::from_chars(release.data() + 2, release.data() + release.size(), version);
    return version;
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
    if (bind(api, std::max(version, newest_version(base)))) return true;
    *status = refusal(api, "another onnxruntime in this process already uses this library");
    return false;
}

}  // namespace qudnn::ort
