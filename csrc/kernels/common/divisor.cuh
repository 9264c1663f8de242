// Division by a number that is known at launch, in three instructions.
#pragma once

#include <cstdint>

namespace qudnn::kernels {

template <typename Index>
struct Divisor;

// For dividends below 2^31: quotient = (hi(dividend * multiplier) + dividend) >> shift.
template <>
struct Divisor<uint32_t> {
    uint32_t value, multiplier;
    int shift = 0;

    Divisor() = default;
    explicit Divisor(int64_t divisor) : value(static_cast<uint32_t>(divisor)) {
        while ((uint64_t{1} << shift) < value) ++shift;
        multiplier =
            static_cast<uint32_t>((uint64_t{1} << 32) * ((uint64_t{1} << shift) - value) / value + 1);
    }
    __device__ uint32_t quotient(uint32_t dividend) const {
        return (__umulhi(dividend, multiplier) + dividend) >> shift;
    }
};

template <>
struct Divisor<uint64_t> {
    uint64_t value;

    Divisor() = default;
    explicit Divisor(int64_t divisor) : value(static_cast<uint64_t>(divisor)) {}
    __device__ uint64_t quotient(uint64_t dividend) const { return dividend / value; }
};

// index becomes the quotient; returns the remainder.
template <typename Index>
__device__ inline Index split(Index& index, const Divisor<Index>& divisor) {
    const Index quotient = divisor.quotient(index), remainder = index - quotient * divisor.value;
    index = quotient;
    return remainder;
}

}  // namespace qudnn::kernels
