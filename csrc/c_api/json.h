// Values as JSON. Bytes that are no UTF-8, as a path may have them, stay as they are.
#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "export.h"

namespace qudnn::json {

QUDNN_API std::string text(std::string_view characters);
QUDNN_API std::string number(double value);  // null where it is none

// Of values that are JSON already.
QUDNN_API std::string list(const std::vector<std::string>& values);
QUDNN_API std::string object(const std::vector<std::pair<const char*, std::string>>& members);

// Of a text, a number, a bool, or a range of these.
template <class Value>
std::string of(const Value& value) {
    if constexpr (std::convertible_to<const Value&, std::string_view>) {
        return text(value);
    } else if constexpr (std::same_as<Value, bool>) {
        return value ? "true" : "false";
    } else if constexpr (std::floating_point<Value>) {
        return number(value);
    } else if constexpr (std::integral<Value>) {
        return std::to_string(value);
    } else {
        std::vector<std::string> values;
        for (const auto& each : value) values.push_back(of(each));
        return list(values);
    }
}

// A list of values of several types.
template <class... Values>
std::string list_of(const Values&... values) {
    return list({of(values)...});
}

}  // namespace qudnn::json
