// Calls into ONNX Runtime: a failed status becomes an exception, and at the C boundary an exception a status.
#pragma once

#include <atomic>
#include <cstdint>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>

#include "export.h"
#include "ort/abi.h"

namespace qudnn::ort {

// The runtime refused a call; what() is its message.
struct Error : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// The function table of the runtime that registered the ops, and the newest API version that it has.
struct Runtime {
    std::atomic<const OrtApi*> api{nullptr};
    std::atomic<uint32_t> version{0};
};
QUDNN_API extern Runtime runtime;

// One runtime per process: false if another one was first.
QUDNN_API bool bind(const OrtApi* api, uint32_t version);

inline const OrtApi* api() { return runtime.api.load(std::memory_order_relaxed); }

// Whether that runtime has the functions of an API version.
inline bool has_version(uint32_t version) {
    return runtime.version.load(std::memory_order_relaxed) >= version;
}

template <class Slot, class... Arguments>
auto invoke(Arguments&&... arguments) {
    return Slot::of(api())(std::forward<Arguments>(arguments)...);
}

inline OrtStatus* make_status(ErrorCode code, const char* message) {
    return invoke<slots::CreateStatus>(code, message);
}

// Takes ownership of the status; throws Error with its message.
[[noreturn]] QUDNN_API void fail(OrtStatus* status);

// Throws unless the status is null.
inline void check(OrtStatus* status) {
    if (status != nullptr) fail(status);
}

template <class Slot, class... Arguments>
void call(Arguments&&... arguments) {
    check(invoke<Slot>(std::forward<Arguments>(arguments)...));
}

// Runs f; an exception becomes a status whose message starts with what `context()` returns. If there is no
// memory for the message, the status says so.
template <class Function, class Context>
OrtStatus* guarded(Function&& f, Context&& context) noexcept {
    try {
        try {
            f();
            return nullptr;
        } catch (const std::exception& e) {
            return make_status(ErrorCode::fail, (context() + ": " + e.what()).c_str());
        }
    } catch (const std::bad_alloc&) {
        return make_status(ErrorCode::fail, "qudnn: out of memory");
    } catch (...) {
        return make_status(ErrorCode::fail, "qudnn: unknown error");
    }
}

}  // namespace qudnn::ort
