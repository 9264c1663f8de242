#include "plan/storage/text.h"

#include <cstddef>
#include <cstdint>

namespace qudnn::plan {

bool is_utf8(std::string_view bytes) {
    for (size_t i = 0; i < bytes.size();) {
        const auto first = static_cast<uint8_t>(bytes[i]);
        const size_t more = first < 0x80             ? 0
                            : (first & 0xe0) == 0xc0 ? 1
                            : (first & 0xf0) == 0xe0 ? 2
                            : (first & 0xf8) == 0xf0 ? 3
                                                     : SIZE_MAX;
        if (more >= bytes.size() - i) return false;
        uint32_t code = more == 0 ? first : first & (0x3fu >> more);
        for (size_t j = 1; j <= more; ++j) {
            const auto next = static_cast<uint8_t>(bytes[i + j]);
            if ((next & 0xc0) != 0x80) return false;
            code = code << 6 | (next & 0x3f);
        }
        // Each code in its shortest form, none beyond Unicode's last, and no surrogates.
        constexpr uint32_t kLeast[] = {0, 0x80, 0x800, 0x10000};
        if (code < kLeast[more] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return false;
        i += more + 1;
    }
    return true;
}

std::string printable(std::string_view text) {
    constexpr const char* kDigits = "0123456789abcdef";
    std::string s;
    for (const char c : text) {
        if (c >= ' ' && c <= '~') {
            s += c;
        } else {
            const auto byte = static_cast<uint8_t>(c);
            s.append("\\x").append(1, kDigits[byte >> 4]).append(1, kDigits[byte & 15]);
        }
    }
    return s;
}

}  // namespace qudnn::plan
