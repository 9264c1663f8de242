// The epilogue of a convolution or matmul by the type of its results.
#pragma once

#include "kernels/common/common.cuh"

namespace qudnn::kernels {

// What a table in global memory, from the entry of -128 on, makes of a byte.
__device__ inline uint32_t looked_up(const int8_t* table, uint32_t byte) {
    return static_cast<uint8_t>(__ldg(table + 128 + static_cast<int8_t>(byte)));
}

// Of each byte of a word.
__device__ inline uint32_t looked_up_word(const int8_t* table, uint32_t word) {
    return pack(looked_up(table, word), looked_up(table, word >> 8), looked_up(table, word >> 16),
                looked_up(table, word >> 24));
}

// TypedEpilogue<Y>, and of int8 results ZeroPointsEpilogue with a zero point for each output channel and
// TableEpilogue with a table:
//   Channel                     what it knows of an output channel
//   channel(k)                  loads that
//   result(accumulator, c)      a result of the channel c, in a register's form
//   store4(target, results)     stores four of them; the target is a multiple of their size
template <typename Y>
struct TypedEpilogue;

template <>
struct TypedEpilogue<int8_t> {
    using Result = uint32_t;  // the lowest byte counts
    struct Channel {
        int32_t bias = 0;
        float multiplier = 0;
    };
    const int32_t* bias;
    const float* multiplier;
    OutputRange range;

    explicit TypedEpilogue(const Epilogue& e) : bias(e.bias), multiplier(e.multiplier), range(e) {}
    __device__ Channel channel(int64_t k) const { return {bias[k], multiplier[k]}; }
    __device__ Result result(int32_t accumulator, const Channel& c) const {
        return requantize(wrapping_add(accumulator, c.bias), c.multiplier, range);
    }
    __device__ static void store4(int8_t* target, const Result (&r)[4]) {
        *reinterpret_cast<uint32_t*>(target) = pack(r[0], r[1], r[2], r[3]);
    }
};

struct ZeroPointsEpilogue {
    using Result = uint32_t;
    struct Channel {
        int32_t bias = 0;
        float multiplier = 0;
        OutputRange range{0};
    };
    const int32_t* bias;
    const float *multiplier, *zero_points;

    explicit ZeroPointsEpilogue(const Epilogue& e)
        : bias(e.bias), multiplier(e.multiplier), zero_points(e.zero_points) {}
    __device__ Channel channel(int64_t k) const {
        return {bias[k], multiplier[k], OutputRange(static_cast<int>(zero_points[k]))};
    }
    __device__ Result result(int32_t accumulator, const Channel& c) const {
        return requantize(wrapping_add(accumulator, c.bias), c.multiplier, c.range);
    }
    __device__ static void store4(int8_t* target, const Result (&r)[4]) {
        TypedEpilogue<int8_t>::store4(target, r);
    }
};

// What the table makes of the results that TypedEpilogue<int8_t> gives.
struct TableEpilogue {
    using Result = uint32_t;
    using Channel = TypedEpilogue<int8_t>::Channel;
    TypedEpilogue<int8_t> formula;
    const int8_t* table;

    explicit TableEpilogue(const Epilogue& e) : formula(e), table(e.table) {}
    __device__ Channel channel(int64_t k) const { return formula.channel(k); }
    __device__ Result result(int32_t accumulator, const Channel& c) const {
        return looked_up(table, formula.result(accumulator, c));
    }
    __device__ static void store4(int8_t* target, const Result (&r)[4]) {
        TypedEpilogue<int8_t>::store4(target, r);
    }
};

template <>
struct TypedEpilogue<float> {
    using Result = float;
    struct Channel {
        int32_t bias = 0;
        float multiplier = 0, addend = 0;
    };
    const int32_t* bias;
    const float *multiplier, *addend;

    explicit TypedEpilogue(const Epilogue& e) : bias(e.bias), multiplier(e.multiplier), addend(e.addend) {}
    __device__ Channel channel(int64_t k) const { return {bias[k], multiplier[k], addend[k]}; }
    __device__ Result result(int32_t accumulator, const Channel& c) const {
        const float sum = __int2float_rn(wrapping_add(accumulator, c.bias));
        return plus(multiply(sum, c.multiplier), c.addend);
    }
    __device__ static void store4(float* target, const Result (&r)[4]) {
        *reinterpret_cast<float4*>(target) = {r[0], r[1], r[2], r[3]};
    }
};

template <>
struct TypedEpilogue<int32_t> {
    using Result = int32_t;
    struct Channel {
        int32_t bias = 0;
    };
    const int32_t* bias;

    explicit TypedEpilogue(const Epilogue& e) : bias(e.bias) {}
    __device__ Channel channel(int64_t k) const { return {bias[k]}; }
    __device__ Result result(int32_t accumulator, const Channel& c) const {
        return wrapping_add(accumulator, c.bias);
    }
    __device__ static void store4(int32_t* target, const Result (&r)[4]) {
        *reinterpret_cast<int4*>(target) = {r[0], r[1], r[2], r[3]};
    }
};

}  // namespace qudnn::kernels
