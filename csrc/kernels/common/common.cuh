// What the kernels share: exact float32 steps, bytes packed in words, launching.
#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <climits>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "kernels/common/rounding.h"
#include "kernels/epilogue/epilogue.h"

namespace qudnn::kernels {

// --- Float32 operations with one rounding each. The compiler may contract a plain a * b + c into an FMA, but
// never these.

__host__ __device__ inline float multiply(float a, float b) {
#ifdef __CUDA_ARCH__
    return __fmul_rn(a, b);
#else
    return a * b;
#endif
}

__host__ __device__ inline float plus(float a, float b) {
#ifdef __CUDA_ARCH__
    return __fadd_rn(a, b);
#else
    return a + b;
#endif
}

__host__ __device__ inline float divide(float a, float b) {
#ifdef __CUDA_ARCH__
    return __fdiv_rn(a, b);
#else
    return a / b;
#endif
}

__host__ __device__ inline float fused_multiply_add(float a, float b, float c) {
#ifdef __CUDA_ARCH__
    return __fmaf_rn(a, b, c);
#else
    return std::fmaf(a, b, c);
#endif
}

__host__ __device__ inline uint32_t float_bits(float value) {
#ifdef __CUDA_ARCH__
    return __float_as_uint(value);
#else
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
#endif
}

// 2^x in two units of the last place, numbers below 2^-126 as 0.
__device__ inline float power_of_two(float x) {
#ifdef __CUDA_ARCH__
    float result;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(x));
    return result;
#else
    return std::exp2(x);
#endif
}

// --- Rounding to 8 bits. Results are words whose lowest byte counts; pack() collects four of them.

// kSumOrigin + rint(value), half to even. |value| < 2^22.
__host__ __device__ inline int32_t rounded_bits(float value) {
    return static_cast<int32_t>(float_bits(plus(value, kRoundingShift)));
}

// The lowest byte is that of rint(value). |value| < 2^22.
__host__ __device__ inline uint32_t round_to_byte(float value) {
    return static_cast<uint32_t>(rounded_bits(value));
}

// rint(value) + zero_point of four such values, each within -128..127, as bytes; shift: as OutputRange has
// it.
__device__ inline uint32_t round_to_bytes(const float (&values)[4], int32_t shift) {
    // Added up with their places' weights. So that none is negative they have 128 more.
    uint32_t sum = round_to_byte(values[3]) * 256 + round_to_byte(values[2]);
    sum = (sum * 256 + round_to_byte(values[1])) * 256 + round_to_byte(values[0]);
    return (sum + static_cast<uint32_t>(shift + 128) * 0x01010101u) ^ 0x80808080u;
}

// The range that a result is clamped to and its zero point, in a form that is cheap to apply.
struct OutputRange {
    float low;      // before the zero point is added
    int32_t shift;  // from kSumOrigin + n to n + zero_point
    int32_t high;   // after it is added

    __host__ __device__ explicit OutputRange(int zero_point, int low = -128, int high = 127)
        : low(static_cast<float>(low - zero_point)), shift(zero_point - kSumOrigin), high(high) {}
    explicit OutputRange(const Epilogue& e) : OutputRange(e.zero_point, e.low, e.high) {}

    __host__ __device__ int32_t zero_point() const { return shift + kSumOrigin; }
    // Whether results are bytes from 0 to 255, less 128.
    __host__ __device__ bool is_unsigned() const {
        return zero_point() == -128 && low == 0.0f && high == 127;
    }
};

// clamp(rint(value) + zero_point). NaN gives the lower bound.
__host__ __device__ inline uint32_t quantize(float value, const OutputRange& range) {
    // Bits of positive floats are ordered like the floats, so that what is too large stays so to the end.
    const int32_t shifted = rounded_bits(fmaxf(value, range.low)) + range.shift;
    return static_cast<uint32_t>(shifted < range.high ? shifted : range.high);
}

// int32 arithmetic wraps, as the accumulators of the specification do.
__host__ __device__ inline int32_t wrapping_add(int32_t a, int32_t b) {
    return static_cast<int32_t>(static_cast<uint32_t>(a) + static_cast<uint32_t>(b));
}

// The epilogue of a convolution or matmul; accumulator includes the bias.
__host__ __device__ inline uint32_t requantize(int32_t accumulator, float multiplier,
                                               const OutputRange& range) {
#ifdef __CUDA_ARCH__
    float value = __int2float_rn(accumulator);
#else
    float value = static_cast<float>(accumulator);
#endif
    return quantize(multiply(value, multiplier), range);
}

// Whether bias and products of any bytes with weights of these magnitudes add up to less than kSmallSum.
__host__ __device__ inline bool is_small_sum(int magnitudes, int32_t bias) {
    return int64_t{magnitudes} * 128 + (bias < 0 ? -int64_t{bias} : bias) < kSmallSum;
}

// kSmall: the accumulator started from kSumOrigin and its sum is smaller than kSmallSum, so that its
// conversion is a subtraction.
template <bool kSmall>
__device__ inline uint32_t requantize(int32_t accumulator, float multiplier, const OutputRange& range) {
    if (!kSmall) return requantize(accumulator, multiplier, range);
    const float value = plus(__uint_as_float(static_cast<uint32_t>(accumulator)), -kRoundingShift);
    return quantize(multiply(value, multiplier), range);
}

// --- Four bytes in a word.

__host__ __device__ constexpr uint32_t splat(int byte) { return 0x01010101u * static_cast<uint8_t>(byte); }

__device__ inline uint32_t pack(uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
    return __byte_perm(__byte_perm(a, b, 0x0040), __byte_perm(c, d, 0x0040), 0x5410);
}

// The word whose first `count` bytes have all bits set.
__device__ inline uint32_t first_bytes(int count) {
    return count >= 4 ? ~0u : count <= 0 ? 0 : (1u << (count * 8)) - 1;
}

// The first `count` bytes of one word, the others of another.
__device__ inline uint32_t chosen(uint32_t first, uint32_t others, int count) {
    const uint32_t mask = first_bytes(count);
    return (first & mask) | (others & ~mask);
}

// Byte i of each of four words, i = 0..3: a 4 x 4 transpose in 8 instructions.
__device__ inline void transpose_bytes(uint32_t (&m)[4]) {
    uint32_t a = __byte_perm(m[0], m[1], 0x5140), b = __byte_perm(m[0], m[1], 0x7362);
    uint32_t c = __byte_perm(m[2], m[3], 0x5140), d = __byte_perm(m[2], m[3], 0x7362);
    m[0] = __byte_perm(a, c, 0x5410);
    m[1] = __byte_perm(a, c, 0x7632);
    m[2] = __byte_perm(b, d, 0x5410);
    m[3] = __byte_perm(b, d, 0x7632);
}

// Byte i (0..3) of a word as a float, minus `offset`, an integer: exact, and cheaper than a conversion.
// Takes the word's bytes + 128, which then lie in the mantissa of 2^23; byte_origin says what 0 looks like
// there.
__device__ inline float byte_to_float(uint32_t biased, uint32_t i, float origin) {
    return plus(__uint_as_float(__byte_perm(biased, 0x4B000000u, 0x7440u | i)), -origin);
}
__host__ __device__ inline float byte_origin(int offset) {
    return static_cast<float>(8388608 + 128 + offset);
}
constexpr uint32_t kByteBias = 0x80808080u;  // xor: + 128 in each byte

// A vector of V's size with every byte set.
template <typename V>
__device__ V splat_vector(int byte);
template <>
__device__ inline uint4 splat_vector<uint4>(int byte) {
    uint32_t word = splat(byte);
    return {word, word, word, word};
}
template <>
__device__ inline uint8_t splat_vector<uint8_t>(int byte) {
    return static_cast<uint8_t>(byte);
}

// --- Launching.

constexpr int kThreads = 256;
constexpr int64_t kManyVectors = int64_t{1}
                                 << 18;  // from here on a thread takes several: enough to fill the GPU

inline bool aligned(const void* pointer, size_t bytes) {
    return reinterpret_cast<uintptr_t>(pointer) % bytes == 0;
}

// Whether `count` items can be counted with 32 bits, the last stride past them included.
inline bool narrow(int64_t count) { return count <= INT_MAX; }

inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// `blocks` may exceed the grid's limit: kernels loop over their work with a stride of gridDim.x.
// shared_bytes: of dynamic shared memory.
template <typename... Parameters, typename... Arguments>
cudaError_t launch_with(void (*kernel)(Parameters...), int64_t blocks, dim3 threads, size_t shared_bytes,
                        cudaStream_t stream, const Arguments&... arguments) {
    auto grid = static_cast<unsigned>(std::min<int64_t>(blocks, INT_MAX));
    kernel<<<grid, threads, shared_bytes, stream>>>(arguments...);
    return cudaGetLastError();
}

template <typename... Parameters, typename... Arguments>
cudaError_t launch(void (*kernel)(Parameters...), int64_t blocks, dim3 threads, cudaStream_t stream,
                   const Arguments&... arguments) {
    return launch_with(kernel, blocks, threads, 0, stream, arguments...);
}

}  // namespace qudnn::kernels
