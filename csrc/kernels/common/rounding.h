// The number that rounds floats to integers, and where accumulators of small sums start.
#pragma once

#include <cstdint>

namespace qudnn::kernels {

// As float32 holds integers from 2^23 on, adding this to a float of magnitude below 2^22 rounds that to an
// integer n, half to even, and the bits of the result are kSumOrigin + n. So an accumulator that starts from
// kSumOrigin, its sum being smaller than kSmallSum, is kRoundingShift + sum if its bits are read as a float.
constexpr float kRoundingShift = 12582912.0f;  // 1.5 * 2^23
constexpr int32_t kSumOrigin = 0x4B400000;     // its bits
constexpr int32_t kSmallSum = 1 << 22;

}  // namespace qudnn::kernels
