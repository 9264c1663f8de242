#include "c_api/json.h"

#include <array>
#include <charconv>
#include <cmath>

namespace qudnn::json {

std::string text(std::string_view characters) {
    std::string all = "\"";
    for (const char c : characters) {
        if (c == '"' || c == '\\') {
            all += '\\';
            all += c;
        } else if (static_cast<unsigned char>(c) < 0x20) {
            constexpr std::string_view kDigits = "0123456789abcdef";
            all += "\\u00";
            all += kDigits[static_cast<unsigned char>(c) / 16];
            all += kDigits[static_cast<unsigned char>(c) % 16];
        } else {
            all += c;
        }
    }
    return all += '"';
}

std::string number(double value) {
    if (!std::isfinite(value)) return "null";
    std::array<char, 32> digits;  // the shortest that are read back as the same value
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    std::string text(digits.data(), end);
    if (text.find_first_of(".e") == std::string::npos) text += ".0";
    return text;
}

std::string list(const std::vector<std::string>& values) {
    std::string all = "[";
    for (const std::string& value : values) {
        if (all.size() > 1) all += ", ";
        all += value;
    }
    return all += ']';
}

std::string object(const std::vector<std::pair<const char*, std::string>>& members) {
    std::string all = "{";
    for (const auto& [name, value] : members) {
        if (all.size() > 1) all += ", ";
        all += text(name);
        all += ": ";
        all += value;
    }
    return all += '}';
}

}  // namespace qudnn::json
