// From C++ to the C interface: results become answers, and exceptions statuses.
#pragma once

#include <string>
#include <utility>

#include "c_api/qudnn.h"
#include "export.h"

namespace qudnn::c_api {

// Puts a text into the answer; QUDNN_OUT_OF_MEMORY where there is no room for it.
QUDNN_API int give(QudnnAnswer* answer, const std::string& text, int64_t number = 0) noexcept;

// The status of the exception that is being handled, with its message.
QUDNN_API int give_exception(QudnnAnswer* answer) noexcept;

// The text that work() makes, or what it throws.
template <class Work>
int answered(QudnnAnswer* answer, Work&& work) noexcept {
    *answer = {};
    try {
        return give(answer, std::forward<Work>(work)());
    } catch (...) {
        return give_exception(answer);
    }
}

}  // namespace qudnn::c_api
