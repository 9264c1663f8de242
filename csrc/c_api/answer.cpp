#include "c_api/answer.h"

#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>
#include <stdexcept>
#include <system_error>

#include "plan/storage/record.h"

namespace qudnn::c_api {

namespace {

int give_message(QudnnAnswer* answer, int status, const char* message, int64_t number = 0) noexcept {
    try {
        return give(answer, message, number) == QUDNN_OK ? status : QUDNN_OUT_OF_MEMORY;
    } catch (...) {
        return QUDNN_OUT_OF_MEMORY;
    }
}

}  // namespace

int give(QudnnAnswer* answer, const std::string& text, int64_t number) noexcept {
    *answer = {};
    auto* const copy = static_cast<char*>(std::malloc(text.size() + 1));
    if (copy == nullptr) return QUDNN_OUT_OF_MEMORY;
    std::memcpy(copy, text.c_str(), text.size() + 1);
    *answer = {copy, text.size(), number};
    return QUDNN_OK;
}

int give_exception(QudnnAnswer* answer) noexcept {
    try {
        throw;
    } catch (const std::bad_alloc&) {
        return QUDNN_OUT_OF_MEMORY;
    } catch (const std::system_error& e) {
        return give_message(answer, QUDNN_SYSTEM, e.what(), e.code().value());
    } catch (const plan::BadRecord& e) {
        return give_message(answer, QUDNN_BAD_FILE, e.what());
    } catch (const std::invalid_argument& e) {
        return give_message(answer, QUDNN_INVALID, e.what());
    } catch (const std::exception& e) {
        return give_message(answer, QUDNN_FAILED, e.what());
    } catch (...) {
        return give_message(answer, QUDNN_FAILED, "an exception of no known type");
    }
}

}  // namespace qudnn::c_api
