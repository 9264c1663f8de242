// Bounds of numbers that come from a model or a file, so that nothing computed from them overflows.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>

namespace qudnn {

// For an extent that windows slide over, and for an attribute: sums and products of two do not overflow.
constexpr int64_t kMostExtent = (int64_t{1} << 31) - 1;

// For an element's index in its tensor: elements of four bytes still have an address.
constexpr int64_t kMostElements = int64_t{1} << 60;

// Whether the size of a tensor of these extents, none negative, fits, also without those that are 0: strides
// are products of some of them.
constexpr bool fits(std::initializer_list<int64_t> extents) {
    int64_t elements = 1;
    for (const int64_t extent : extents) {
        if (extent < 0 || (extent > 0 && __builtin_mul_overflow(elements, extent, &elements))) return false;
    }
    return elements <= kMostElements;
}

// For an axis of any tensor: an attribute may be added, or the axis be 2^15 times as long, without overflow.
constexpr int64_t kMostAxis = int64_t{1} << 40;

[[noreturn]] inline void refuse_number(std::string_view name, int64_t value, int64_t low, int64_t high) {
    throw std::invalid_argument(std::string(name) + " = " + std::to_string(value) + " is outside [" +
                                std::to_string(low) + ", " + std::to_string(high) + "]");
}

// Throws std::invalid_argument unless low <= value <= high.
inline void require_within(std::string_view name, int64_t value, int64_t low, int64_t high = kMostExtent) {
    if (value < low || value > high) refuse_number(name, value, low, high);
}

}  // namespace qudnn
